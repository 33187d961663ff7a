"""The money books as files for other programs: CSV, trial balances, DATEV.

bookings  the bookings of a span of days, oldest first, straight from a journal, and the exact text of amounts
datev     the DATEV format, category 21 (posting batch), header version 700, format version 13
tables    the bookings as CSV: every posting, or every account with what moved it
"""
