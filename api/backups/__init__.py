"""Backups of the books, and the way back."""
