"""Rules for environment variables, and for references to fields, resources and keys."""

from typing import Any

from kube_embedded.machinery.request import Object
from kube_embedded.machinery.schema.values import amount

from ...errors import FieldErrors
from ...names import config_key, dns_label, dns_subdomain, env_name, qualified_name, subdomain_name
from ..fields.paths import check_no_backsteps
from ..fields.rules import (
    Rule,
    each,
    every,
    fields,
    if_set,
    matches,
    optional,
    present,
    required,
    zero,
)

# pkg/apis/core/validation/validation.go: validEnvDownwardAPIFieldPathExpressions and the two lists below it
ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
SUBSCRIPTED = ("metadata.annotations", "metadata.labels")
VOLUME_FIELDS = (*SUBSCRIPTED, "metadata.name", "metadata.namespace", "metadata.uid")
RESOURCES = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
# pkg/apis/core/v1/conversion.go: the labels that a field path may name, whether or not it is then allowed
CONVERTED = (*ENV_FIELDS, *SUBSCRIPTED, "spec.restartPolicy", "spec.schedulerName", "status.phase")
CPU_DIVISORS = ("1m", "1")
BYTE_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
DIVIDED = {
    "cpu": "cpu",
    "memory": "memory",
    "ephemeral-storage": "local ephemeral storage",
    "hugepages": "hugepages",
}
"""Resources to the words for them in messages about divisors."""


def field_ref(*allowed: str) -> Rule:
    """Make the rule for a reference to a field of the pod (``validateObjectFieldSelector``)."""

    def check(reference: Any, path: str, errors: FieldErrors) -> None:
        for name in ("apiVersion", "fieldPath"):
            if not reference.get(name):
                errors.required(f"{path}.{name}")
                return
        version = reference["apiVersion"]
        field = reference["fieldPath"]
        known = "spec.nodeName" if field == "spec.host" else field
        base, bracket, key = field.removesuffix("']").partition("['")
        problem = ""
        if version != "v1":
            problem = f"unsupported pod version: {version}"
        elif field.endswith("']") and bracket and base:
            if base in SUBSCRIPTED:
                key = key if base == "metadata.labels" else key.lower()
                errors.check_format(path, key, qualified_name)
            else:
                problem = f"field label does not support subscript: {field}"
        elif known not in CONVERTED:
            problem = f"field label not supported: {field}"
        elif known not in allowed:
            errors.not_supported(f"{path}.fieldPath", known, sorted(allowed))
        if problem:
            errors.invalid(f"{path}.fieldPath", field, f"error converting fieldPath: {problem}")

    return optional(check)


def resource_ref(*, volume: bool) -> Rule:
    """Make the rule for a reference to a container's resource (``validateContainerResourceFieldSelector``).

    In a ``volume`` it has to name the container.
    """

    def check(reference: Any, path: str, errors: FieldErrors) -> None:
        resource = reference.get("resource", "")
        form, _, name = resource.partition(".")
        bounded = form in ("limits", "requests")
        kind = "hugepages" if name.startswith("hugepages-") else name
        if volume and not reference.get("containerName"):
            errors.required(f"{path}.containerName")
        elif not resource:
            errors.required(f"{path}.resource")
        elif resource not in RESOURCES and not (bounded and kind == "hugepages"):
            errors.not_supported(f"{path}.resource", resource, RESOURCES)
        divisor = reference.get("divisor") or "0"
        divisors = CPU_DIVISORS if kind == "cpu" else BYTE_DIVISORS
        if bounded and kind in DIVIDED and amount(divisor) and divisor not in divisors:
            printed = (" and " if kind == "cpu" else ", ").join(divisors)
            detail = (
                f"only divisor's values {printed} are supported with the {DIVIDED[kind]} resource"
            )
            errors.invalid(f"{path}.divisor", resource, detail)

    return optional(check)


# pkg/apis/core/validation/validation.go: validateEnvVarValueFrom
KEY = fields(name=zero("", matches(dns_subdomain)), key=required(config_key))
SOURCES = {
    "fieldRef": field_ref(*ENV_FIELDS),
    "resourceFieldRef": resource_ref(volume=False),
    "configMapKeyRef": KEY,
    "secretKeyRef": KEY,
    "fileKeyRef": fields(
        key=required(env_name),
        volumeName=required(dns_label),
        path=every(present, check_no_backsteps),
    ),
}
ONE_OF = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
TOO_MANY = "may not have more than one field specified at a time"


def _check_sources(variable: Any, path: str, errors: FieldErrors) -> None:
    source = variable.get("valueFrom")
    if source is None:
        return
    count = sum(source.get(field) is not None for field in SOURCES)
    detail = ""
    if not count:
        detail = ONE_OF
    elif variable.get("value"):
        detail = "may not be specified when `value` is not empty"
    elif count > 1:
        detail = TOO_MANY
    if detail:
        errors.invalid(f"{path}.valueFrom", "", detail)


VARIABLES = each(
    every(fields(name=required(env_name), valueFrom=fields(**SOURCES)), _check_sources)
)

# pkg/apis/core/validation/validation.go: ValidateEnvFrom
NAMED = fields(name=required(lambda name: subdomain_name(name, prefix=True)))
WHOLE = fields(prefix=if_set(env_name), configMapRef=NAMED, secretRef=NAMED)


def check_env_from(sources: Any, path: str, errors: FieldErrors) -> None:
    """Check the ``envFrom`` of a container."""
    for index, source in enumerate(sources or ()):
        WHOLE(source, f"{path}[{index}]", errors)
        # These causes name the list, not its item.
        if source.get("configMapRef") is not None and source.get("secretRef") is not None:
            errors.invalid(path, "", TOO_MANY)
        elif source.get("configMapRef") is None and source.get("secretRef") is None:
            errors.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")


def file_volumes(volumes: list[Object]) -> Rule:
    """Make the rule for a container whose variables from files need emptyDir volumes of the pod."""
    sources = {volume.get("name", ""): volume for volume in volumes}

    def check(name: Any, path: str, errors: FieldErrors) -> None:
        if name not in sources:
            errors.not_found(path, name)
        elif sources[name].get("emptyDir") is None:
            errors.invalid(path, name, "referenced volume must be of type emptyDir")

    return fields(env=each(fields(valueFrom=fields(fileKeyRef=fields(volumeName=zero("", check))))))
