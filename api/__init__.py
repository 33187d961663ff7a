"""Ring 2: every place where bytes enter or leave. Never replayed.

parties    personal data: the keys of every party, and sealing under them
importing  tables from outside: read, mapped, checked row by row, sent in chunks that are done once
pages      pages and files that the node serves itself, so that nothing is fetched from elsewhere
answers    what clients see, made from what the engine knows
geography  places for the tools and the edge: postal codes to coordinates, stores to nodes
server     the running process: the engine, its writer, everything on disk, and the work beside it
backups    backups of the books, and the way back
http       from bytes to operations, and back
exporting  the money books as files for other programs: CSV, trial balances, DATEV
resources  the operations of the API, one file per resource
rehearsal  replay: a year of real orders through the engine, every row of the file accounted for
app        the route table: every path of the API, made from the operations of the resources
serve      the composition root: a data directory, a server, HTTP, one loop
cli        the commands of the command line, by what they work on
"""
