"""How fast, how small: ``make bench`` (``python -m benchmarks``). Nothing here is a test."""
