"""Warnings for pods with fields that are legal but deprecated or ambiguous.

Source: k8s.io/kubernetes ``pkg/api/pod/warnings.go``.
"""

from collections.abc import Iterator

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.quota.amounts import NANO, read
from kube_embedded.machinery.request import Object

from ..fields.node_selectors import node_term_warnings
from .scheduling import PREFERRED, REQUIRED
from .specs import every_container
from .volumes import DEPRECATED, source_warning

NULL_SELECTOR = "labelSelector: a null labelSelector results in matching no pod"
MAX_COMPARED = 256
"""How many files of a volume are compared, each with each: a request can name tens of thousands."""
File = tuple[str, str]
"""(its path, where it comes from; empty if all files of the volume come from there)."""


def pod_warnings(spec: Object, path: str = "") -> list[str]:
    """Return the texts for ``Warning`` headers; ``path`` is the template's field, empty for a pod."""
    field_path = f"{path}.spec" if path else "spec"
    warnings = [*_scheduling(spec, field_path), *_volumes(spec, field_path)]
    warnings += _fractions(
        spec.get("overhead"), f"{field_path}.overhead", "memory", "ephemeral-storage"
    )
    for container, where in every_container(spec, field_path):
        resources = container.get("resources") or {}
        for resource in ("memory", "ephemeral-storage"):
            for form in ("limits", "requests"):
                warnings += _fractions(resources.get(form), f"{where}.resources.{form}", resource)
        warnings += _hidden_variables(container, f"{where}.env")
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        detail = "must be >= 0; negative values are invalid and will be treated as 1"
        warnings.append(f"{field_path}.terminationGracePeriodSeconds: {detail}")
    return [*warnings, *_affinity(spec, field_path)]


def _scheduling(spec: Object, field_path: str) -> Iterator[str]:
    node = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    where = f"{field_path}.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms"
    for index, term in enumerate((node.get(REQUIRED) or {}).get("nodeSelectorTerms") or ()):
        yield from node_term_warnings(term, f"{where}[{index}]")
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        if constraint.get("labelSelector") is None:
            yield f"{field_path}.topologySpreadConstraints[{index}].{NULL_SELECTOR}"


def _volumes(spec: Object, field_path: str) -> Iterator[str]:
    volumes = spec.get("volumes") or ()
    for index, volume in enumerate(volumes):
        for field in DEPRECATED:
            if volume.get(field) is not None:
                yield f"{field_path}.volumes[{index}].{source_warning(field)}"
    for volume in volumes:
        yield from _overlapping_paths(volume)


def _fractions(amounts: Object | None, field_path: str, *names: str) -> Iterator[str]:
    """Warn of fractional bytes."""
    parsed = read(amounts)
    for name in names:
        if name in parsed and parsed[name].value % NANO:
            detail = f'fractional byte value "{parsed[name]}" is invalid, must be an integer'
            yield f"{field_path}[{name}]: {detail}"


def _hidden_variables(container: Object, field_path: str) -> Iterator[str]:
    """Warn of variables that hide earlier ones, unless they contain the earlier value."""
    seen: set[str] = set()
    for index, variable in enumerate(container.get("env") or ()):
        name = variable.get("name", "")
        value = variable.get("value", "")
        old = f"$({name})"
        extends = old in value and value != old and variable.get("valueFrom") is None
        if name in seen and not extends:
            detail = f"hides previous definition of {go_quote(name)}, which may be dropped when using apply"
            yield f"{field_path}[{index}]: {detail}"
        seen.add(name)


def _affinity(spec: Object, field_path: str) -> Iterator[str]:
    for form in ("podAffinity", "podAntiAffinity"):
        rules = (spec.get("affinity") or {}).get(form) or {}
        where = f"{field_path}.affinity.{form}"
        for index, term in enumerate(rules.get(REQUIRED) or ()):
            if term.get("labelSelector") is None:
                yield f"{where}.{REQUIRED}[{index}].{NULL_SELECTOR}"
        for index, weighted in enumerate(rules.get(PREFERRED) or ()):
            if (weighted.get("podAffinityTerm") or {}).get("labelSelector") is None:
                yield f"{where}.{PREFERRED}[{index}].podAffinityTerm.{NULL_SELECTOR}"


# pkg/api/pod/warnings.go: warningsForOverlappingVirtualPaths
SOURCE_NAMES = {
    "configMap": ("ConfigMap", "name"),
    "secret": ("Secret", "secretName"),
    "downwardAPI": ("DownwardAPI", ""),
}
"""Volume sources to their Go names, and to the field that names the object."""


def _overlapping_paths(volume: Object) -> Iterator[str]:
    """Warn of files in a volume with the same path, and of files that are directories of others."""
    start = f"volume {go_quote(volume.get('name', ''))}"
    for field, (form, named) in SOURCE_NAMES.items():
        source = volume.get(field) or {}
        origin = f"{form} {go_quote(source.get(named, ''))}" if named else form
        for overlap in _overlaps([(path, "") for path in _paths(source)]):
            yield f"{start} ({origin}): overlapping paths: {overlap}"
    files: list[File] = []
    for source in (volume.get("projected") or {}).get("sources") or ():
        if all(value is None for value in source.values()):
            yield f"{start} (Projected) has no sources provided"
        files += _files(source)
    for overlap in _overlaps(files):
        yield f"{start} (Projected): overlapping paths: {overlap}"


def _paths(source: Object) -> list[str]:
    return [item.get("path", "") for item in source.get("items") or ()]


def _files(source: Object) -> list[File]:
    """The files of the first source of a projection that names files."""
    for field, (form, named) in SOURCE_NAMES.items():
        part = source.get(field) or {}
        if part.get("items") is not None:
            origin = f"{form} {go_quote(part.get('name', ''))}" if named else form
            return [(path, origin) for path in _paths(part)]
    token = source.get("serviceAccountToken")
    return [(token.get("path", ""), "ServiceAccountToken")] if token is not None else []


def _overlaps(files: list[File]) -> Iterator[str]:
    seen: list[File] = []
    for path, origin in files[:MAX_COMPARED]:
        file = (path.rstrip("/"), origin)
        for other in seen:
            inner = f"{file[0]}/"
            outer = f"{other[0]}/"
            nested = inner.startswith(outer) or outer.startswith(inner)
            # The same path from the same source is an overlap like any other.
            if file[0] and other[0] and nested:
                yield f"{_printed(file)} with {_printed(other)}"
        seen.append(file)


def _printed(file: File) -> str:
    path, origin = file
    return f"{go_quote(path)} ({origin})" if origin else go_quote(path)
