"""Rules for names, labels and other formatted strings, with the real server's messages.

Each rule returns one message for each problem; an empty list if the text is valid.
Source: k8s.io/apimachinery ``pkg/util/validation`` and ``pkg/api/validation``.
"""

import ipaddress
import re
from collections.abc import Callable

from ...machinery.path_segments import path_segment_errors

NameRule = Callable[[str, bool], list[str]]
"""(name, whether it is only a prefix of one) to messages."""

LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = LABEL + r"(\." + LABEL + ")*"
LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
LABEL_VALUE = f"({QUALIFIED})?"
ENDS = "and must start and end with an alphanumeric character"
LOWER = "must consist of lower case alphanumeric characters"
NOT_QUALIFIED = (
    f"must consist of alphanumeric characters, '-', '_' or '.', {ENDS}",
    QUALIFIED,
    "MyName",
    "my.name",
    "123-abc",
)
"""The arguments of ``regex_error`` for the name part of a qualified name."""


def regex_error(message: str, pattern: str, *examples: str) -> str:
    """The message for a text that does not match a pattern, with examples."""
    if not examples:
        return f"{message} (regex used for validation is '{pattern}')"
    listed = "e.g. " + " or ".join(f"'{example}', " for example in examples)
    return f"{message} ({listed}regex used for validation is '{pattern}')"


def too_long(limit: int, unit: str = "characters") -> str:
    """Return the message for a text that is too long.

    The real server counts bytes even where its message names characters.
    """
    return f"must be no more than {limit} {unit}"


def _form(
    value: str, pattern: str, message: str, *examples: str, limit: int = 0, unit: str = "characters"
) -> list[str]:
    """Check the length (in bytes, if there is a limit) and the pattern of a text."""
    messages = [too_long(limit, unit)] if limit and len(value.encode()) > limit else []
    if not re.fullmatch(pattern, value):
        messages.append(regex_error(message, pattern, *examples))
    return messages


def dns_label(value: str) -> list[str]:
    """An RFC 1123 label: at most 63 of a-z, 0-9 and ``-``."""
    message = f"a lowercase RFC 1123 label {LOWER} or '-', {ENDS}"
    messages = _form(value, LABEL, message, "my-name", "123-abc", limit=63)
    # The most common mistake has a message of its own.
    if "." in value and re.fullmatch(SUBDOMAIN, value):
        messages[-1] = "must not contain dots"
    return messages


def dns_subdomain(value: str, unit: str = "characters") -> list[str]:
    """RFC 1123 labels joined by dots, at most 253 characters."""
    message = f"a lowercase RFC 1123 subdomain {LOWER}, '-' or '.', {ENDS}"
    return _form(value, SUBDOMAIN, message, "example.com", limit=253, unit=unit)


def dns_1035_label(value: str) -> list[str]:
    """An RFC 1035 label, which begins with a letter."""
    message = f"a DNS-1035 label {LOWER} or '-', start with an alphabetic character, and end with an alphanumeric character"
    return _form(value, LABEL_1035, message, "my-name", "abc-123", limit=63)


def qualified_name(value: str) -> list[str]:
    """A label's or annotation's key: a name, perhaps with a domain before ``/``."""
    messages: list[str] = []
    prefix, slash, name = value.partition("/")
    if not slash:
        name = value
    elif "/" in name:
        optional = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return ["a valid label key " + regex_error(*NOT_QUALIFIED) + optional]
    elif not prefix:
        messages.append("prefix part must be non-empty")
    else:
        messages += ["prefix part " + message for message in dns_subdomain(prefix, "bytes")]
    if not name:
        messages.append("name part must be non-empty")
    elif len(name.encode()) > 63:
        messages.append("name part " + too_long(63, "bytes"))
    if not re.fullmatch(QUALIFIED, name):
        messages.append("name part " + regex_error(*NOT_QUALIFIED))
    return messages


def label_value(value: str) -> list[str]:
    """A label's value."""
    message = f"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', {ENDS}"
    return _form(
        value, LABEL_VALUE, message, "MyValue", "my_value", "12345", limit=63, unit="bytes"
    )


def config_key(value: str) -> list[str]:
    """A key of a ConfigMap's or Secret's data."""
    message = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
    messages = _form(
        value, "[-._a-zA-Z0-9]+", message, "key.name", "KEY_NAME", "key-name", limit=253
    )
    if value in (".", ".."):
        messages.append(f"must not be '{value}'")
    elif value.startswith(".."):
        messages.append("must not start with '..'")
    return messages


def env_name(value: str) -> list[str]:
    """The name of an environment variable, by the relaxed rule of 1.34."""
    # KEP-4369 relaxed the rule: anything printable but "=".
    if not value:
        return ["environment variable name must be non-empty"]
    if any(not " " <= char <= "~" or char == "=" for char in value):
        return [
            "a valid environment variable name must consist only of printable ASCII characters other than '='"
        ]
    return []


def port_name(value: str) -> list[str]:
    """A port's name: an IANA service name."""
    messages = []
    if len(value) > 15:
        messages.append(too_long(15))
    if not re.fullmatch("[-a-z0-9]+", value):
        messages.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", value):
        messages.append("must contain at least one letter (a-z)")
    if "--" in value:
        messages.append("must not contain consecutive hyphens")
    if value and (value[0] == "-" or value[-1] == "-"):
        messages.append("must not begin or end with a hyphen")
    return messages


def http_header(value: str) -> list[str]:
    """An HTTP header's name."""
    message = "a valid HTTP header must consist of alphanumeric characters or '-'"
    return _form(value, "[-A-Za-z0-9]+", message, "X-Header-Name")


def percent(value: str) -> list[str]:
    """A percentage such as ``25%``."""
    message = "a valid percent string must be a numeric string followed by an ending '%'"
    return _form(value, "[0-9]+%", message, "1%", "93%")


def port_number(value: int) -> list[str]:
    """A port."""
    return [] if 1 <= value <= 65535 else ["must be between 1 and 65535, inclusive"]


def ip_address(value: str) -> bool:
    """Return whether a text is an IP address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return "%" not in value


def ip_range(value: str) -> bool:
    """Return whether a text is an address and the length of a prefix."""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return "/" in value


IP_MESSAGE = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
CIDR_MESSAGE = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def address_messages(value: str) -> list[str]:
    """The problems of an IP address, which must be unambiguous. Source: KEP 4858."""
    plain = without_zeros(value)
    if not ip_address(plain):
        return [IP_MESSAGE]
    if plain != value:
        return ["must not have leading 0s"]
    address = ipaddress.ip_address(value)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return ["must not be an IPv4-mapped IPv6 address"]
    return []


def range_messages(value: str) -> list[str]:
    """The problems of a CIDR, which must be unambiguous. Source: KEP 4858."""
    address, _, length = value.partition("/")
    plain = f"{without_zeros(address)}/{length.lstrip('0') or length[:1]}"
    if not ip_range(plain) or not length.isdecimal():
        return [CIDR_MESSAGE]
    if plain != value:
        return ["must not have leading 0s in IP or prefix length"]
    interface = ipaddress.ip_interface(value)
    if isinstance(interface.ip, ipaddress.IPv6Address) and interface.ip.ipv4_mapped is not None:
        return ["must not have an IPv4-mapped IPv6 address"]
    if interface.ip != interface.network.network_address:
        return ["must not have bits set beyond the prefix length"]
    return []


def without_zeros(address: str) -> str:
    """An IPv4 address without leading zeros; any other text as it is."""
    # Some parsers read leading zeros as octal, so the server refuses them (CVE-2021-29923).
    parts = address.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdecimal() for part in parts):
        return address
    return ".".join(part.lstrip("0") or "0" for part in parts)


def _masked(name: str, prefix: bool) -> str:
    """A name prefix with its trailing hyphen replaced by a letter."""
    return name[:-2] + "a" if prefix and len(name) > 1 and name.endswith("-") else name


def subdomain_name(name: str, prefix: bool = False) -> list[str]:
    """The rule for the names of most kinds."""
    return dns_subdomain(_masked(name, prefix))


def declared_name(name: str, prefix: bool) -> list[str]:
    """The rule for names that are validated declaratively: prefixes are hardly checked."""
    return path_segment_name(name, True) if prefix else dns_subdomain(name, "bytes")


def label_name(name: str, prefix: bool = False) -> list[str]:
    """The rule for names of namespaces, services and the like."""
    return dns_label(_masked(name, prefix))


def path_segment_name(name: str, prefix: bool = False) -> list[str]:
    """The rule for the names of RBAC objects, and the minimum for all names."""
    # A prefix of dots becomes a name with a suffix.
    return [] if prefix and name in (".", "..") else path_segment_errors(name)
