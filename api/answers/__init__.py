"""What clients see, made from what the engine knows.

documents     a configuration document, read some entries at a time
explanations  explanations of sourcing decisions in the words of the public contract
controls      control characters in what clients send, refused
facts         facts as clients see them: field names instead of positions, ids instead of numbers
faults        all that is wrong with a document at once, each fault with a whole pointer
identifiers   ids as clients see them: what was given a number gets a prefix
money         the money of an order as the API gives it
orders        orders, fulfilments and returns as clients see them
people        personal data of an order: sealed before a command is built, opened only to answer a read
problems      problem documents (RFC 9457): how every refusal leaves the node
timestamps    times at the edge: RFC 3339 in UTC with `Z` outside, whole nanoseconds since 1970 inside
"""
