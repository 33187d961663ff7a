"""Replay: a year of real orders through the engine, every row of the file accounted for."""
