"""The formats of strings that a schema can name; others are ignored.

Source: k8s.io/kube-openapi ``pkg/validation/strfmt``; k8s.io/apiextensions-apiserver ``pkg/apiserver/validation``.
"""

import base64
import datetime
import ipaddress
import re
from collections.abc import Callable
from email.utils import parseaddr
from urllib.parse import urlsplit

from ..names import dns_label, dns_subdomain

CLOCK = re.compile(r"(\d{2}):(\d{2}):(\d{2})(.\d+)?(z|[+-]\d{2}:\d{2})", re.ASCII)
DURATION = re.compile(
    r"\d+\s*(ns|us|µs|ms|s|m|h|d|w|hr|wk|(nano|micro|milli|sec|min|hour|day|week)\w*)\b", re.I
)
GO_DURATION = re.compile(r"[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
HOST_LABEL = re.compile(r"[^\W_](?:[^\W_]|-(?=[^\W_]))*", re.UNICODE)


def _pattern(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII | re.IGNORECASE)
    return lambda text: compiled.fullmatch(text) is not None


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    """Make a check of a function that raises a ValueError, or returns something false, for a wrong text."""

    def check(text: str) -> bool:
        try:
            return bool(parse(text))
        except ValueError:
            return False

    return check


def _anything(text: str) -> bool:
    """Accept any text: passwords, and formats that no definition in use has."""
    return True


def _date_time(text: str) -> bool:
    date, separator, clock = text.lower().partition("t")
    match = CLOCK.fullmatch(clock)
    return (
        bool(separator)
        and DATE(date)
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
    parts = urlsplit(text)
    return (bool(parts.scheme) or text.startswith("/")) and " " not in parts.netloc


UUID = _pattern("[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")
DATE = _parses(lambda text: len(text) == 10 and datetime.datetime.strptime(text, "%Y-%m-%d"))
UNCHECKED = (
    "bsonobjectid",
    "creditcard",
    "hexcolor",
    "isbn",
    "isbn10",
    "isbn13",
    "mac",
    "password",
    "rgbcolor",
    "ssn",
)

FORMATS: dict[str, Callable[[str], bool]] = {
    **dict.fromkeys(UNCHECKED, _anything),
    "byte": _parses(lambda text: base64.b64decode(text, validate=True) or not text),
    "cidr": _parses(lambda text: re.search(r"/\d+\Z", text) and ipaddress.ip_interface(text)),
    "date": DATE,
    "datetime": _date_time,
    "duration": _duration,
    "email": _email,
    "hostname": _hostname,
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(lambda text: "%" not in text and ipaddress.IPv6Address(text)),
    "k8slongname": lambda text: not dns_subdomain(text),
    "k8sshortname": lambda text: not dns_label(text),
    "uri": _parses(_uri),
    # The version of a UUID is not checked.
    **dict.fromkeys(("uuid", "uuid3", "uuid4", "uuid5"), UUID),
}
"""Each format by its name without dashes, to its check."""

NUMBER_FORMATS = {"integer": ("int32", "int64"), "number": ("float", "double")}


def is_known(format_: str, type_: str) -> bool:
    """Return whether a format is one that values of a type are checked against."""
    if type_ in ("", "string"):
        return format_.replace("-", "") in FORMATS
    return format_ in NUMBER_FORMATS.get(type_, ())
