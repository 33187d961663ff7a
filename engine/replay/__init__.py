"""Folding the journal again: recovery, followers, dumps, proofs, and what would have been.

decisions   what was asked when a recorded sourcing decision was made
dumping     the whole state as parts of bounded size, and back: for snapshots, and for its digest
follower    the follower: folds the journal in a process of its own, compares itself with the writer
invariants  what must hold after every record
recovery    from disk to memory: the newest snapshot that can be used, and the records after it
what_if     what would have been under another policy
"""
