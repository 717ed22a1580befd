"""In the place of JupyterLite's piplite: nothing is installed in the page, which has all its packages."""

from __future__ import annotations

NOTHING = "Nothing can be installed here: the page has all packages that the lab uses, and asks no other server."


async def install(*_: object, **__: object) -> None:
    """Say that nothing can be installed."""
    print(NOTHING)
