"""CSV files with a header, plain or gzipped, read with errors that name the line."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, cast

GZIP_MAGIC = b"\x1f\x8b"


class BadTable(Exception):
    """A file is not the table it should be; the message names the file and, where there is one, the line."""

    def __init__(self, path: Path, line: int | None, problem: str) -> None:
        super().__init__(f"{path.name}: {problem}" if line is None else f"{path.name}: line {line}: {problem}")


def read_table(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(line, the values of `columns`, two or more) of each row; lines count from 1. Raises BadTable."""
    line = 0
    try:
        with path.open("rb") as plain, _unpacked(plain) as content:
            # Spreadsheets write a byte order mark, which is no part of the first name.
            reader = csv.reader(io.TextIOWrapper(content, encoding="utf-8-sig", newline=""), strict=True)
            header = next(reader, [])
            line = reader.line_num
            missing = [f"`{column}`" for column in columns if column not in header]
            if missing:
                there = ", ".join(header) or "none"
                raise BadTable(path, 1, f"there is no column {', '.join(missing)}; there are: {there}")
            picked = itemgetter(*(header.index(column) for column in columns))
            width = len(header)
            for row in reader:
                line = reader.line_num
                if len(row) == width:
                    yield line, picked(row)
                elif row:
                    raise BadTable(path, line, f"{len(row)} fields, where the header has {width}")
    except csv.Error as error:
        raise BadTable(path, line + 1, f"no CSV: {error}") from None
    except UnicodeDecodeError:
        raise BadTable(path, None, f"somewhere after line {line} the text is not in UTF-8") from None
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise BadTable(path, None, f"the gzip file is damaged or cut off: {error}") from None
    except OSError as error:
        raise BadTable(path, None, error.strerror or str(error)) from None


def _unpacked(plain: BinaryIO) -> BinaryIO:
    packed = plain.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    plain.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=plain)) if packed else plain
