"""Enforces the Pod Security Standards that a namespace's labels ask for.

Source: k8s.io/pod-security-admission ``admission``, ``api``.
"""

import re
from collections.abc import Iterable

from typing_extensions import override

from ...machinery.golang.quote import go_quote
from ...machinery.request import Object
from ...machinery.status import invalid
from .attributes import Attributes, ReadingPlugin
from .pod_security_standards import found_violations, violations

PREFIX = "pod-security.kubernetes.io/"
LEVELS = ("privileged", "baseline", "restricted")
"""From the laxest to the strictest."""
VERSION = re.compile(r"latest|v1\.(0|[1-9][0-9]*)")
MODES = ("enforce", "audit", "warn")
# The real server also stops after a second; here the number alone is limited, so that answers do not depend
# on speed.
MAX_PODS = 3000
"""How many pods of a namespace are checked when its level changes."""
CONTROLLERS = frozenset(
    (
        ("", "podtemplates"),
        ("", "replicationcontrollers"),
        ("apps", "daemonsets"),
        ("apps", "deployments"),
        ("apps", "replicasets"),
        ("apps", "statefulsets"),
        ("batch", "cronjobs"),
        ("batch", "jobs"),
    )
)

Policy = dict[str, tuple[str, str]]
"""A level and its version for each mode."""


class PodSecurity(ReadingPlugin):
    """Refuses, audits or warns of pods that violate their namespace's standard."""

    @override
    def validate(self, attributes: Attributes) -> None:
        if attributes.obj is None or attributes.operation not in ("CREATE", "UPDATE"):
            return
        resource = attributes.group, attributes.resource
        if resource == ("", "namespaces") and not attributes.subresource:
            self._check_namespace(attributes, attributes.obj)
        elif resource == ("", "pods") and attributes.subresource in ("", "ephemeralcontainers"):
            if "spec" in attributes.obj and (
                attributes.operation == "CREATE" or _significant(attributes)
            ):
                self._check_pod(attributes, attributes.obj, enforced=True)
        # Templates are never refused: a controller can change them, or create no pods at all.
        elif resource in CONTROLLERS and not attributes.subresource:
            template = _template(attributes.obj)
            if template is not None:
                self._check_pod(attributes, template, enforced=False)

    def _check_pod(self, attributes: Attributes, pod: Object, *, enforced: bool) -> None:
        """Check a pod, or the pod template of a controller, which only leads to warnings."""
        namespace = self._lookup("namespaces", "", attributes.namespace)
        labels = (namespace["metadata"].get("labels") or {}) if namespace is not None else {}
        policy, _ = _policy(labels)
        notes = (pod.get("metadata") or {}).get("annotations") or {}
        broken: dict[str, str] = {}
        for mode, (level, version) in policy.items():
            problems = violations(pod["spec"], level, notes, version)
            if problems:
                broken[mode] = f'PodSecurity "{level}:{version}": {problems}'
        if enforced:
            attributes.annotate(f"{PREFIX}enforce-policy", ":".join(policy["enforce"]))
        if "audit" in broken:
            attributes.annotate(f"{PREFIX}audit-violations", f"would violate {broken['audit']}")
        if enforced and "enforce" in broken:
            raise attributes.refuse(f"violates {broken['enforce']}")
        if "warn" in broken:
            attributes.warn(f"would violate {broken['warn']}")

    def _check_namespace(self, attributes: Attributes, namespace: Object) -> None:
        """Check a namespace's labels, and warn of pods that violate a stricter level."""
        name = namespace["metadata"].get("name", "")
        policy, errors = _policy(namespace["metadata"].get("labels") or {})
        if attributes.operation == "CREATE" or attributes.old is None:
            if errors:
                raise invalid("Namespace", "", name, errors)
            return
        before, old_errors = _policy(attributes.old["metadata"].get("labels") or {})
        if errors and errors != old_errors:
            raise invalid("Namespace", "", name, errors)
        (level, version), (old_level, old_version) = policy["enforce"], before["enforce"]
        relaxed = version == old_version and LEVELS.index(level) <= LEVELS.index(old_level)
        if relaxed or level == "privileged":
            return
        for text in _warnings(name, list(self._lister("pods", name)), level, version):
            attributes.warn(text)


def _unreadable(label: str, value: str, reason: str) -> dict[str, str]:
    return {
        "reason": "FieldValueInvalid",
        "message": f"Invalid value: {go_quote(value)}: {reason}",
        "field": f"metadata.labels[{PREFIX}{label}]",
    }


def _policy(labels: Object) -> tuple[Policy, list[dict[str, str]]]:
    """Read a namespace's labels: the policy, and the causes of bad labels."""
    errors: list[dict[str, str]] = []
    policy: Policy = {}
    for mode in MODES:
        level = labels.get(PREFIX + mode, "privileged")
        if level not in LEVELS:
            errors.append(_unreadable(mode, level, f"must be one of {', '.join(LEVELS)}"))
            # A level that cannot be read fails closed where it enforces, and open where it only warns.
            level = "restricted" if mode == "enforce" else "privileged"
        version = labels.get(f"{PREFIX}{mode}-version", "latest")
        if not VERSION.fullmatch(version):
            errors.append(_unreadable(f"{mode}-version", version, 'must be "latest" or "v1.x"'))
            version = "latest"
        policy[mode] = level, version
    level, version = policy["enforce"]
    if (
        PREFIX + "warn" not in labels
        and labels.get(PREFIX + "enforce") in LEVELS
        and level != "privileged"
    ):
        policy["warn"] = (
            level,
            (policy["warn"][1] if f"{PREFIX}warn-version" in labels else version),
        )
    return policy, errors


def _warnings(namespace: str, pods: list[Object], level: str, version: str) -> Iterable[str]:
    """Warn of the pods that violate a namespace's new level."""
    breaking: dict[str, list[str]] = {}
    for pod in pods[:MAX_PODS]:
        problems = found_violations(
            pod["spec"], level, pod["metadata"].get("annotations") or {}, version
        )
        if problems:
            reasons = ", ".join(reason for reason, _ in problems)
            breaking.setdefault(reasons, []).append(pod["metadata"]["name"])
    if len(pods) > MAX_PODS:
        yield f"new PodSecurity enforce level only checked against the first {MAX_PODS} of {len(pods)} existing pods"
    if breaking:
        yield f'existing pods in namespace "{namespace}" violate the new PodSecurity enforce level "{level}:{version}"'
    lines = []
    for reasons, names in breaking.items():
        others = len(names) - 1
        more = f" (and {others} other pod{'s' if others > 1 else ''})" if others else ""
        lines.append(f"{min(names)}{more}: {reasons}")
    yield from sorted(lines)


def _template(obj: Object) -> Object | None:
    """The pod template of a controller."""
    spec = obj.get("spec") or {}
    template: Object | None = (
        obj.get("template")
        or spec.get("template")
        or ((spec.get("jobTemplate") or {}).get("spec") or {}).get("template")
    )
    return template if template and "spec" in template else None


def _images(spec: Object, group: str) -> list[str]:
    return [item.get("image", "") for item in spec.get(group) or ()]


def _significant(attributes: Attributes) -> bool:
    """Return whether an update changes containers or their images."""
    if attributes.obj is None or attributes.old is None:
        return False
    new = attributes.obj["spec"]
    old = attributes.old["spec"]
    if any(
        _images(new, group) != _images(old, group) for group in ("containers", "initContainers")
    ):
        return True
    known = {
        item.get("name"): item.get("image", "") for item in old.get("ephemeralContainers") or ()
    }
    return any(
        known.get(item.get("name")) != item.get("image", "")
        for item in new.get("ephemeralContainers") or ()
    )
