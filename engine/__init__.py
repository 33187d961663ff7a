"""Ring 1: the room of pure decisions. Everything here is identical on replay."""
