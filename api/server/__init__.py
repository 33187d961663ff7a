"""The running process: the engine, its writer, everything on disk, and the work beside it.

books       a data directory's books: journal, archive, snapshots, closed orders
children    work in processes of their own, so that the writer goes on
configuring large configurations: checked in turns, kept on disk, applied some entries a record
digests     the digest of the state, for who asks: in slices, or beside the server
giving_way  work beside the server that must not be felt by it
helper      the server's side of its kept helper, a process that has everything imported
history     questions about the past: answered from a snapshot and the records after it
host        the server as the work beside its writer sees it
improving   open orders sourced again in the background, some at a time, where a policy asks for it
metrics     what a server tells Prometheus
outbound    what a server sends to others by itself
server      the state, its writer and everything on disk, opened together
snapshots   snapshots of a running server: its digest is journalled, a follower makes the file
"""
