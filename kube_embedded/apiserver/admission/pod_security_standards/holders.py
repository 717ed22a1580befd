"""The engine of the checks: which pods, containers or volumes hold a bad setting, and how messages name them.

Source: k8s.io/pod-security-admission ``policy/visitor.go`` and ``policy/helpers.go``.
"""

from collections.abc import Callable, Iterable, Sized
from typing import Any

from kube_embedded.machinery.request import Object

Violation = tuple[str, str]
"""What is wrong, and where."""
Check = Callable[[Object], Violation | None]
"""A PodSpec to its violation."""
Bad = Callable[[Object], Any]
"""A pod, container or volume to its bad values, or to whether it is bad."""

CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


def security(holder: Object) -> Object:
    """The security context of a pod or a container."""
    return holder.get("securityContext") or {}


def quoted(names: Iterable[str]) -> str:
    """Names in quotes, as messages list them."""
    return ", ".join(f'"{name}"' for name in names)


def plural(word: str, names: Sized) -> str:
    """A noun, in the plural unless there is exactly one."""
    return word if len(names) == 1 else f"{word}s"


def named(word: str, names: list[str]) -> str:
    """Names after a noun."""
    return f"{plural(word, names)} {quoted(names)}"


def names_of(spec: Object, bad: Bad, lists: Iterable[str] = CONTAINERS) -> list[str]:
    """The names of the bad containers, or of the bad items of other ``lists``."""
    items = (item for field in lists for item in spec.get(field) or ())
    return [item.get("name", "") for item in items if bad(item)]


def holders_of(spec: Object, bad: Bad) -> list[str]:
    """The violating objects: the pod, containers."""
    holders = ["pod"] if bad(spec) else []
    names = names_of(spec, bad)
    return [*holders, named("container", names)] if names else holders


def refuse(
    reason: str,
    bad: Bad,
    text: str,
    *,
    pod: bool = False,
    volumes: bool = False,
    by_name: bool = False,
) -> Check:
    """Make a check that refuses bad containers, and a bad ``pod`` as well, or bad ``volumes`` instead.

    ``text`` is the place, with ``{holders}``, the bad ``{values}`` or, without quotes, ``{listed}``; ``{use}`` agrees with
    the holders, ``{s}`` with the values. ``by_name`` sorts the holders.
    """

    def check(spec: Object) -> Violation | None:
        values: set[str] = set()

        def collects(holder: Object) -> bool:
            result = bad(holder)
            if isinstance(result, set):
                values.update(result)
            return bool(result)

        # Bad values are collected on the way, because the message lists the values of all holders together.
        names = names_of(spec, collects, ("volumes",) if volumes else CONTAINERS)
        if by_name:
            names = sorted(set(names))
        holders = ["pod"] if pod and collects(spec) else []
        if names:
            holders.append(named("volume" if volumes else "container", names))
        if not holders:
            return None
        return reason, text.format(
            holders=" and ".join(holders),
            use="uses" if len(names) == 1 else "use",
            values=quoted(sorted(values)),
            listed=", ".join(sorted(values)),
            s=plural("", values),
        )

    return check


def demand(reason: str, setting: Callable[[Object], bool | None], text: str) -> Check:
    """Make a check that demands a setting of the pod or of all containers that lack it.

    ``setting`` returns whether a pod or container has it, None if it leaves it to the other.
    """

    def check(spec: Object) -> Violation | None:
        def lacks(container: Object) -> bool:
            own = setting(container)
            return not (setting(spec) if own is None else own)

        names = names_of(spec, lacks)
        return (reason, f"pod or {named('container', names)} must set {text}") if names else None

    return check


def first_of(*checks: Check) -> Check:
    """Make a check that reports the first violation."""

    def check(spec: Object) -> Violation | None:
        violations = (part(spec) for part in checks)
        return next((violation for violation in violations if violation is not None), None)

    return check


def but_in_user_namespaces(check: Check) -> Check:
    """The check, for pods without a user namespace of their own."""
    return lambda spec: None if spec.get("hostUsers") is False else check(spec)


def but_on_windows(check: Check) -> Check:
    """The check, for pods that are not for Windows."""
    return lambda spec: None if (spec.get("os") or {}).get("name") == "windows" else check(spec)
