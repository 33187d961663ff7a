"""The money books as files for other programs: CSV, trial balances, DATEV."""
