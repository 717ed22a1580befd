"""What the commands print for programs: JSON, and names of steps for a shell that completes them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import click

from labkit.core.redact import redact_all

json_option = click.option("--json", "json_wanted", is_flag=True, help="Print JSON, for programs.")


def as_json(document: object) -> None:
    """Print a document of dicts, lists, paths and data classes."""
    plain = json.loads(json.dumps(document, default=_plain))
    click.echo(json.dumps(redact_all(plain), indent=1, ensure_ascii=False))


def _plain(value: Any) -> object:
    if isinstance(value, Path):
        return str(value)
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def complete_steps(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The steps whose names begin like this."""
    from labkit.lessons.steps import step_ids

    return [name for name in step_ids() if name.startswith(incomplete.upper())]
