"""Label selectors: what they match."""

from __future__ import annotations

from labkit.embedded.machinery.request import Object


def selects(selector: Object, labels: Object) -> bool:
    """Whether a label selector matches labels."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for term in selector.get("matchExpressions") or ():
        present = labels.get(term.get("key", ""))
        operator, values = term.get("operator"), term.get("values") or ()
        if operator == "In" and present not in values:
            return False
        if operator == "NotIn" and present in values:
            return False
        if operator == "Exists" and present is None:
            return False
        if operator == "DoesNotExist" and present is not None:
            return False
    return True
