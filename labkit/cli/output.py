"""What the commands print: lines and help in the learner's language; JSON for programs, and steps for a shell."""

import dataclasses
import inspect
import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import click

from labkit.core.language import language, said, width
from labkit.core.redact import redact_all

# From the private use area of Unicode, so no text contains it.
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
        super().write_text("\n\n".join(_wide(said(part)) for part in paragraphs_of_help(text)))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write options or commands, each with what it does."""
        super().write_dl([(name, _wide(_help(line))) for name, line in rows], col_max, col_spacing)

    def getvalue(self) -> str:
        """All that was written."""
        return super().getvalue().replace(FILLER, "")


def paragraphs_of_help(docstring: str) -> list[str]:
    """Split a command's help into its paragraphs; one after a backspace keeps its lines."""
    parts = inspect.cleandoc(docstring).split("\n\n")
    return [part if part.startswith("\b") else " ".join(part.split()) for part in parts]


def _help(line: str) -> str:
    """A line of help in the learner's language; click has added a default or a range to an option's."""
    text, bracket, extra = line.partition("  [")
    return f"{said(' '.join(text.split()))}{bracket}{extra}"


# Each command has its own context, and no other program of click runs in this process.
click.Context.formatter_class = Help


def _short_help(command: click.Command, limit: int = 45) -> str:
    """A command's line in a list of commands; click would cut its English off before it is translated."""
    if language() == "en":
        return english_short_help(command, limit)
    return said(paragraphs_of_help(command.help or "")[0])


english_short_help = click.Command.get_short_help_str
click.Command.get_short_help_str = _short_help  # type: ignore[assignment, method-assign]  # click has no hook for it


def _counted(one: str, many: str, number: int) -> str:
    """A text about one thing, or about several, in the learner's language."""
    return said(one if number == 1 else many)


# click marks its messages for gettext, which would look for the language in LANG and not in LABKIT_LANG.
for module in (click.core, click.exceptions, click.formatting, click.parser, click.types):
    vars(module).update(_=said, ngettext=_counted)


def echo(line: object, *values: object, err: bool = False) -> None:
    """Print an object, or a text of a template and values in the learner's language."""
    click.echo(said(line, *values) if isinstance(line, str) else line, err=err)


# Standard output has results only, which scripts read: export KUBECONFIG=$(labkit kubeconfig)
report = partial(echo, err=True)
"""Prints a line of progress to standard error."""


def _wide(line: str) -> str:
    """A line with a filler beside each letter that takes two columns."""
    if line.isascii():
        return line
    return "".join(letter + FILLER * (width(letter) - 1) for letter in line)


def as_json(document: object) -> None:
    """Print a document of dicts, lists, paths and data classes."""
    # Data classes become dicts first, so that redact_all sees every text in them.
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
    # Called at each press of Tab, so it reads the steps' names and imports no lesson.
    from labkit.lessons.steps import step_ids

    return [name for name in step_ids() if name.startswith(incomplete.upper())]
