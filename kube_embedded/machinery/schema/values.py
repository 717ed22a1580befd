"""Scalars with formats: quantities, times, base64.

Source: k8s.io/apimachinery ``pkg/api/resource`` and ``pkg/apis/meta/v1``; Go's
``encoding/base64`` and ``time``.
"""

import base64
import datetime
import re
from decimal import Decimal, InvalidOperation

from ..golang.quote import go_quote

QUANTITY = re.compile(r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$")
QUANTITY_FORM = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)
BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in DECIMAL.items()}
NANO = 10**9
MAX_QUANTITY = (2**63 - 1) * NANO
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
RFC3339 = re.compile(r"^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$")


class BadValue(ValueError):
    """A scalar with an invalid format; the message is the real server's."""


def parse_quantity(text: str) -> tuple[int, str]:
    """Parse a quantity to (billionths, ``binary`` | ``decimal`` | ``exponent``).

    Raises:
        BadValue: It is not a quantity.
    """
    match = QUANTITY.match(text)
    if match is None or text.endswith("\n"):
        raise BadValue(QUANTITY_FORM)
    number, suffix = match.groups()
    exponent = 0
    shift = 0
    form = "decimal"
    if suffix in BINARY:
        shift = BINARY[suffix]
        form = "binary"
    elif suffix in DECIMAL:
        exponent = DECIMAL[suffix]
    elif suffix[:1] in ("e", "E"):
        try:
            exponent = int(suffix[1:])
            form = "exponent"
        except ValueError as error:
            raise BadValue("unable to parse quantity's suffix") from error
        if not -(2**31) <= exponent < 2**31:
            raise BadValue("unable to parse quantity's suffix")
    else:
        raise BadValue("unable to parse quantity's suffix")
    if number.count(".") > 1 or number.strip("+-") in ("", "."):
        raise BadValue(QUANTITY_FORM)
    # Ours: 10 to the power of a billion would take all memory.
    if not -1000 < exponent < 1000 or len(number) > 1000:
        raise BadValue("unable to parse numeric part of quantity")
    try:
        sign, digits, power = Decimal(number).as_tuple()
    except InvalidOperation as error:
        raise BadValue("unable to parse numeric part of quantity") from error
    # A Decimal can be infinite, but not one that matches QUANTITY.
    assert isinstance(power, int)
    amount = int("".join(map(str, digits)) or "0") << shift
    scale = power + exponent + 9
    if scale >= 0:
        amount *= 10**scale
    else:
        amount = -(-amount // 10**-scale)  # rounded up, away from zero
    # Go caps binary quantities only.
    if form == "binary":
        amount = min(amount, MAX_QUANTITY)
    return (-amount if sign else amount), form


def amount(value: object) -> int:
    """Parse a quantity to billionths; an invalid one is 0."""
    try:
        return parse_quantity(str(value))[0]
    except BadValue:
        return 0


def canonical_quantity(text: str) -> str:
    """Return the canonical form of a quantity: ``1024Mi`` is ``1Gi``, ``0.5`` is ``500m``.

    Raises:
        BadValue: It is not a quantity.
    """
    return quantity_text(*parse_quantity(text))


def quantity_text(amount: int, form: str) -> str:
    """The canonical text of an amount in billionths; ``form`` is as ``parse_quantity`` returns it."""
    if amount == 0:
        return "0"
    sign = "-" if amount < 0 else ""
    amount = abs(amount)
    if form == "binary" and amount >= 1024 * NANO and amount % NANO == 0:
        whole = amount // NANO
        power = 0
        while power < 6 and whole % 1024 == 0:
            whole //= 1024
            power += 1
        suffix = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")[power]
        return f"{sign}{whole}{suffix}"
    exponent = -9
    # Canonical: the largest suffix without a fraction.
    while amount % 1000 == 0:
        amount //= 1000
        exponent += 3
    if form == "exponent":
        return f"{sign}{amount}" + (f"e{exponent}" if exponent else "")
    return f"{sign}{amount}{DECIMAL_SUFFIX.get(exponent, '')}"  # the real server has no suffix beyond E either


def parse_time(text: str, micro: bool = False) -> datetime.datetime:
    """Parse an RFC 3339 time; a MicroTime has exactly six decimals.

    Raises:
        BadValue: It is not a time; the message is the one of Go's ``time.Parse``, except for the position of the
            mistake.
    """
    layout = "2006-01-02T15:04:05.000000Z07:00" if micro else "2006-01-02T15:04:05Z07:00"
    match = RFC3339.match(text)
    if match is None:
        raise BadValue(
            f'parsing time {go_quote(text)} as "{layout}": cannot parse {go_quote(text)} as "2006"'
        )
    *numbers, fraction, zone = match.groups()
    year, month, day, hour, minute, second = map(int, numbers)
    if micro and len(fraction or "") != 6:
        rest = text[19:]
        raise BadValue(f'parsing time "{text}" as "{layout}": cannot parse "{rest}" as ".000000"')
    micros = int(((fraction or "") + "000000")[:6])
    minutes = 0 if zone == "Z" else int(zone[1:3]) * 60 + int(zone[4:6])
    try:
        offset = datetime.timezone(
            datetime.timedelta(minutes=-minutes if zone[0] == "-" else minutes)
        )
        local = datetime.datetime(year, month, day, hour, minute, second, micros, offset)
        return local.astimezone(datetime.UTC)
    except (ValueError, OverflowError) as error:
        # Python's message begins with the part that is wrong, such as the month.
        part = str(error).partition(" ")[0]
        raise BadValue(f'parsing time "{text}": {part} out of range') from error


def canonical_time(text: str) -> str:
    """A time in whole seconds, UTC."""
    return parse_time(text).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def canonical_micro_time(text: str) -> str:
    """A time with microseconds, UTC."""
    return parse_time(text, micro=True).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def decode_base64(text: str) -> bytes:
    """Decode standard base64 with padding, ignoring line breaks.

    Raises:
        BadValue: With the position that Go's decoder names.
    """
    try:
        return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except ValueError as error:
        raise BadValue(f"illegal base64 data at input byte {_base64_problem(text)}") from error


def _base64_problem(text: str) -> int:
    """Return the position of the first byte that does not fit, or of the group that is not complete."""
    data = text.encode("utf-8", "replace").decode("latin-1")
    complete = re.match(
        r"(?:[A-Za-z0-9+/\r\n]{4})*(?:[A-Za-z0-9+/]{2}==?|[A-Za-z0-9+/]{3}=)?", data
    )
    at = complete.end() if complete is not None else 0
    rest = len(data) - len(data[at:].lstrip(BASE64))
    return rest if rest < len(data) else at
