"""Goods that come, go and are counted, and who waits for them."""
