"""What ``echo`` and ``printf`` make of their arguments."""

from __future__ import annotations

import re
import time

from labkit.embedded.container.shell.quoting import quote, unescape

_SPEC = re.compile(r"%([-+ #0']*)(\*|\d{1,5})?(?:\.(\*|-?\d{1,5})?)?([hlLjzt]*)([a-zA-Z%]|\([^)]*\)T)?")
MAX_WIDTH = 10_000


def echo_text(args: list[str], *, escapes: bool = False) -> str:
    """What ``echo`` prints.

    Args:
        args: Its arguments.
        escapes: Whether backslashes are read without being asked to (dash).
    """
    newline = True
    index = 0
    while index < len(args) and re.fullmatch(r"-[neE]+" if not escapes else r"-n", args[index]):
        for letter in args[index][1:]:
            newline = newline and letter != "n"
            escapes = {"e": True, "E": False}.get(letter, escapes)
        index += 1
    text = " ".join(args[index:])
    ended = False
    if escapes:
        text, ended = unescape(text, "echo")
    return text + ("\n" if newline and not ended else "")


def format_printf(layout: str, args: list[str], now: float = 0.0) -> tuple[str, list[str]]:
    """What ``printf`` prints.

    Args:
        layout: The format, used again while arguments are left.
        args: The arguments.
        now: Seconds since 1970, for ``%(…)T``.

    Returns:
        The text and what was wrong with it.
    """
    out: list[str] = []
    problems: list[str] = []
    left = list(args)
    size = 0
    while True:
        before = len(left)
        text, ended = _once(layout, left, problems, now)
        out.append(text)
        size += len(text)
        if ended or not left or len(left) == before or size > 1 << 20:
            return "".join(out), problems


def _once(layout: str, left: list[str], problems: list[str], now: float) -> tuple[str, bool]:
    out: list[str] = []
    index = 0
    for match in _SPEC.finditer(layout):
        out.append(unescape(layout[index : match.start()])[0])
        index = match.end()
        flags, width_text, precision_text, _, kind = match.groups()
        if kind == "%":
            out.append("%")
            continue
        if kind is None:
            following = layout[match.end() : match.end() + 1]
            problems.append(
                f"`{following}': invalid format character" if following else f"`{match[0]}': missing format character"
            )
            return "".join(out), True
        width = _star(width_text, left)
        if width < 0:
            flags, width = flags + "-", -width
        has_precision = ("." in match[0].split(kind)[0] and match[3] is not None) or match[0].rstrip(kind).endswith(".")
        precision = _star(precision_text, left) if has_precision else -1
        value = left.pop(0) if left else None
        if kind == "b":
            text, ended = unescape(value or "", "%b")
            out.append(_pad(text, flags, width))
            if ended:
                return "".join(out), True
        elif kind in "sq" or kind == "c":
            text = value or ""
            if kind == "c":
                text = text[:1]
            elif kind == "q":
                text = _shell_quote(text)
            if precision >= 0:
                text = text[:precision]
            out.append(_pad(text, flags, width))
        elif kind in "diouxX":
            number = _integer(value, problems)
            out.append(_integer_text(number, kind, flags, width, precision))
        elif kind in "eEfFgG":
            out.append(_float_text(value, kind, flags, width, precision, problems))
        elif kind.endswith("T"):
            moment = float(value) if value and re.fullmatch(r"\d{1,11}", value) else now
            out.append(time.strftime(kind[1:-2] or "%H:%M:%S", time.gmtime(moment)))
        else:
            problems.append(f"`{kind}': invalid format character")
            return "".join(out), True
    out.append(unescape(layout[index:])[0])
    return "".join(out), False


def _star(text: str | None, left: list[str]) -> int:
    if text == "*":
        text = left.pop(0) if left else "0"
    if not text or not re.fullmatch(r"-?\d{1,6}", text):
        return 0
    return max(-MAX_WIDTH, min(MAX_WIDTH, int(text)))


def _pad(text: str, flags: str, width: int) -> str:
    return text.ljust(width) if "-" in flags else text.rjust(width)


def _integer(value: str | None, problems: list[str]) -> int:
    if value is None or value == "":
        return 0
    if value[0] in "'\"":
        return ord(value[1]) if len(value) > 1 else 0
    match = re.match(r"\s*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)", value)
    if match is None:
        problems.append(f"{value}: invalid number")
        return 0
    if match.end() != len(value):
        problems.append(f"{value}: invalid number")
    digits = match[2][:40]
    number = (
        int(digits, 16) if digits[:2] in ("0x", "0X") else int(digits, 8) if digits.startswith("0") else int(digits)
    )
    number = -number if match[1] == "-" else number
    if not -(1 << 63) <= number < 1 << 64:
        problems.append(f"warning: {value}: Numerical result out of range")
        return -(1 << 63) if number < 0 else (1 << 63) - 1
    return number


def _integer_text(number: int, kind: str, flags: str, width: int, precision: int) -> str:
    if kind in "ouxX":
        number &= (1 << 64) - 1
    digits = {"o": f"{abs(number):o}", "x": f"{abs(number):x}", "X": f"{abs(number):X}"}.get(kind, str(abs(number)))
    if precision >= 0:
        digits = digits.rjust(precision, "0")
    prefix = {"o": "0", "x": "0x", "X": "0X"}.get(kind, "") if "#" in flags and number else ""
    sign = "-" if number < 0 else "+" if "+" in flags else " " if " " in flags else ""
    if "0" in flags and "-" not in flags and precision < 0:
        digits = digits.rjust(width - len(sign) - len(prefix), "0")
    return _pad(sign + prefix + digits, flags, width)


def _float_text(value: str | None, kind: str, flags: str, width: int, precision: int, problems: list[str]) -> str:
    number = 0.0
    if value:
        try:
            number = float(value[:60])
        except ValueError:
            problems.append(f"{value}: invalid number")
    places = min(precision, 100) if precision >= 0 else 6
    text = f"{abs(number):.{places}{kind}}"
    sign = "-" if number < 0 else "+" if "+" in flags else " " if " " in flags else ""
    if "0" in flags and "-" not in flags:
        text = text.rjust(width - len(sign), "0")
    return _pad(sign + text, flags, width)


def _shell_quote(text: str) -> str:
    if not text:
        return "''"
    if any(ord(char) < 32 for char in text):
        return quote(text)
    return re.sub(r"([^A-Za-z0-9_./:=@%+,-])", r"\\\1", text)
