"""The formats of strings that a schema can name; others are ignored.

Source: k8s.io/kube-openapi ``pkg/validation/strfmt``; k8s.io/apiextensions-apiserver ``pkg/apiserver/validation``.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import re
from collections.abc import Callable
from email.utils import parseaddr
from urllib.parse import urlsplit

from labkit.embedded.apiserver.registry.names import dns_label, dns_subdomain

CLOCK = re.compile(r"(\d{2}):(\d{2}):(\d{2})(.\d+)?(z|[+-]\d{2}:\d{2})", re.ASCII)
DURATION = re.compile(
    r"\d+\s*(ns|us|µs|ms|s|m|h|d|w|hr|wk|(nano|micro|milli|sec|min|hour|day|week)\w*)\b", re.I
)
GO_DURATION = re.compile(r"[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
HOST_LABEL = re.compile(r"[^\W_](?:[^\W_]|-(?=[^\W_]))*", re.UNICODE)
BYTE = "(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])"


def _pattern(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII | re.IGNORECASE)
    return lambda text: compiled.fullmatch(text) is not None


def _address(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            return "%" not in text and ipaddress.ip_address(text).version == version
        except ValueError:
            return False

    return check


def _base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True)) or not text
    except ValueError:
        return False


def _anything(text: str) -> bool:
    """Accept any text: passwords, and the formats of books and cards, which no definition in use has."""
    return True


def _cidr(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return "/" in text and text.rpartition("/")[2].isdigit()


def _date(text: str) -> bool:
    try:
        return len(text) == 10 and bool(datetime.datetime.strptime(text, "%Y-%m-%d"))
    except ValueError:
        return False


def _date_time(text: str) -> bool:
    date, separator, clock = text.lower().partition("t")
    match = CLOCK.fullmatch(clock)
    return (
        bool(separator)
        and _date(date)
        and match is not None
        and match[1] <= "23"
        and max(match[2], match[3]) <= "59"
    )


def _duration(text: str) -> bool:
    # strfmt tries Go's own form first, and then looks for one of its own anywhere in the text.
    return GO_DURATION.fullmatch(text) is not None or DURATION.search(text) is not None


def _email(text: str) -> bool:
    address = parseaddr(text)[1]
    return (
        bool(address) and address.count("@") == 1 and all(address.split("@")) and " " not in address
    )


def _hostname(text: str) -> bool:
    labels = text.split(".")
    if len(text) > 255 or any(
        len(label) > 63 or HOST_LABEL.fullmatch(label) is None for label in labels
    ):
        return False
    return len(labels) == 1 or (len(labels[-1]) > 1 and labels[-1].isalpha())


def _uri(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return (bool(parts.scheme) or text.startswith("/")) and " " not in (parts.netloc or "")


def _uuid(version: str, variant: str = "[0-9a-f]") -> Callable[[str], bool]:
    return _pattern(
        f"[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{version}[0-9a-f]{{3}}-?{variant}[0-9a-f]{{3}}-?[0-9a-f]{{12}}"
    )


FORMATS: dict[str, Callable[[str], bool]] = {
    "bsonobjectid": _pattern("[0-9a-f]{24}"),
    "byte": _base64,
    "cidr": _cidr,
    "creditcard": _anything,
    "date": _date,
    "datetime": _date_time,
    "duration": _duration,
    "email": _email,
    "hexcolor": _pattern("#?([0-9a-f]{3}|[0-9a-f]{6})"),
    "hostname": _hostname,
    "ipv4": _address(4),
    "ipv6": _address(6),
    "isbn": _anything,
    "isbn10": _anything,
    "isbn13": _anything,
    "k8slongname": lambda text: not dns_subdomain(text),
    "k8sshortname": lambda text: not dns_label(text),
    "mac": _pattern(
        "([0-9a-f]{2}([:-][0-9a-f]{2}){5}(([:-][0-9a-f]{2}){2})?|[0-9a-f]{4}(\\.[0-9a-f]{4}){2,3})"
    ),
    "password": _anything,
    "rgbcolor": _pattern(rf"rgb\(\s*{BYTE}\s*,\s*{BYTE}\s*,\s*{BYTE}\s*\)"),
    "ssn": _pattern(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "uri": _uri,
    "uuid": _uuid("[0-9a-f]"),
    "uuid3": _uuid("3"),
    "uuid4": _uuid("4", "[89ab]"),
    "uuid5": _uuid("5", "[89ab]"),
}
"""Each format by its name without dashes, to its check."""

NUMBER_FORMATS = {"integer": ("int32", "int64"), "number": ("float", "double")}


def is_known(format_: str, type_: str) -> bool:
    """Return whether a format is one that values of a type are checked against."""
    if type_ in ("", "string"):
        return format_.replace("-", "") in FORMATS
    return format_ in NUMBER_FORMATS.get(type_, ())
