"""Expansion: from the words of a command to the texts it is given.

The order is bash's: tilde, parameters, ``$((…))`` and ``$(…)`` from left to right, then
field splitting, then file names, then quotes are gone.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from ..files.inodes import FileError
from .arithmetic import ArithmeticProblem, evaluate
from .patterns import Pattern, is_magic, literal, quoted
from .shell import ExpansionError, Shell
from .streams import Capture, decode
from .syntax import Arithmetic, Parameter, Part, Script, Simple, Substitution, Text, Tilde, Word
from .task_loop import MemoryExceeded

# Enough for `for i in $(seq 100000)`.
MAX_FIELDS = 100_100
MAX_CHARS = 4 << 20

_BASH_VARIABLES: dict[str, Callable[[Shell], str]] = {
    "RANDOM": lambda shell: str(int.from_bytes(shell.system.random(2), "big") & 0x7FFF),
    "SECONDS": lambda shell: str(int(shell.task_loop.elapsed_seconds)),
    "BASH_VERSION": lambda shell: "5.2.37(1)-release",
    "UID": lambda shell: str(shell.system.fs.uid),
    "EUID": lambda shell: str(shell.system.fs.uid),
    "PPID": lambda shell: "0",
}
"""Variables that bash sets itself, until a script sets them."""

_SPECIAL: dict[str, Callable[[Shell], str]] = {
    "?": lambda shell: str(shell.status),
    "#": lambda shell: str(len(shell.positional)),
    "$": lambda shell: str(shell.pid),
    "!": lambda shell: str(shell.last_background.pid) if shell.last_background else "",
    "0": lambda shell: shell.name,
    "LINENO": lambda shell: str(shell.line),
}


async def expand_fields(shell: Shell, words: Sequence[Word]) -> list[str]:
    """Return the texts that a command line's words become; ``ExpansionError`` if a word has none."""
    texts: list[str] = []
    for word in words:
        match word.parts:
            # Most words are plain, and need none of what follows.
            case (Text(text, is_quoted),) if is_quoted or not is_magic(text):
                texts.append(text)
                continue
        fields = _Fields(shell, split=True)
        await fields.collect(word.parts)
        fields.end()
        for field in fields.done:
            texts += _file_names(shell, field) or [literal(field)]
        if len(texts) > MAX_FIELDS:
            raise MemoryExceeded
    return texts


async def expand_text(shell: Shell, word: Word) -> str:
    """Return a word as one text, without splitting and file names."""
    return literal(await expand_pattern(shell, word))


async def expand_pattern(shell: Shell, word: Word) -> str:
    """Return a word as the text of one pattern (``${x#…}``)."""
    fields = _Fields(shell, split=False)
    await fields.collect(word.parts)
    return fields.current or ""


class _Fields:
    """Fields as they grow: texts of patterns; ``current`` is None until something begins the field."""

    def __init__(self, shell: Shell, *, split: bool) -> None:
        self.shell = shell
        self.split = split
        self.done: list[str] = []
        self.current: str | None = None
        self.size = 0
        separators = shell.variables.text("IFS")
        self.separators = " \t\n" if separators is None else separators

    def add(self, text: str, *, is_quoted: bool, split: bool = True) -> None:
        self.size += len(text)
        # A word can grow with each expansion: `"$x$x$x"`.
        if self.size > MAX_CHARS or len(self.done) > MAX_FIELDS:
            raise MemoryExceeded
        if is_quoted:
            self.current = (self.current or "") + quoted(text)
        elif not (split and self.split and self.separators):
            if text:
                self.current = (self.current or "") + text.replace("\\", "\\\\")
        else:
            # Only blanks are joined: `a::b` has three fields with IFS=:.
            for piece, separator in _separators(self.separators).findall(text):
                self.add(piece, is_quoted=False, split=False)
                if separator.strip(" \t\n"):
                    self.current = self.current or ""
                if separator:
                    self.end()

    def end(self) -> None:
        if self.current is not None:
            self.done.append(self.current)
        self.current = None

    async def collect(self, parts: Sequence[Part], *, inner: bool = False) -> None:
        """Add a word's parts; unquoted text is split too where the word is ``inner``: within ``${…}``."""
        shell = self.shell
        for part in parts:
            shell.task_loop.charge(0.1)
            match part:
                case Text(text, is_quoted):
                    self.add(text, is_quoted=is_quoted, split=inner)
                case Tilde(user):
                    self.add(_home(shell, user), is_quoted=True)
                case Parameter():
                    await self._parameter(part)
                case Substitution(script, is_quoted):
                    self.add(await _substitute(shell, script), is_quoted=is_quoted)
                case Arithmetic(expression, is_quoted):
                    self.add(await _calculate(shell, expression), is_quoted=is_quoted)

    async def _parameter(self, part: Parameter) -> None:
        value = await _expand_parameter(self.shell, part)
        if isinstance(value, Word):
            await self.collect(value.parts, inner=True)
            return
        if isinstance(value, list) and (not self.split or (part.quoted and part.name == "*")):
            value = (self.separators[:1] if part.name == "*" else " ").join(value)
        if isinstance(value, str):
            self.add(value, is_quoted=part.quoted)
            return
        for index, item in enumerate(value):
            if index:
                self.end()
            self.add(item, is_quoted=part.quoted)


@lru_cache(maxsize=16)
def _separators(separators: str) -> re.Pattern[str]:
    """Return the expression for a piece of a text and the separator behind it."""
    blank = re.escape("".join(char for char in separators if char in " \t\n"))
    hard = re.escape("".join(char for char in separators if char not in " \t\n"))
    blanks = f"[{blank}]*" if blank else ""
    one_of = [f"{blanks}[{hard}]{blanks}"] if hard else []
    one_of += [f"[{blank}]+"] if blank else []
    return re.compile(f"([^{blank}{hard}]*)({'|'.join(one_of)}|$(?!\\n))", re.DOTALL)


def _home(shell: Shell, user: str) -> str:
    if not user:
        return shell.variables.text("HOME") or "/root"
    homes = {account.name: account.home for account in shell.system.image.users}
    return homes.get(user, "~" + user)


async def _calculate(shell: Shell, expression: Word) -> str:
    text = await expand_text(shell, expression)
    try:
        return str(evaluate(text, lambda name: shell.variables.text(name) or "", bash=shell.bash))
    except ArithmeticProblem as problem:
        if shell.bash or not problem.dash:
            raise ExpansionError(str(problem)) from None
        raise ExpansionError(f'arithmetic expression: {problem.dash}: "{text.strip()}"') from None


async def _substitute(shell: Shell, script: Script) -> str:
    """``$(…)``: return the output of a script, without its last newlines."""
    capture = Capture(shell.task_loop.budget.memory_bytes)
    inner = shell.subshell()
    # Only stdout is captured; messages go to the shell's own stderr.
    inner.fds[1] = capture
    if shell.bash:
        # Bash drops `set -e` in a substitution, except in POSIX mode.
        inner.options.discard("errexit")
    match script.commands:
        case (Simple(words=(), assignments=(), redirects=redirects) as only,) if redirects:
            # `$(< file)` is a quicker `$(cat file)`.
            if redirects[0].operator == "<":
                cat = (Word((Text("cat"),)),)
                script = Script((Simple(only.line, redirects, (), cat),))
    shell.task_loop.depth += 1
    try:
        shell.status = await inner.main(script)
    finally:
        shell.task_loop.depth -= 1
    return decode(bytes(capture.data)).rstrip("\n").replace("\0", "")


async def _expand_parameter(shell: Shell, part: Parameter) -> str | list[str] | Word:
    """Return the value of an expansion: a text, several for ``$@``, or the word for an unset one.

    Raises:
        ExpansionError: It cannot be read, or is unset in a place where that is an error.
    """
    name = part.name
    operator = part.operator
    if operator == "bad":
        problem = f"{name}: bad substitution" if shell.bash else "Bad substitution"
        raise ExpansionError(problem)
    operand = part.operand or Word(())
    value = parameter(shell, name)
    if operator[-1:] in ("-", "=", "?", "+"):
        # With a colon, a value that is empty counts as unset.
        missing = value in (None, "", [], [""]) if operator[0] == ":" else value in (None, [])
        if operator[-1] == "+":
            return "" if missing else operand
        if not missing and value is not None:
            return value
        return operand if operator[-1] == "-" else await _demand(shell, part, operand)
    if value is None:
        if "nounset" in shell.options:
            label = f"${name}" if shell.bash and name.isdigit() else name
            problem = "unbound variable" if shell.bash else "parameter not set"
            raise ExpansionError(f"{label}: {problem}", _fatal_status(shell))
        value = ""
    if operator == "length":
        return str(len(value))
    if not operator:
        return value
    items = value if isinstance(value, list) else [value]
    pattern = Pattern(await expand_pattern(shell, operand))
    shell.task_loop.charge(sum(map(len, items)) / 1000)
    trimmed = [pattern.trim(item, operator) for item in items]
    return trimmed if isinstance(value, list) else trimmed[0]


async def _demand(shell: Shell, part: Parameter, operand: Word) -> str:
    """``${x=…}`` and ``${x?…}`` of a parameter that is unset."""
    text = await expand_text(shell, operand)
    if part.operator[-1] == "=":
        if not re.fullmatch(r"[A-Za-z_]\w*", part.name):
            raise ExpansionError(f"${part.name}: cannot assign in this way")
        shell.assign(part.name, text)
        return text
    usual = "parameter null or not set" if part.operator == ":?" else "parameter not set"
    raise ExpansionError(f"{part.name}: {text or usual}", _fatal_status(shell))


def parameter(shell: Shell, name: str) -> str | list[str] | None:
    """Return the value of a variable or special parameter, None if it is unset."""
    if name in ("@", "*"):
        return list(shell.positional)
    if name in ("-", "FUNCNAME"):
        raise ExpansionError(f"${name}: not simulated in this lab's pods")
    if name in _SPECIAL:
        return _SPECIAL[name](shell)
    if name.isdigit():
        return next(iter(shell.positional[int(name[:6]) - 1 :]), None)
    value = shell.variables.text(name)
    if value is None and shell.bash and name in _BASH_VARIABLES:
        return _BASH_VARIABLES[name](shell)
    return value


def _fatal_status(shell: Shell) -> int:
    """Return the status with which an unset parameter ends a script, as measured with bash 5.2 and dash."""
    if not shell.bash:
        return 2
    return 1 if "errexit" in shell.options else 127


def _file_names(shell: Shell, field: str) -> list[str]:
    """Return the sorted paths that match a pattern."""
    if not is_magic(field):
        return []
    fs = shell.system.fs
    cwd = shell.cwd
    paths = [""]
    for number, part in enumerate(field.split("/")):
        bases = [path + "/" for path in paths] if number else paths
        paths = []
        for base in bases:
            shell.task_loop.charge(10)  # a path is walked while no other process can run
            if not is_magic(part):
                path = base + literal(part)
                # The root, and a last slash, which only directories match.
                if path in ("", "/") or fs.exists(path, cwd, follow=not part):
                    paths.append(path)
                continue
            pattern = Pattern(part)
            # A leading dot must be written out: `*` leaves hidden files alone.
            dotted = part.startswith(".")
            try:
                names = fs.names(fs.directory(base or ".", cwd))
            except FileError:
                continue
            if dotted and not shell.bash:
                names = [".", "..", *names]
            for name in names:
                shell.task_loop.charge(0.1)
                if (dotted or not name.startswith(".")) and pattern.matches(name):
                    paths.append(base + name)
    return sorted(paths)
