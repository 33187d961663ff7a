"""What a node sends to others by itself."""
