"""The syntax tree of a shell script, as :mod:`.parser` builds it and the interpreter runs it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, frozen=True)
class Text:
    """Literal characters; quoted ones are neither split nor part of patterns."""

    text: str
    quoted: bool = False


@dataclass(slots=True, frozen=True)
class Parameter:
    """``$name`` or ``${name…}``.

    Args:
        name: A variable's name, a number, or one of ``@*#?$!-``.
        quoted: It was in double quotes.
        operator: The operation, such as ``:-`` or ``##``; ``length`` for ``${#name}``;
            ``bad`` for an invalid one, with its text as ``name``.
        operand: The word after the operator.
    """

    name: str
    quoted: bool = False
    operator: str = ""
    operand: Word | None = None


@dataclass(slots=True, frozen=True)
class Substitution:
    """``$(…)`` or backquotes, and whether it stood in double quotes."""

    script: Script
    quoted: bool = False


@dataclass(slots=True, frozen=True)
class Arithmetic:
    """``$((…))``: the expression, in which ``$`` is still to be expanded."""

    expression: Word
    quoted: bool = False


@dataclass(slots=True, frozen=True)
class Tilde:
    """``~`` or ``~user`` at the start of a word."""

    user: str = ""


Part = Text | Parameter | Substitution | Arithmetic | Tilde


@dataclass(slots=True, frozen=True)
class Word:
    """One word: its parts and, except for a part of another word, the text it was written as."""

    parts: tuple[Part, ...]
    source: str = ""


@dataclass(slots=True, frozen=True)
class Assignment:
    """``name=value`` or ``name+=value``."""

    name: str
    value: Word
    append: bool = False


# Not frozen: a here-document's text is read after the line that it begins in.
@dataclass(slots=True)
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
    """A command; every kind has a line and redirections."""

    line: int = 1
    redirects: tuple[Redirect, ...] = ()


Commands = tuple[Command, ...]


@dataclass(slots=True)
class Simple(Command):
    """Assignments and words. A word of ``export`` and its like can be an assignment too."""

    assignments: tuple[Assignment, ...] = ()
    words: tuple[Word | Assignment, ...] = ()


@dataclass(slots=True)
class Pipeline(Command):
    """Commands joined by ``|``."""

    commands: Commands = ()


@dataclass(slots=True)
class Not(Command):
    """``! command``."""

    command: Command = field(default_factory=Command)


@dataclass(slots=True)
class AndOr(Command):
    """Commands joined by ``&&`` and ``||``: ``operators[i]`` precedes ``commands[i + 1]``."""

    commands: Commands = ()
    operators: tuple[str, ...] = ()


@dataclass(slots=True)
class Background(Command):
    """``command &``."""

    command: Command = field(default_factory=Command)


@dataclass(slots=True)
class Group(Command):
    """``{ …; }``."""

    body: Commands = ()


@dataclass(slots=True)
class Subshell(Command):
    """``( … )``."""

    body: Commands = ()


@dataclass(slots=True)
class If(Command):
    """Conditions with their bodies, and the ``else``."""

    branches: tuple[tuple[Commands, Commands], ...] = ()
    else_body: Commands = ()


@dataclass(slots=True)
class While(Command):
    """``while`` or ``until``."""

    condition: Commands = ()
    body: Commands = ()
    until: bool = False


@dataclass(slots=True)
class For(Command):
    """``for name in words``; ``words`` is None for ``"$@"``."""

    name: str = ""
    words: tuple[Word, ...] | None = None
    body: Commands = ()


@dataclass(slots=True)
class Function(Command):
    """``name() body``."""

    name: str = ""
    body: Command = field(default_factory=Command)


@dataclass(slots=True, frozen=True)
class Script:
    """A parsed script.

    Args:
        commands: The commands, in order.
        error: The message of a syntax error, met after ``commands`` have run.
        warnings: The shell's messages before it begins.
        unfinished: Whether more lines could make it whole.
    """

    commands: Commands
    error: str = ""
    warnings: tuple[str, ...] = ()
    unfinished: bool = False
