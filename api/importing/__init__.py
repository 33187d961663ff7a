"""Tables from outside: read, mapped, checked row by row, sent in chunks that are done once.

movements  rows of a table as lines of stock movements: which column is what, and what is wrong with a row
tables     rows of a CSV or Excel file, as texts, with the number each has in the file
"""
