"""The rules of custom kinds, one strategy for each version of one.

Source: k8s.io/apiextensions-apiserver ``pkg/registry/customresource``.
"""

import copy
from typing import Any

from typing_extensions import override

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.kinds import CustomKind, Kind
from kube_embedded.machinery.request import Object
from kube_embedded.machinery.status import forbidden

from ..errors import FieldErrors
from ..managed.typed import go_text
from ..metadata import FOREGROUND, ORPHAN
from ..names import qualified_name
from ..strategy import Strategy, StrategyContext, common_update_errors
from .kinds import holds
from .structural import check_lists
from .values import ABSENT, check_value

STANDARD_FINALIZERS = (ORPHAN, FOREGROUND, "kubernetes")
PREFER = "prefer a domain-qualified finalizer name"
CONFLICTS = "to avoid accidental conflicts with other finalizer writers"
MAX_REPLICAS = 2**31 - 1


class CustomStrategy(Strategy):
    """The rules of one version of a custom kind."""

    unconditional_update = False
    known_finalizers = False

    def __init__(self, kind: CustomKind) -> None:
        self._kind = kind
        self._scale: Object | None = (kind.version_spec.get("subresources") or {}).get("scale")
        self._status = "status" in kind.subresources

    @override
    def prepare_create(self, context: StrategyContext, obj: Object) -> None:
        # Its controller deletes the objects, and would never end if new ones came.
        if holds(self._kind.definition, "Terminating"):
            detail = "create not allowed while custom resource definition is terminating"
            raise forbidden(
                self._kind.plural, self._kind.group, obj["metadata"].get("name", ""), detail
            )
        if self._status:
            obj.pop("status", None)
        obj["metadata"]["generation"] = 1

    @override
    def prepare_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        if self._status and "status" in old:
            new["status"] = copy.deepcopy(old["status"])
        elif self._status:
            new.pop("status", None)
        generation = old["metadata"].get("generation", 1)
        if {**new, "metadata": None} != {**old, "metadata": None}:
            generation += 1
        new["metadata"]["generation"] = generation

    @override
    def prepare_status_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        status = {"status": new["status"]} if "status" in new else {}
        managed = new["metadata"].get("managedFields")
        new.clear()
        new.update(copy.deepcopy(dict(old)))
        new.pop("status", None)
        new.update(status)
        new["metadata"].pop("managedFields", None)
        if managed:
            new["metadata"]["managedFields"] = managed

    @override
    def validate(self, kind: Kind, obj: Object) -> FieldErrors:
        errors = self._type_errors(obj)
        if not errors:
            self._check_metadata(kind, obj["metadata"], errors)
            self._check_object(obj, ABSENT, errors)
            check_lists(obj, self._kind.schema, errors)
        return errors

    @override
    def validate_update(self, kind: Kind, new: Object, old: Object) -> FieldErrors:
        errors = self._type_errors(new)
        if not errors:
            errors = common_update_errors(kind, new, old, known_finalizers=False)
            self._check_object(new, dict(old), errors)
            self._check_changed_lists(new, old, errors)
        return errors

    @override
    def validate_status_update(self, kind: Kind, new: Object, old: Object) -> FieldErrors:
        errors = self._type_errors(new)
        if errors:
            return errors
        errors = common_update_errors(kind, new, old, known_finalizers=False)
        # The spec can break a rule that is newer than the object, and a controller must still report a status.
        schema = (self._kind.schema.get("properties") or {}).get("status")
        if "status" in new:
            check_value(schema, new["status"], errors, "status", old.get("status", ABSENT))
        self._check_scale_status(new, errors)
        self._check_changed_lists(new, old, errors)
        return errors

    def _check_object(self, obj: Object, old: Any, errors: FieldErrors) -> None:
        check_value(self._kind.schema, obj, errors, old=old)
        if self._scale is not None:
            self._check_count(obj, self._scale["specReplicasPath"], errors)
        self._check_scale_status(obj, errors)

    def _check_changed_lists(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """Check lists of the types ``set`` and ``map``, unless those of the old object break the rule too."""
        before = FieldErrors()
        check_lists(dict(old), self._kind.schema, before)
        if not before:
            check_lists(dict(new), self._kind.schema, errors)

    def _type_errors(self, obj: Object) -> FieldErrors:
        errors = FieldErrors()
        for name, expected in (("kind", self._kind.kind), ("apiVersion", self._kind.group_version)):
            if obj.get(name) != expected:
                errors.invalid(name, obj.get(name, ""), f"must be {expected}")
        return errors

    def _check_scale_status(self, obj: Object, errors: FieldErrors) -> None:
        if self._scale is None:
            return
        self._check_count(obj, self._scale["statusReplicasPath"], errors)
        path = self._scale.get("labelSelectorPath")
        if path:
            value, problem = nested(obj, path, str)
            errors.check_problem(path, "" if problem else value, problem)

    def _check_count(self, obj: Object, path: str, errors: FieldErrors) -> None:
        count, problem = nested(obj, path, int)
        if problem:
            errors.invalid(path, 0, problem)
        elif count is not None and count < 0:
            errors.invalid(path, count, "should be a non-negative integer")
        elif count is not None and count > MAX_REPLICAS:
            errors.invalid(path, count, f"should be less than or equal to {MAX_REPLICAS}")

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        before = (old or {"metadata": {}})["metadata"].get("finalizers", ())
        warnings: list[str] = []
        for name in sorted(set(obj["metadata"].get("finalizers", ())).difference(before)):
            start = f"metadata.finalizers: {go_quote(name)}"
            warnings += [f"{start}: {message}" for message in qualified_name(name)]
            if "/" not in name and name not in STANDARD_FINALIZERS:
                path = " including a path (/)" if "." in name else ""
                warnings.append(f"{start}: {PREFER}{path} {CONFLICTS}")
        return warnings


GO_TYPES: dict[type, str] = {
    bool: "bool",
    int: "int64",
    float: "float64",
    str: "string",
    type(None): "<nil>",
    dict: "map[string]interface {}",
    list: "[]interface {}",
}


def nested(obj: Object, path: str, type_: type) -> tuple[Any, str]:
    """Return the value at a dotted path (None if it is missing), and the problem with it.

    Source: k8s.io/apimachinery ``pkg/apis/meta/v1/unstructured/helpers.go``.
    """
    value: Any = obj
    reached = ""
    for step in path.removeprefix(".").split("."):
        reached += f".{step}"
        if value is None:
            return None, ""
        if not isinstance(value, dict):
            return None, _wrong_type(reached, value, "map[string]interface{}")
        if step not in value:
            return None, ""
        value = value[step]
    # Not isinstance, because a boolean is not a number in Go.
    if type(value) is not type_:
        return None, _wrong_type(reached, value, GO_TYPES[type_])
    return value, ""


def _wrong_type(path: str, value: Any, wanted: str) -> str:
    actual = f"{go_text(value)} is of the type {GO_TYPES[type(value)]}"
    return f"{path} accessor error: {actual}, expected {wanted}"
