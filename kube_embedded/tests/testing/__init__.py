"""The module with which other projects test their programs."""
