"""Validation of environment variables.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidateEnv``, ``ValidateEnvFrom``).
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_label, env_name, subdomain_name
from labkit.embedded.apiserver.registry.strategies.fields.paths import check_no_backsteps
from labkit.embedded.apiserver.registry.strategies.pods import references
from labkit.embedded.apiserver.registry.strategies.pods.windows_options import every_container
from labkit.embedded.machinery.request import Object

SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
ONE_OF = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
TOO_MANY = "may not have more than one field specified at a time"


def check_environment(container: Object, path: str, errors: FieldErrors) -> None:
    """Check the environment of a container."""
    for index, variable in enumerate(container.get("env") or ()):
        _check_variable(variable, f"{path}.env[{index}]", errors)
    for index, source in enumerate(container.get("envFrom") or ()):
        _check_whole(source, f"{path}.envFrom", index, errors)


def _check_variable(variable: Object, path: str, errors: FieldErrors) -> None:
    errors.check_required(f"{path}.name", variable.get("name", ""), env_name)
    source = variable.get("valueFrom")
    if source is None:
        return
    place = f"{path}.valueFrom"
    given = [field for field in SOURCES if source.get(field) is not None]
    for field in given:
        _check_source(field, source[field], f"{place}.{field}", errors)
    if not given:
        errors.invalid(place, "", ONE_OF)
    elif variable.get("value"):
        errors.invalid(place, "", "may not be specified when `value` is not empty")
    elif len(given) > 1:
        errors.invalid(place, "", TOO_MANY)


def _check_source(field: str, reference: Object, path: str, errors: FieldErrors) -> None:
    if field == "fieldRef":
        references.check_field_ref(reference, references.FIELD_PATHS, path, errors)
    elif field == "resourceFieldRef":
        references.check_resource_ref(reference, path, errors, volume=False)
    elif field == "fileKeyRef":
        _check_file(reference, path, errors)
    else:
        references.check_key_ref(reference, path, errors)


def _check_file(reference: Object, path: str, errors: FieldErrors) -> None:
    """Check a key of a file in a volume."""
    for field, rule in (("key", env_name), ("volumeName", dns_label)):
        errors.check_required(f"{path}.{field}", reference.get(field, ""), rule)
    errors.check_present(f"{path}.path", reference.get("path"))
    check_no_backsteps(reference.get("path", ""), f"{path}.path", errors)


def _check_whole(source: Object, path: str, index: int, errors: FieldErrors) -> None:
    """Check an ``envFrom`` source; some causes name the list."""
    errors.check_if_given(f"{path}[{index}].prefix", source.get("prefix", ""), env_name)
    given = [field for field in ("configMapRef", "secretRef") if source.get(field) is not None]
    for field in given:
        name, place = source[field].get("name", ""), f"{path}[{index}].{field}.name"
        errors.check_required(place, name, lambda name: subdomain_name(name, prefix=True))
    if not given:
        errors.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")
    elif len(given) > 1:
        errors.invalid(path, "", TOO_MANY)


def check_file_volumes(spec: Object, path: str, errors: FieldErrors) -> None:
    """Check that variables from files refer to emptyDir volumes of the pod."""
    volumes = {volume.get("name", ""): volume for volume in spec.get("volumes") or ()}
    for container, where in every_container(spec, path):
        for number, variable in enumerate(container.get("env") or ()):
            reference = (variable.get("valueFrom") or {}).get("fileKeyRef")
            if reference is None:
                continue
            place, name = (
                f"{where}.env[{number}].valueFrom.fileKeyRef.volumeName",
                reference.get("volumeName", ""),
            )
            if name not in volumes:
                errors.not_found(place, name)
            elif volumes[name].get("emptyDir") is None:
                errors.invalid(place, name, "referenced volume must be of type emptyDir")
