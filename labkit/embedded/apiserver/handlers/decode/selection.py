"""What the selectors of a list, watch or deletecollection choose."""

from __future__ import annotations

from collections.abc import Callable

from labkit.embedded.apiserver.handlers.decode.field_selectors import field_selector
from labkit.embedded.apiserver.handlers.decode.label_selectors import parse_labels
from labkit.embedded.apiserver.handlers.decode.list_options import ListOptions
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Object

Matches = Callable[[Object], bool]


def selection(kind: Kind, options: ListOptions) -> Matches | None:
    """The predicate of the label and field selectors together, None for everything; 400 if one is invalid."""
    by_label = parse_labels(options.label_selector)
    by_field = field_selector(kind, options.field_selector)
    labels = by_label.matches if by_label else None
    fields = by_field.matches if by_field else None
    if labels is None:
        return fields

    def matches(obj: Object) -> bool:
        if fields is not None and not fields(obj):
            return False
        return labels(obj["metadata"].get("labels") or {})

    return matches
