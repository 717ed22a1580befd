"""Admission of writes: mutating plugins before an object is validated, validating plugins after.

Source: k8s.io/apiserver ``pkg/endpoints/handlers``, ``pkg/registry/rest`` (``AdmissionToValidate…Func``).
"""

from ...machinery.kinds import Kind
from ...machinery.request import Object, Request
from ..admission.attributes import Attributes, Chain
from ..registry.registry import Check


class Admission:
    """Runs the plugins, if there are any, on the object that a request writes."""

    def __init__(self, chain: Chain | None = None) -> None:
        self._chain = chain or Chain()

    def admit(
        self,
        request: Request,
        kind: Kind,
        operation: str,
        new: Object | None,
        old: Object | None,
        dry_run: bool,
    ) -> None:
        """Run mutating admission; an ``ApiError`` if a plugin refuses.

        The new object is changed in place. It is None for a deletion, and the old one for a creation.
        """
        self._chain.admit(_attributes(request, kind, operation, new, old, dry_run))

    def check(self, request: Request, kind: Kind, operation: str, dry_run: bool) -> Check:
        """Make the check that the registry calls with the final object: validating admission.

        A deletion has no mutating admission before; it is run here.
        """

        def check(new: Object | None, old: Object | None) -> None:
            attributes = _attributes(request, kind, operation, new, old, dry_run)
            # A deletion sends no object, so nothing is left to mutate between the two phases.
            if operation == "DELETE":
                self._chain.admit(attributes)
            self._chain.validate(attributes)

        return check


def _attributes(
    request: Request,
    kind: Kind,
    operation: str,
    new: Object | None,
    old: Object | None,
    dry_run: bool,
) -> Attributes:
    info = request.info
    # A POST to a collection has the name in its body only, or none yet if it is generated.
    some = new if new is not None else old
    name = info.name or (some["metadata"].get("name", "") if some is not None else "")
    return Attributes(
        operation,
        kind.group,
        kind.kind,
        kind.plural,
        info.subresource,
        info.namespace if kind.namespaced else "",
        name,
        new,
        old,
        request.user,
        dry_run,
        request.annotate,
        request.warnings.append,
    )
