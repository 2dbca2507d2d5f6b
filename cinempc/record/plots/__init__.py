"""The report's plots: a function each, found by its decorator."""
