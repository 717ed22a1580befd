"""The strategy of Events. Those of ``events.k8s.io`` are held to the rules of the core group alone.

Source: k8s.io/kubernetes ``pkg/registry/core/event``, ``pkg/apis/core/validation/events.go``.
"""

from typing_extensions import override

from kube_embedded.machinery.kinds import Kind
from kube_embedded.machinery.request import Object

from ..errors import FieldErrors
from ..metadata import validate_metadata
from ..names import dns_subdomain, path_segment_name
from ..strategy import Strategy

MISMATCH = "does not match event.namespace"


class EventStrategy(Strategy):
    """Events of the core group."""

    create_on_update = True
    collected = False
    full_checks = 0
    change_checks = 0
    known_finalizers = False

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
        # Events of the newer API have a time of their own, and stricter rules.
        if obj.get("eventTime"):
            if not namespace and own not in ("default", "kube-system"):
                errors.invalid("involvedObject.namespace", namespace, MISMATCH)
            errors.check_present("reportingComponent", obj.get("reportingComponent"))
        elif namespace != own and (namespace or own not in ("default", "")):
            errors.invalid("involvedObject.namespace", namespace, MISMATCH)
        errors.check_format("namespace", own, dns_subdomain)
