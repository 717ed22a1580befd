"""The shell's syntax tree, as the interpreter reads it.

:mod:`.parser` makes it from tree-sitter's tree; :mod:`.words` from the text of a word.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, frozen=True)
class Text:
    """Characters that stand for themselves.

    Args:
        text: The characters.
        quoted: They were quoted: no splitting, no patterns.
    """

    text: str
    quoted: bool = False


@dataclass(slots=True, frozen=True)
class Parameter:
    """``$name`` or ``${name…}``.

    Args:
        name: A variable's name, a digit, or one of ``@*#?$!-``.
        quoted: It stood in double quotes.
        operator: What is done with it, such as ``:-``, ``##``, ``/``, ``:``; ``#`` with
            ``length`` for ``${#name}``.
        operand: The raw text after the operator.
        index: The raw text of a subscript, empty for none.
        indirect: ``${!name}``.
    """

    name: str
    quoted: bool = False
    operator: str = ""
    operand: str = ""
    index: str = ""
    indirect: bool = False


@dataclass(slots=True, frozen=True)
class Substitution:
    """``$(…)`` or backquotes: the script's text and whether it stood in double quotes."""

    script: str
    quoted: bool = False


@dataclass(slots=True, frozen=True)
class Arithmetic:
    """``$((…))``: the raw expression."""

    expression: str
    quoted: bool = False


@dataclass(slots=True, frozen=True)
class Tilde:
    """``~`` or ``~user`` at the start of a word."""

    user: str = ""


@dataclass(slots=True, frozen=True)
class ProcessSubstitution:
    """``<(…)`` or ``>(…)``."""

    script: str
    direction: str = "<"


Part = Text | Parameter | Substitution | Arithmetic | Tilde | ProcessSubstitution


@dataclass(slots=True, frozen=True)
class Word:
    """One word: its parts and the text it was written as."""

    parts: tuple[Part, ...]
    source: str = ""


@dataclass(slots=True, frozen=True)
class Assignment:
    """``name=value``, ``name+=value``, ``name[index]=value`` or ``name=(…)``."""

    name: str
    value: Word | None
    append: bool = False
    index: str = ""
    array: tuple[Word, ...] | None = None


@dataclass(slots=True, frozen=True)
class Redirect:
    """A redirection.

    Args:
        operator: ``<``, ``>``, ``>>``, ``>|``, ``<>``, ``>&``, ``<&``, ``&>``, ``&>>``, ``<<<`` or ``<<``.
        descriptor: The number before it, or -1 for the usual one.
        target: The word after it; for a here-document, its text.
    """

    operator: str
    descriptor: int
    target: Word


@dataclass(slots=True)
class Command:
    """What runs: every kind has a line and redirections."""

    line: int = 1
    redirects: tuple[Redirect, ...] = ()


@dataclass(slots=True)
class Simple(Command):
    """Assignments and words. ``words`` are raw texts turned into words."""

    assignments: tuple[Assignment, ...] = ()
    words: tuple[Word | Assignment, ...] = ()


@dataclass(slots=True)
class Pipeline(Command):
    """Commands joined by ``|``; ``errors[i]`` when it was ``|&``."""

    commands: tuple[Command, ...] = ()
    errors: tuple[bool, ...] = ()


@dataclass(slots=True)
class Not(Command):
    """``! command``."""

    command: Command | None = None


@dataclass(slots=True)
class AndOr(Command):
    """``left && right`` or ``left || right``."""

    left: Command | None = None
    operator: str = "&&"
    right: Command | None = None


@dataclass(slots=True)
class Background(Command):
    """``command &``, with its text for ``jobs``."""

    command: Command | None = None
    text: str = ""


@dataclass(slots=True)
class Group(Command):
    """``{ …; }``."""

    body: tuple[Command, ...] = ()


@dataclass(slots=True)
class Subshell(Command):
    """``( … )``."""

    body: tuple[Command, ...] = ()


@dataclass(slots=True)
class If(Command):
    """Conditions with their bodies, and the ``else``."""

    branches: tuple[tuple[tuple[Command, ...], tuple[Command, ...]], ...] = ()
    otherwise: tuple[Command, ...] | None = None


@dataclass(slots=True)
class While(Command):
    """``while`` or ``until``."""

    condition: tuple[Command, ...] = ()
    body: tuple[Command, ...] = ()
    until: bool = False


@dataclass(slots=True)
class For(Command):
    """``for name in words``; ``words`` is None for ``"$@"``."""

    name: str = ""
    words: tuple[Word, ...] | None = None
    body: tuple[Command, ...] = ()


@dataclass(slots=True)
class ArithmeticFor(Command):
    """``for ((start; test; step))``."""

    start: str = ""
    test: str = ""
    step: str = ""
    body: tuple[Command, ...] = ()


@dataclass(slots=True)
class CaseItem:
    """Patterns, a body, and how it ends: ``;;``, ``;&`` or ``;;&``."""

    patterns: tuple[Word, ...]
    body: tuple[Command, ...]
    end: str = ";;"


@dataclass(slots=True)
class Case(Command):
    """``case word in … esac``."""

    word: Word = field(default_factory=lambda: Word(()))
    items: tuple[CaseItem, ...] = ()


@dataclass(slots=True)
class Function(Command):
    """``name() body``."""

    name: str = ""
    body: Command | None = None


@dataclass(slots=True)
class ArithmeticCommand(Command):
    """``((expression))``."""

    expression: str = ""


@dataclass(slots=True)
class Condition:
    """A part of ``[[ … ]]``: an operator with conditions or words below it."""

    operator: str
    operands: tuple[Condition | Word, ...]


@dataclass(slots=True)
class Test(Command):
    """``[[ … ]]``."""

    condition: Condition | None = None


@dataclass(slots=True)
class Script:
    """A parsed script.

    Args:
        commands: What to run, in order.
        error: The message of a syntax error, met after ``commands`` have run.
        warnings: What the shell says before it begins.
    """

    commands: tuple[Command, ...]
    error: str = ""
    warnings: tuple[str, ...] = ()
