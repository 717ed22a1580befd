"""Define labkit's version, for the package's metadata and for all outputs."""

__version__ = "0.1.0"

DISTRIBUTION = "kube-labkit"
"""The name to install by: on PyPI, ``labkit`` is an unrelated project."""

CORE = "kube-labkit-core"
"""The distribution of this code; ``DISTRIBUTION`` adds Jupyter by requiring it."""

OWN = (CORE, DISTRIBUTION, "kube-embedded")
"""The distributions of labkit's own repository; they have the same version."""

USER_AGENT = f"labkit/{__version__}"
"""The ``User-Agent`` of the learner's requests."""

LAB_AGENT = f"{USER_AGENT} (lab)"
"""The ``User-Agent`` of requests by checks, hints and widgets, which are not evidence of the learner's work."""
