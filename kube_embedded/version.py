"""The version of kube-embedded, which is labkit's too."""

__version__ = "0.1.0"
