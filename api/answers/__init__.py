"""What clients see, made from what the engine knows."""
