"""What is kept. Tables know nothing of rules; state.py composes them."""
