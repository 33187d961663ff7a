"""Personal data: the keys of every party, and sealing under them.

contents   what a key store holds, read without changing a byte of it: for backups and for checking them
key_files  files and folders with keys in them: readable by their owner only, durable when made
keystore   the keys of the people in the journal, and the only place where a person can be forgotten
pads       a file of one-time pads, 32 bytes each, that can be overwritten where they lie
sealing    sealing: what a fact may carry of a person is a blob that only the party's own key opens
"""
