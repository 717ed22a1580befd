"""Evaluates label selectors, of aggregated cluster roles and of every kind of the embedded server."""

from collections.abc import Mapping

from .objects import Object


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """Return whether a label selector matches labels; an empty one matches everything."""
    # Both parts must match (LabelSelectorAsSelector).
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(holds(labels, term) for term in selector.get("matchExpressions") or ())


def holds(labels: Mapping[str, str], expression: Object) -> bool:
    """Return whether labels meet one requirement: ``key``, ``operator`` and ``values``."""
    key = expression.get("key")
    operator = expression.get("operator")
    values: list[str] = expression.get("values") or []
    value = labels.get(str(key))
    match operator:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt":
            # Both must be integers, or there is no match: ``Gt`` of a text is false, and so is ``Lt``.
            try:
                return (int(value or "") > int(values[0])) == (operator == "Gt") and int(
                    value or ""
                ) != int(values[0])
            except (ValueError, IndexError):
                return False
    return False
