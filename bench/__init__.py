"""The benches: how fast, under which conditions, against what. Every bench also runs tiny inside the tests."""
