"""Field selectors: ``metadata.name=x,status.phase!=Running``.

Each kind has its own selectable fields, beside name and namespace.
Source: k8s.io/apimachinery ``pkg/fields``; the conversion functions of pkg/apis and the
``ToSelectableFields`` of pkg/registry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from labkit.core.json_file import read_json
from labkit.embedded.machinery.cache import cached
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.kinds import CustomKind, Kind
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.status import ApiError, bad_request
from labkit.embedded.machinery.work import charge

Getter = Callable[[Object], str]

PART = re.compile(r"(?:[^,\\]|\\.|\\\Z)+", re.DOTALL)
"""A term: up to a comma that is not escaped."""
TERM = re.compile(r"((?:[^\\=!]|\\.|!(?!=))*)(!=|==?)(.*)", re.DOTALL)
"""A field, an operator and a value."""


def at(path: str, default: str = "") -> Getter:
    """Make a getter of a string, number or bool by its dotted path, as text."""
    steps = path.split(".")

    def get(obj: Object) -> str:
        value: object = obj
        for step in steps:
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            return default
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value)

    return get


def _pod_ips(obj: Object) -> str:
    # The server's internal form of the list is its first address.
    ips = (obj.get("status") or {}).get("podIPs") or [{}]
    return str(ips[0].get("ip", ""))


def _event_source(obj: Object) -> str:
    component = (obj.get("source") or {}).get("component")
    return str(component or obj.get("reportingComponent") or "")


COMMON: Mapping[str, Getter] = {
    "metadata.name": at("metadata.name"),
    "metadata.namespace": at("metadata.namespace"),
}

COMPUTED: Mapping[str, Getter] = {"first address": _pod_ips, "event source": _event_source}

SELECTABLE: Mapping[str, Mapping[str, Getter]] = {
    resource: {
        field: COMPUTED.get(path) or at(path, *default)
        for field, (path, *default) in fields.items()
    }
    for resource, fields in read_json(__file__, "selectable_fields.json").items()
}
"""Fields of each resource beside its name and namespace, read from objects as they are stored.

The table has the path of each in them, and the text for an object without it, unless that is empty.
"""

OWN_WORDS: Mapping[str, str] = {"jobs.batch": "field label {quoted} not supported for Job"}
"""Error texts for unknown fields of resources in ``SELECTABLE``, where not the usual text."""


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """One term: a field's dotted path, and the value that it has, or has not."""

    field: str
    value: str
    equal: bool


@cached(256)
def parse_fields(text: str) -> tuple[FieldTerm, ...]:
    """Parse a field selector; 400 if it is invalid."""
    charge(2 * len(text))
    terms = (_term(text, part) for part in sorted(PART.findall(text)))
    return tuple(term for term in terms if term.field or term.value)  # "=" selects everything


def exact_fields(text: str) -> tuple[tuple[str, str], ...]:
    """The fields for which a selector requires exactly one value; none if it is invalid."""
    try:
        return tuple((term.field, term.value) for term in parse_fields(text) if term.equal)
    except ApiError:
        return ()


def exact_name(text: str) -> str:
    """The name, if a selector requires exactly one, else empty; 400 if it is invalid."""
    if "metadata.name" not in text:
        return ""
    return next(
        (term.value for term in parse_fields(text) if term.field == "metadata.name" and term.equal),
        "",
    )


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """A conjunction of terms on a kind's fields."""

    terms: tuple[tuple[Getter, str, bool], ...]

    def __bool__(self) -> bool:
        return bool(self.terms)

    def matches(self, obj: Object) -> bool:
        """Whether an object satisfies every term."""
        return all((get(obj) == value) is equal for get, value, equal in self.terms)


def field_selector(kind: Kind, text: str) -> FieldSelector:
    """Parse a field selector of a kind; 400 if it is invalid or names a field that is not selectable."""
    if not text:
        return FieldSelector(())
    fields = (
        _custom_fields(kind) if isinstance(kind, CustomKind) else SELECTABLE.get(kind.qualified, {})
    )
    terms = []
    for term in parse_fields(text):
        get = fields.get(term.field) or COMMON.get(term.field)
        if (
            term.field == "metadata.namespace"
            and (fields or isinstance(kind, CustomKind))
            and not kind.namespaced
        ):
            get = None
        if get is None:
            raise bad_request(_unknown(kind, term.field))
        terms.append((get, term.value, term.equal))
    return FieldSelector(tuple(terms))


def _custom_fields(kind: CustomKind) -> dict[str, Getter]:
    names = (
        each["jsonPath"].removeprefix(".")
        for each in kind.version_spec.get("selectableFields") or ()
    )
    return {name: at(name) for name in names}


def _unknown(kind: Kind, field: str) -> str:
    if isinstance(kind, CustomKind) or kind.qualified in SELECTABLE:
        return OWN_WORDS.get(kind.qualified, "field label not supported: {field}").format(
            field=field, quoted=go_quote(field)
        )
    return f'{go_quote(field)} is not a known field selector: only "metadata.name", "metadata.namespace"'


def _term(text: str, part: str) -> FieldTerm:
    found = TERM.fullmatch(part)
    if found is None:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
    return FieldTerm(found[1], _unescape(found[3]), found[2] != "!=")


def _unescape(value: str) -> str:
    if "\\" not in value and "=" not in value:
        return value
    found, escaped = "", False
    for char in value:
        if escaped:
            if char not in "\\,=":
                raise bad_request(f"invalid field selector: invalid escape sequence: \\{char}")
            found += char
            escaped = False
        elif char == "\\":
            escaped = True
        elif char in ",=":
            raise bad_request(f"invalid field selector: unescaped character in value: {ord(char)}")
        else:
            found += char
    if escaped:
        raise bad_request("invalid field selector: invalid escape sequence: \\")
    return found
