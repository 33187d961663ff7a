"""Pages and files that the node serves itself, so that nothing is fetched from elsewhere."""
