class InvalidSignature(Exception):
    """The signature is another's, or of something else."""


class UnsupportedAlgorithm(Exception):
    """What this stand-in lacks."""
