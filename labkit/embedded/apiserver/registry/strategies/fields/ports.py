"""Ports, by number or name."""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import port_name, port_number


def check_port(value: object, path: str, errors: FieldErrors) -> None:
    """A port by number or name."""
    if isinstance(value, str):
        errors.check_format(path, value, port_name)
    elif isinstance(value, int):
        errors.check_format(path, value, port_number)
