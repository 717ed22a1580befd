"""The three clusters behind one protocol; nothing else in labkit knows which one it is."""
