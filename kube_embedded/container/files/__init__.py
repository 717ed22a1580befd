"""The file systems of containers, and the images they begin with."""
