"""Reading a program's options as GNU getopt does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from labkit.embedded.container.shell.process import Process


class BadOption(Exception):
    """An option is not understood.

    Args:
        message: What the program says after its name.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(slots=True)
class Options:
    """What was given.

    Args:
        flags: Every option's name and value, in order; a long one by its letter if it has one.
        args: The other words.
    """

    flags: list[tuple[str, str]] = field(default_factory=list)
    args: list[str] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        """Whether one of the options was given."""
        return any(name in names for name, _ in self.flags)

    def value(self, *names: str) -> str | None:
        """The last value of an option, or None."""
        found = [value for name, value in self.flags if name in names]
        return found[-1] if found else None


def read_options(
    args: Sequence[str], flags: str, valued: str = "", long: dict[str, str] | None = None, *, stop: bool = False
) -> Options:
    """Take a command line apart.

    Args:
        args: The words after the program's name.
        flags: Letters of options without a value.
        valued: Letters of options with one.
        long: Long names to a letter or name; one that ends in ``=`` takes a value.
        stop: Whether the first other word ends the options (``env``, ``xargs``).

    Raises:
        BadOption: There is no such option, or a value is missing.
    """
    out = Options()
    names = {key.rstrip("="): (value, key.endswith("=")) for key, value in (long or {}).items()}
    index = 0
    while index < len(args):
        word = args[index]
        index += 1
        if word == "--":
            out.args.extend(args[index:])
            break
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            matches = [key for key in names if key == name] or [key for key in names if key.startswith(name)]
            if len(matches) != 1 or not name:
                if len(matches) > 1:
                    raise BadOption(f"option '--{name}' is ambiguous")
                raise BadOption(f"unrecognized option '--{name}'")
            letter, takes = names[matches[0]]
            if takes and not equals:
                if index >= len(args):
                    raise BadOption(f"option '--{matches[0]}' requires an argument")
                value = args[index]
                index += 1
            elif equals and not takes and letter not in ("color", "help"):
                raise BadOption(f"option '--{matches[0]}' doesn't allow an argument")
            out.flags.append((letter, value))
        elif word.startswith("-") and len(word) > 1:
            place = 1
            while place < len(word):
                letter = word[place]
                place += 1
                if letter in flags:
                    out.flags.append((letter, ""))
                elif letter in valued:
                    value = word[place:]
                    if not value:
                        if index >= len(args):
                            raise BadOption(f"option requires an argument -- '{letter}'")
                        value = args[index]
                        index += 1
                    out.flags.append((letter, value))
                    break
                else:
                    raise BadOption(f"invalid option -- '{letter}'")
        else:
            out.args.append(word)
            if stop:
                out.args.extend(args[index:])
                break
    return out


async def complain(process: Process, error: BadOption, status: int = 1) -> int:
    """Say what is wrong with the options.

    Returns:
        ``status``.
    """
    await process.err(f"{process.name}: {error.message}\nTry '{process.name} --help' for more information.\n")
    return status
