"""Which pod or containers hold a setting, and how messages name them.

Source: k8s.io/pod-security-admission ``policy``; the Kubernetes page *Pod Security Standards*.
"""

from __future__ import annotations

from collections.abc import Callable

from labkit.core.json_file import read_json
from labkit.embedded.machinery.request import Object

STANDARDS = read_json(__file__, "standards.json")
"""What the standards allow; sysctls with the minor version of the standards that first does."""
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


def capabilities(container: Object, field: str) -> set[str]:
    """The capabilities that a container adds or drops."""
    return set((security(container).get("capabilities") or {}).get(field) or ())


def quoted(names: list[str]) -> str:
    """Names in quotes, as messages list them."""
    return ", ".join(f'"{name}"' for name in names)


def named(word: str, names: list[str]) -> str:
    """Names after a noun, in the plural for several."""
    return f"{word}{'s' if len(names) != 1 else ''} {quoted(names)}"


def names_of(spec: Object, bad: Callable[[Object], bool]) -> list[str]:
    """The names of the containers that a predicate holds for."""
    return [container.get("name", "") for container in containers(spec) if bad(container)]


def names_and_values(
    spec: Object, values_of: Callable[[Object], set[str]]
) -> tuple[list[str], list[str]]:
    """Return the names of the containers in which something is found, and all that is found, sorted."""
    values = [(container.get("name", ""), values_of(container)) for container in containers(spec)]
    return [name for name, mine in values if mine], sorted(
        set().union(*(mine for _, mine in values))
    )


def but_in_user_namespaces(check: Check) -> Check:
    """The check, for pods without a user namespace of their own."""
    return lambda spec: None if spec.get("hostUsers") is False else check(spec)


def but_on_windows(check: Check) -> Check:
    """The check, for pods that are not for Windows."""
    return lambda spec: None if (spec.get("os") or {}).get("name") == "windows" else check(spec)


def set_by_pod_or_all(spec: Object, holds: Callable[[Object], bool | None]) -> list[str]:
    """Return the names of containers for which neither they nor the pod have a setting.

    ``holds`` says whether a security context has it, None if it says nothing.
    """
    pod = holds(spec.get("securityContext") or {})
    return [
        container.get("name", "")
        for container in containers(spec)
        if not (own if (own := holds(security(container))) is not None else pod)
    ]


def holders_of(spec: Object, bad: Callable[[Object], bool]) -> list[str]:
    """What has a bad security context: the pod, containers."""
    holders = ["pod"] if bad(spec.get("securityContext") or {}) else []
    names = names_of(spec, lambda container: bad(security(container)))
    return [*holders, named("container", names)] if names else holders
