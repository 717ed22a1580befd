"""What the commands print: lines and help in the learner's language; JSON for programs, and steps for a shell."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from labkit.core.language import fitted, language, width
from labkit.core.redact import redact_all

SENTENCE = re.compile(r"(?<=[.?!])  ?(?=[A-Z(\[])|  (?=\[)")
"""Where a sentence of a command's help ends."""
FILLER = "\ue000"
"""Stands beside a letter that takes two columns while help is wrapped, since click counts letters."""

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path, exists=True)
INPUT = click.Path(dir_okay=False, path_type=Path, exists=True)
DIRECTORY = click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where your notebooks lie.",
)
json_option = click.option("--json", "json_wanted", is_flag=True, help="Print JSON, for programs.")


class Help(click.HelpFormatter):
    """Help in the learner's language."""

    def write_text(self, text: str) -> None:
        """Write paragraphs; one after a backspace keeps its lines."""
        said = (
            fitted(part) if part.startswith("\b") else _said(part) for part in text.split("\n\n")
        )
        super().write_text("\n\n".join(said))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write options or commands, each with what it does."""
        super().write_dl([(name, _said(said)) for name, said in rows], col_max, col_spacing)

    def getvalue(self) -> str:
        """All that was written."""
        return re.sub(
            r"(?m)^\w+:", lambda heading: fitted(heading[0]), super().getvalue().replace(FILLER, "")
        )


# Each command has its own context, and no other program of click runs in this process.
click.Context.formatter_class = Help


def echo(said: object, *, err: bool = False) -> None:
    """Print lines in the learner's language."""
    click.echo(fitted(said if isinstance(said, str) else str(said)), err=err)


def _said(english: str) -> str:
    """Sentences of help in the learner's language."""
    if language() == "en":
        return english
    said = " ".join(
        fitted(" ".join(sentence.split()))
        for sentence in SENTENCE.split(english.replace("\n", " "))
    )
    return "".join(letter + FILLER * (width(letter) - 1) for letter in said)


def as_json(document: object) -> None:
    """Print a document of dicts, lists, paths and data classes."""
    plain = json.loads(json.dumps(document, default=_plain))
    click.echo(json.dumps(redact_all(plain), indent=1, ensure_ascii=False))


def _plain(value: Any) -> object:
    if isinstance(value, Path):
        return str(value)
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def complete_steps(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """The steps whose names begin like this."""
    from labkit.lessons.steps import step_ids

    return [name for name in step_ids() if name.startswith(incomplete.upper())]
