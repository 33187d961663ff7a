"""Folding the journal again: recovery, followers, dumps, proofs, and what would have been."""
