"""The running process: the engine, its writer, everything on disk, and the work beside it.

books       a data directory's books: journal, archive, snapshots, closed orders
children    work in processes of their own, so that the writer goes on
collecting  the collector of cycles rests while a state is built
clock       the time of a node: the wall clock, as far as it can be believed
configuring large configurations: checked in turns, kept on disk, applied some entries a record
digests     the digest of the state, for who asks: in slices, or beside the server
directory   a data directory as it is found: a node's, new, or somebody else's
disk        room on the disks of a node: watched, and told before it is gone
giving_way  work beside the server that must not be felt by it
helper      the server's side of its kept helper, a process that has everything imported
history     questions about the past: answered from a snapshot and the records after it
history_id  which history a server has: an id that a restore makes anew
host        the server as the work beside its writer sees it
key_digests digests of idempotency keys and of what was asked under them
key_store   the key store of a node as it starts
improving   open orders sourced again in the background, some at a time, where a policy asks for it
last_snapshot  the snapshot that a server makes of itself when it stops
metrics     what a server tells Prometheus
outbound    what a server sends to others by itself
refused     why a node does not start, where it is not damage
server      the state, its writer and everything on disk, opened together
snapshots   snapshots of a running server: its digest is journalled, a follower makes the file
"""
