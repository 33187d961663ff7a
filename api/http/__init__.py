"""From bytes to operations, and back.

auth           the one place where a request gets its actor and its rights
bodies         from the bytes of a body to what an operation takes
describing     texts and examples for the fields and groups of the OpenAPI document
dev_mode       what protects a node that was started with `--dev`
endpoint       from bytes to an operation and back: what both lanes share
field_words    what the fields of the API mean, by name; those that mean something else somewhere in `field_words_apart`
filters        filters of lists: they take only values that there are
frontends      HTTP parsed in further processes in front of the one writer
heads          what is wrong with a head although the parser takes it: hosts, doubled headers, encodings
gathering      many changes in one request, each on its own, answered together in their order
lane           the fast lane: the hottest operations answered by the connection itself, below ASGI
lane_protocol  the connection's side of the fast lane: from the parser's callbacks to the operation
listing        what lists and paths share: cursors, ids in the path, spans of time
openapi        the OpenAPI 3.1 document, made from the operations
operations     what an endpoint is made of: an operation says how a request becomes a change or a read
part_or_all    bodies that name a part or mean all of it, which is said
positions      positions of feeds: records of this history, and of no other
protocol       HTTP/1.1 on uvicorn's httptools protocol, with what that lacks: limits on headers, a deadline
queries        from a query string to what an operation takes
scanning       pages of the journal's facts, the newest first, in slices
scraping       `/metrics` at an address of its own
starting       what is answered while a server recovers: that it lives, and how far it is
things         one `Thing` for every noun with an address: its rows of the route table
turns          long work of one request, cut into turns: others are answered in between
"""
