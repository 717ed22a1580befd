"""Define labkit's version, for the package's metadata and for all outputs."""

__version__ = "0.1.0"

DISTRIBUTION = "kube-labkit"
"""The name to install by: on PyPI, ``labkit`` is an unrelated project."""

USER_AGENT = f"labkit/{__version__}"
"""The ``User-Agent`` of the learner's requests."""

LAB_AGENT = f"{USER_AGENT} (lab)"
"""The ``User-Agent`` of what checks, hints, widgets and the like ask: it is no learner's evidence."""
