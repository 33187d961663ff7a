"""Places for the tools and the edge: postal codes to coordinates, stores to nodes. The engine takes coordinates only.

locating       coordinates for what has a postal code only: requests at the edge, nodes before they are sent
opening_hours  opening hours as OpenStreetMap writes them, as far as they are the same every week
postcodes      where a postal code is: a table of coordinates read once from a CSV file
stores         a table of places as nodes: rows that are understood become nodes
tables         CSV files with a header, plain or gzipped, read with errors that name the line
"""
