"""The options of programs, parsed as GNU getopt does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

NOT_SIMULATED = ": not simulated in this lab's pods"


class BadOption(Exception):
    """An option is unknown or left out, or an operand wrong; its text is the program's message without its name."""

    @property
    def left_out(self) -> bool:
        """Whether the real program has the option."""
        return str(self).endswith(NOT_SIMULATED)


@dataclass(slots=True)
class Options:
    """What was given: every option's name and value in order, and the other words."""

    flags: list[tuple[str, str]] = field(default_factory=list)
    args: list[str] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        """Whether one of the options was given."""
        return any(name in names for name, _ in self.flags)

    def value(self, *names: str) -> str | None:
        """The last value of an option, or None."""
        values = [value for name, value in self.flags if name in names]
        return values[-1] if values else None


@dataclass(frozen=True, slots=True)
class KnownOption:
    """An option: the name it is reported by, and the mark behind its names in the specification."""

    name: str
    mark: str


@lru_cache(maxsize=64)
def known_options(spec: str) -> dict[str, KnownOption]:
    """The options of a specification, by every name they have."""
    out: dict[str, KnownOption] = {}
    for item in spec.split():
        names = item.rstrip("=?!").split(",")
        out.update(
            dict.fromkeys(names, KnownOption(names[0], item[-1] if item[-1] in "=?!" else ""))
        )
    return out


def read_options(
    args: Sequence[str], spec: str, *, stop: bool = False, missing: str = ""
) -> Options:
    """Parse a command line.

    Args:
        args: The words after the program's name.
        spec: The options, separated by blanks: the names of each, separated by commas, of which the
            first is the one it is reported by; ``=`` behind them if it takes a value, ``?`` if the
            long one may, ``!`` if the real program has it and the lab's does not. One letter is a
            short option, more are a long one: ``v a,all n,lines= color? Z,context!``.
        stop: Whether the first other word ends the options (``env``, ``xargs``).
        missing: The message if there is no other word, where one is needed.

    Raises:
        BadOption: There is no such option, or a value or a word is missing.
    """
    out = Options()
    left_out: list[str] = []
    known = known_options(spec)
    left = list(args)
    while left:
        word = left.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            name, value = _long(word[2:], known, left)
            out.flags.append((name, value))
            if known[name].mark == "!":
                left_out.append(word.partition("=")[0])
        elif word.startswith("-") and len(word) > 1:
            letters = word[1:]
            while letters:
                letter, letters = letters[0], letters[1:]
                if letter not in known:
                    raise BadOption(f"invalid option -- '{letter}'")
                if known[letter].mark == "!":
                    left_out.append(f"-{letter}")
                    letters = ""  # whatever follows may be its value
                value = ""
                if known[letter].mark == "=":
                    if not letters and not left:
                        raise BadOption(f"option requires an argument -- '{letter}'")
                    value, letters = letters or left.pop(0), ""
                out.flags.append((known[letter].name, value))
        else:
            out.args.append(word)
            if stop:
                break
    out.args.extend(left)
    if left_out:
        raise BadOption(left_out[0] + NOT_SIMULATED)
    if missing and not out.args:
        raise BadOption(missing)
    return out


def _long(word: str, known: dict[str, KnownOption], left: list[str]) -> tuple[str, str]:
    """The option of ``--word``, and its value, which may be the next word."""
    name, equals, value = word.partition("=")
    option = known.get(name) if len(name) > 1 else None
    if option is None:
        raise BadOption(f"unrecognized option '--{name}'")
    if option.mark == "=" and not equals:
        if not left:
            raise BadOption(f"option '--{name}' requires an argument")
        value = left.pop(0)
    if equals and not option.mark:
        raise BadOption(f"option '--{name}' doesn't allow an argument")
    return option.name, value
