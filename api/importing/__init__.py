"""Tables from outside: read, mapped, checked row by row, sent in chunks that are done once."""
