"""Backups of the books, and the way back.

checkpoints    signed checkpoints of the journal's chain, so that rewriting history on the host shows
keys           backups of the key store, apart from those of the books and kept for a short time only
keys_manifest  the manifest of a key store's backup: what its files were when it was made
making         `kontor backup`: the books of a node, running or not, in a folder that can be carried elsewhere
manifest       what a backup is made of: the list of its files with their checksums, written last
restoring      `kontor restore`: a data directory made from a backup, up to any record
verifying      checking books that nobody writes to: every frame, checksum, link and snapshot
"""
