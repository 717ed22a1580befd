"""What the kernel makes of ``%pip``."""

from __future__ import annotations


async def get_transformed_code(_arguments: list[str]) -> str:
    """The code that runs in the place of ``%pip …``."""
    return "import piplite; await piplite.install()"
