"""The tests of labkit, laid out as labkit is."""
