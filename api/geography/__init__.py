"""Places for the tools and the edge: postal codes to coordinates, stores to nodes. The engine takes coordinates only."""
