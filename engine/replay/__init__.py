"""Folding the journal again: recovery, followers, dumps, proofs, and what would have been.

decisions   the request behind a recorded sourcing decision
dumping     the whole state as parts of bounded size, and back: for snapshots and for its digest
follower    a fold of the journal in a process of its own, compared with the writer
invariants  what must hold after every record
recovery    from disk to memory: the newest usable snapshot, and the records after it
what_if     what would have been under another policy
"""
