"""Output for programs: ``--json``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import click

json_option = click.option("--json", "json_wanted", is_flag=True, help="Print JSON, for programs.")


def as_json(document: object) -> None:
    """Print a document of dicts, lists, paths and data classes."""
    click.echo(json.dumps(document, indent=1, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> object:
    if isinstance(value, Path):
        return str(value)
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
