"""The text of a file, in the encodings that people send: UTF-8, UTF-16, UTF-32, Windows-1252."""

import codecs

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),  # begins as that of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
UNMARKED = ("utf-8", "cp1252")
LOOKED_AT_BYTES = 4_000


class BadTable(Exception):
    """The file can't be read as a table; the message says why and what to do."""


def marked(begin: bytes) -> tuple[str, str] | None:
    """How a text is encoded whose first bytes say so, and what that is called."""
    return next(((encoding, called) for mark, encoding, called in MARKS if begin.startswith(mark)), None)


def text_of(content: bytes, name: str) -> str:
    """The text in a file called `name`. Raises BadTable."""
    if content.startswith(b"PK\x03\x04"):
        raise BadTable(
            f"{name} is no text but an Excel file or an archive; an Excel file is read if it is called .xlsx"
        )
    said = marked(content)
    if said is not None:
        try:
            return content.decode(said[0])
        except UnicodeDecodeError:
            raise BadTable(
                f"{name} begins as {said[1]} text, but is damaged or cut off; save it as CSV in UTF-8"
            ) from None
    if b"\0" in content[:LOOKED_AT_BYTES]:
        return _unmarked_utf_16(content, name)
    for encoding in UNMARKED:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadTable(f"{name} is neither UTF-8 nor Windows-1252 text; save it as CSV in UTF-8")


def _unmarked_utf_16(content: bytes, name: str) -> str:
    """UTF-16 without its mark: in what people write in tables, every other byte is zero."""
    begin = content[:LOOKED_AT_BYTES]
    for encoding, zeros, others in (
        ("utf-16-le", begin[1::2], begin[0::2]),
        ("utf-16-be", begin[0::2], begin[1::2]),
    ):
        if zeros.count(0) * 2 > len(zeros) and not others.count(0):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError:
                break
    raise BadTable(f"{name} has zero bytes in it and is no text; save it as CSV in UTF-8")
