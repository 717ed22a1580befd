"""Field selectors: ``metadata.name=x,status.phase!=Running``.

Each kind has its own selectable fields, in addition to name and namespace.
Source: k8s.io/apimachinery ``pkg/fields``; the conversion functions of pkg/apis and the
``ToSelectableFields`` of pkg/registry.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kube_embedded.files import read_json
from kube_embedded.machinery.cache import cached
from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.kinds import CustomKind, Kind
from kube_embedded.machinery.request import Object
from kube_embedded.machinery.status import ApiError, bad_request
from kube_embedded.machinery.work import charge

Getter = Callable[[Object], str]

PART = re.compile(r"(?:[^,\\]|\\.|\\\Z)+", re.DOTALL)
"""A term: up to a comma that is not escaped."""
TERM = re.compile(r"((?:[^\\=!]|\\.|!(?!=))*)(!=|==?)(.*)", re.DOTALL)
"""A field, an operator and a value."""
ESCAPES = re.compile(r"\\[\\,=]")
BAD_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*(\\(?:[^\\,=]|\Z))")


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
    # The text can be a megabyte of terms.
    charge(2 * len(text))
    # Sorted as in Go, so that the first error is the same.
    terms = (_term(text, part) for part in sorted(PART.findall(text)))
    return tuple(term for term in terms if term.field or term.value)  # "=" selects everything


def exact_fields(text: str) -> tuple[tuple[str, str], ...]:
    """The fields for which a selector requires exactly one value; none if it is invalid."""
    try:
        # Authorizers use this before the handler refuses an invalid selector.
        return tuple((term.field, term.value) for term in parse_fields(text) if term.equal)
    except ApiError:
        return ()


def exact_name(text: str) -> str:
    """The name, if a selector requires exactly one, else empty; 400 if it is invalid."""
    if "metadata.name" in text:
        for term in parse_fields(text):
            if term.field == "metadata.name" and term.equal:
                return term.value
    return ""


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """A conjunction of terms on a kind's fields."""

    terms: tuple[tuple[Getter, str, bool], ...]

    def __bool__(self) -> bool:
        return bool(self.terms)

    def matches(self, obj: Object) -> bool:
        """Return whether an object satisfies every term."""
        return all((get(obj) == value) is equal for get, value, equal in self.terms)


def field_selector(kind: Kind, text: str) -> FieldSelector:
    """Parse a field selector of a kind; 400 if it is invalid or names a field that is not selectable."""
    if not text:
        return FieldSelector(())
    custom = isinstance(kind, CustomKind)
    fields = dict(SELECTABLE.get(kind.qualified, {}))
    if isinstance(kind, CustomKind):
        for row in kind.version_spec.get("selectableFields") or ():
            name = row["jsonPath"].removeprefix(".")
            fields[name] = at(name)
    terms = []
    for term in parse_fields(text):
        get = fields.get(term.field) or COMMON.get(term.field)
        own_rules = custom or bool(fields)
        # Kinds with fields of their own say which of the common ones they have.
        if term.field == "metadata.namespace" and own_rules and not kind.namespaced:
            get = None
        if get is None:
            quoted = go_quote(term.field)
            unknown = f'{quoted} is not a known field selector: only "metadata.name", "metadata.namespace"'
            if own_rules:
                own = OWN_WORDS.get(kind.qualified, "field label not supported: {field}")
                unknown = own.format(field=term.field, quoted=quoted)
            raise bad_request(unknown)
        terms.append((get, term.value, term.equal))
    return FieldSelector(tuple(terms))


def _term(text: str, part: str) -> FieldTerm:
    match = TERM.fullmatch(part)
    if match is None:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
    return FieldTerm(match[1], _unescape(match[3]), match[2] != "!=")


def _unescape(value: str) -> str:
    for char in ESCAPES.sub("", value):
        if char == "\\":
            bad = BAD_ESCAPE.search(value)
            raise bad_request(
                f"invalid field selector: invalid escape sequence: {bad[1] if bad else char}"
            )
        if char in ",=":
            raise bad_request(f"invalid field selector: unescaped character in value: {ord(char)}")
    return ESCAPES.sub(lambda match: match[0][1], value)
