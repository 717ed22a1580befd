"""Selection of objects by the selectors of a list, watch or deletecollection."""

from __future__ import annotations

from collections.abc import Callable

from labkit.embedded.apiserver.handlers.decode.field_selectors import field_selector
from labkit.embedded.apiserver.handlers.decode.label_selectors import parse_labels
from labkit.embedded.apiserver.handlers.decode.list_options import ListOptions
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.work import charge

Matches = Callable[[Object], bool]

FEW_TERMS = 8
"""A selector of so many terms costs no more than the object that it looks at."""


def selection(kind: Kind, options: ListOptions) -> Matches | None:
    """The predicate of the label and field selectors together, None for everything; 400 if one is invalid."""
    labels = parse_labels(options.label_selector)
    fields = field_selector(kind, options.field_selector)
    by_label, by_field = labels.matches, fields.matches
    terms = len(labels.requirements) + len(fields.terms)

    def matches(obj: Object) -> bool:
        return by_label(obj["metadata"].get("labels") or {})

    def charged(obj: Object) -> bool:
        charge(terms)
        return by_field(obj) and matches(obj)

    # Without a charge, a selector of thousands of terms would be free for each of thousands of objects.
    if terms > FEW_TERMS:
        return charged
    if not labels:
        return by_field if fields else None
    return (lambda obj: by_field(obj) and matches(obj)) if fields else matches
