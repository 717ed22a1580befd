"""Evaluates the label selectors of disruption budgets."""

from kube_embedded.machinery.request import Object
from kube_embedded.rbac.selectors import selects


def guards(budget: Object, pod: Object) -> bool:
    """Return whether a disruption budget counts a pod."""
    selector = budget["spec"].get("selector")
    return selector is not None and selects(selector, pod["metadata"].get("labels") or {})
