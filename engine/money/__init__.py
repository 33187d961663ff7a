"""What orders cost, and the books about it."""
