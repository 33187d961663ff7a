"""Large CSV files with a header, plain or gzipped, read row by row, with errors that name the line."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, cast

from api.importing.tables import delimiter_of
from api.importing.texts import marked

MARK_BYTES_MAX = 4
SAMPLE_CHARACTERS = 20_000
GZIP_MAGIC = b"\x1f\x8b"


class BadTable(Exception):
    """A file is not the table it should be; the message names the file and, where there is one, the line."""

    def __init__(self, path: Path, line: int | None, problem: str) -> None:
        super().__init__(f"{path.name}: {problem}" if line is None else f"{path.name}: line {line}: {problem}")


def read_table(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(line, the values of `columns`, two or more) of each row; lines count from 1. Raises BadTable."""
    line = 0
    encoding, called = "utf-8-sig", "UTF-8"
    try:
        with path.open("rb") as plain, _unpacked(plain) as content:
            encoding, called = marked(content.read(MARK_BYTES_MAX)) or (encoding, called)
            content.seek(0)
            text = io.TextIOWrapper(content, encoding=encoding, newline="")
            delimiter = delimiter_of(text.read(SAMPLE_CHARACTERS))
            text.seek(0)
            reader = csv.reader(text, delimiter=delimiter, strict=True)
            header = next(reader, [])
            line = reader.line_num
            missing = [f"`{column}`" for column in columns if column not in header]
            if missing:
                there = ", ".join(header) or "none"
                raise BadTable(path, 1, f"there is no column {', '.join(missing)}; there are: {there}")
            twice = [f"`{column}`" for column in columns if header.count(column) > 1]
            if twice:
                raise BadTable(path, 1, f"two columns are called {', '.join(twice)}")
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
        raise BadTable(path, None, f"somewhere after line {line} the text is not in {called}") from None
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise BadTable(path, None, f"the gzip file is damaged or cut off: {error}") from None
    except OSError as error:
        raise BadTable(path, None, error.strerror or str(error)) from None


def _unpacked(plain: BinaryIO) -> BinaryIO:
    packed = plain.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    plain.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=plain)) if packed else plain
