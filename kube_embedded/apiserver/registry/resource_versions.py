"""Optimistic locking: resourceVersions, uids, and writes that change nothing.

Source: k8s.io/apiserver ``pkg/registry/generic/registry/store.go``, ``pkg/storage``.
"""

from ...machinery.golang.quote import go_quote
from ...machinery.kinds import Kind
from ...machinery.request import Object
from ...machinery.status import ApiError, conflict
from .errors import FieldErrors, invalid_object
from .strategy import Strategy

MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)
STORAGE_PLACES = {
    "apiservices": "apiregistration.k8s.io/apiservices",
    "endpoints": "services/endpoints",
    "ingresses": "ingress",
    "nodes": "minions",
    "replicationcontrollers": "controllers",
    "services": "services/specs",
}
"""Where the real server's storage keeps a resource, if not under its own name."""


def parsed_revision(text: str) -> int | None:
    """Parse a resourceVersion; None if it is not a number."""
    good = text.isascii() and text.isdigit() and len(text) <= 20 and int(text) < 2**64
    return int(text) if good else None


def check_version(kind: Kind, strategy: Strategy, new: Object, old: Object) -> None:
    """Refuse a write to another state of the object; without a resourceVersion, take the stored one."""
    sent = new["metadata"].get("resourceVersion", "")
    current = old["metadata"]["resourceVersion"]
    name = old["metadata"]["name"]
    if sent in ("", "0"):
        if not strategy.unconditional_update:
            errors = FieldErrors()
            errors.invalid("metadata.resourceVersion", 0, "must be specified for an update")
            raise invalid_object(kind.plural, kind.group, name, errors)
        new["metadata"]["resourceVersion"] = current
    elif parsed_revision(sent) is None:
        detail = "value out of range" if sent.isascii() and sent.isdigit() else "invalid syntax"
        raise ApiError(500, "", f"strconv.ParseUint: parsing {go_quote(sent)}: {detail}")
    elif sent != current:
        raise conflict(kind.plural, kind.group, name, MODIFIED)


def same(new: Object, old: Object) -> bool:
    """Return whether a write would change nothing but the times in ``managedFields``."""
    if new == old:
        return True
    # kubectl apply in a loop would otherwise write an object each time.
    before = old["metadata"]
    after = new["metadata"]
    if "managedFields" not in after or "managedFields" not in before:
        return False
    stripped = {**after, "managedFields": _timeless(after["managedFields"])}
    if stripped != {**before, "managedFields": _timeless(before["managedFields"])}:
        return False
    return {**new, "metadata": None} == {**old, "metadata": None}


def _timeless(entries: list[Object]) -> list[Object]:
    return [{name: value for name, value in entry.items() if name != "time"} for entry in entries]


def wrong_uid(
    kind: Kind, namespace: str, name: str, expected: str, actual: str, dry_run: bool = False
) -> ApiError:
    """Return a 409 for an object of another uid."""
    directory = STORAGE_PLACES.get(kind.plural, kind.plural)
    key = "".join(
        f"/{part}" for part in ("" if dry_run else "registry", directory, namespace, name) if part
    )
    return conflict(
        kind.plural,
        kind.group,
        name,
        f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: "
        f"Precondition failed: UID in precondition: {expected}, UID in object meta: {actual}",
    )
