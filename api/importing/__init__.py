"""Tables from outside: read, mapped, checked row by row, sent in chunks that are done once.

columns    which column of a table is what, and what is wrong with a row
items      rows of a table as items
movements  rows of a table as lines of stock movements
numbers    numbers as people and their systems write them: which mark is the decimal one
prices     rows of a table as prices of a list
tables     rows of a CSV or Excel file, as texts, with the number each has in the file
texts      the text of a file, in the encodings that people send
"""
