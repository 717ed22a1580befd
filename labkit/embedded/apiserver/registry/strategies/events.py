"""The strategies of Events, which ``events.k8s.io`` validates more strictly than the core group.

Source: k8s.io/kubernetes ``pkg/registry/core/event``, ``pkg/apis/core/validation/events.go``.
"""

from __future__ import annotations

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.metadata import (
    validate_known_finalizers,
    validate_metadata,
    validate_metadata_update,
)
from labkit.embedded.apiserver.registry.names import dns_subdomain, path_segment_name, qualified_name, subdomain_name
from labkit.embedded.apiserver.registry.strategies.fields.struct_diff import internal
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema import schemas

SHORT, LONG = 128, 1024
MISMATCH = "does not match event.namespace"
FIXED = (
    *("involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "reason", "type"),
    *("eventTime", "action", "related", "reportingComponent", "reportingInstance"),
)
"""Fields that may not change through ``events.k8s.io``."""
CALLED = {"reportingComponent": "reportingController"}
"""What messages call a field, where it is not its name."""
STRUCTS = {
    "involvedObject": "core.v1.ObjectReference",
    "related": "core.v1.ObjectReference",
    "source": "core.v1.EventSource",
}
"""Fields that messages show as Go structs."""
TEXTS = frozenset(("reason", "message", "type", "action", "reportingComponent", "reportingInstance"))


class EventStrategy(Strategy):
    """Events of the core group."""

    controller_name = "reportingComponent"

    @override
    def validate(self, kind: Kind, obj: Object) -> FieldErrors:
        """Check the metadata last, and the name only as a path segment."""
        errors = FieldErrors()
        self.check(obj, errors)
        if not errors:
            validate_metadata(obj["metadata"], kind.namespaced, path_segment_name, errors)
        return errors

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        namespace = (obj.get("involvedObject") or {}).get("namespace", "")
        own = obj["metadata"].get("namespace", "")
        if obj.get("eventTime"):
            if not namespace and own not in ("default", "kube-system"):
                errors.invalid("involvedObject.namespace", namespace, MISMATCH)
            self._check_new(obj, errors)
        elif namespace != own and (namespace or own not in ("default", "")):
            errors.invalid("involvedObject.namespace", namespace, MISMATCH)
        errors.check_format("namespace", own, dns_subdomain)

    def _check_new(self, obj: Object, errors: FieldErrors) -> None:
        controller = obj.get("reportingComponent", "")
        errors.check_present(self.controller_name, controller)
        errors.check_format(self.controller_name, controller, qualified_name)
        for field, limit in (("reportingInstance", SHORT), ("action", SHORT), ("reason", SHORT), ("message", LONG)):
            text = obj.get(field, "")
            if not text and field != "message":
                errors.required(field)
            if len(text.encode()) > limit:
                errors.invalid(field, "", f"can have at most {limit} characters")


class StrictEventStrategy(EventStrategy):
    """Events of ``events.k8s.io``, seen in the stored version like all objects."""

    controller_name = "reportingController"

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        super().check(obj, errors)
        metadata = obj["metadata"]
        validate_metadata(metadata, True, subdomain_name, errors)
        validate_known_finalizers(metadata.get("finalizers"), "metadata.finalizers", errors)
        self._check_series(obj, errors)
        errors.check_present("eventTime", obj.get("eventTime"))
        kind = obj.get("type", "")
        if kind not in ("Normal", "Warning"):
            errors.invalid("type", "", f"has invalid value: {kind}")
        for field in ("firstTimestamp", "lastTimestamp", "count", "source"):
            if obj.get(field):
                errors.invalid(field, "", "needs to be unset")

    @override
    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        super().check(new, errors)
        validate_metadata_update(new["metadata"], old["metadata"], errors)
        if new.get("series") != old.get("series"):
            self._check_series(new, errors)
        for field in FIXED:
            value, before = new.get(field), old.get(field)
            if value != before:
                struct = STRUCTS.get(field)
                shown = internal(schemas()[struct], value) if struct and value is not None else value
                text = shown is None and field in TEXTS
                errors.invalid(CALLED.get(field, field), "" if text else shown, "field is immutable")

    def _check_series(self, obj: Object, errors: FieldErrors) -> None:
        series = obj.get("series")
        if series is None:
            return
        if series.get("count", 0) < 2:
            errors.invalid("series.count", "", "should be at least 2")
        errors.check_present("series.lastObservedTime", series.get("lastObservedTime"))
