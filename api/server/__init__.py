"""The running process: the engine, its writer, everything on disk, and the work beside it."""
