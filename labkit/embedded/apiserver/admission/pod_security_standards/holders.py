"""Whose setting it is: the pod's, some containers', and how messages name them.

Source: k8s.io/pod-security-admission ``policy``; the Kubernetes page *Pod Security Standards*.
"""

from __future__ import annotations

from collections.abc import Callable

from labkit.embedded.machinery.request import Object

Violation = tuple[str, str]
"""What is wrong, and where."""
Check = Callable[[Object], Violation | None]


def containers(spec: Object) -> list[Object]:
    """All containers of a pod."""
    return [
        container
        for name in ("initContainers", "containers", "ephemeralContainers")
        for container in spec.get(name) or ()
    ]


def security(container: Object) -> Object:
    """The security context of a container."""
    return container.get("securityContext") or {}


def quoted(names: list[str]) -> str:
    """Names as messages list them."""
    return ", ".join(f'"{name}"' for name in names)


def named(word: str, names: list[str]) -> str:
    """The same after a word, which is in the plural if they are several."""
    return f"{word}{'s' if len(names) != 1 else ''} {quoted(names)}"


def names_of(spec: Object, bad: Callable[[Object], bool]) -> list[str]:
    """The names of the containers that are bad."""
    return [container.get("name", "") for container in containers(spec) if bad(container)]


def but_in_user_namespaces(check: Check) -> Check:
    """The same check, but for pods in which root is not root on the node."""
    return lambda spec: None if spec.get("hostUsers") is False else check(spec)


def but_on_windows(check: Check) -> Check:
    """The same check, but for pods that say that they are for Windows."""
    return lambda spec: None if (spec.get("os") or {}).get("name") == "windows" else check(spec)


def set_by_pod_or_all(spec: Object, holds: Callable[[Object], bool | None]) -> list[str]:
    """The containers that lack a setting which neither they nor the pod have.

    Args:
        spec: Of the pod.
        holds: Whether a security context has the setting; None if it says nothing.

    Returns:
        Their names.
    """
    pod = holds(spec.get("securityContext") or {})
    return [
        container.get("name", "")
        for container in containers(spec)
        if not (own if (own := holds(security(container))) is not None else pod)
    ]


def holders_of(spec: Object, bad: Callable[[Object], bool]) -> list[str]:
    """Whose security context is bad: the pod's, some containers'."""
    holders = ["pod"] if bad(spec.get("securityContext") or {}) else []
    names = names_of(spec, lambda container: bad(security(container)))
    return [*holders, named("container", names)] if names else holders
