"""The running process: the engine, its writer, everything on disk, and the work beside it.

books       a data directory's books: journal, archive, snapshots, closed orders
children    work in processes of their own, so that the writer goes on
giving_way  work beside a node that must not be felt by it
history     questions about the past: answered from a snapshot and the records after it
host        the server as the work beside its writer sees it: what a snapshot
improving   sourcing open orders again in the background, some at a time, where a policy asks for it
metrics     what a node tells Prometheus
outbound    what a node sends to others by itself
server      a node: the state, its writer and everything on disk, opened together
snapshots   snapshots of a running node: what its state was is journalled
"""
