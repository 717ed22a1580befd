"""labkit's version, for the package's metadata and for everything that shows it."""

__version__ = "0.1.0"
