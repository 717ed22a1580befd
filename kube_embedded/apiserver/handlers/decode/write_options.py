"""The options of writes and deletions, from query parameters or a body.

Source: k8s.io/apimachinery ``pkg/apis/meta/v1/validation``.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.request import Object, Request
from kube_embedded.machinery.schema import schemas
from kube_embedded.machinery.status import ApiError, bad_request

from ...registry.errors import FieldErrors, invalid_object
from ...registry.strategy import DeleteOptions
from .bodies import content_type, decode_body
from .list_options import parse_bool, parse_int

META = "meta.k8s.io"
MANAGER_LIMIT = 128
VALIDATION_MODES = ("", "Ignore", "Strict", "Warn")
OPTIONS = (
    "CreateOptions", "UpdateOptions", "Status", "APIVersions", "APIGroupList", "APIGroup", "APIResourceList",
)  # fmt: skip
"""Kinds that are known in any version."""
META_KINDS = (
    "ListOptions", "GetOptions", "PatchOptions", "WatchEvent", "Table", "TableOptions", "PartialObjectMetadata",
    "PartialObjectMetadataList",
)  # fmt: skip
OPTIONS_SCHEME = (
    'in scheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"'
)
PROPAGATION = ("Foreground", "Background", "Orphan")
QUERY: dict[str, Callable[[str], Any]] = {
    "gracePeriodSeconds": parse_int,
    "propagationPolicy": str,
    "orphanDependents": parse_bool,
}
"""The query parameters that are fields of DeleteOptions, and how they are read."""


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """The options of a create, update or patch.

    The manager is the parameter, or the first part of the user agent; with ``force``, fields of other managers are
    taken over.
    """

    dry_run: bool
    manager: str
    force: bool = False


def write_options(request: Request, kind: str, *, apply: bool = False) -> WriteOptions:
    """Parse and validate the parameters of a write; 422 if they are invalid.

    ``kind`` (``CreateOptions``, ``UpdateOptions`` or ``PatchOptions``) is named in errors.
    """
    query = request.query
    if not query and not apply:
        return WriteOptions(False, user_agent_manager(request))
    errors = FieldErrors()
    manager = request.param("fieldManager")
    force = "force" in query and parse_bool(request.param("force"))
    if apply and not manager:
        errors.required("fieldManager", "is required for apply patch")
    if kind == "PatchOptions" and not apply and "force" in query:
        errors.forbidden("force", "may not be specified for non-apply patch")
    errors.check_length("fieldManager", manager, MANAGER_LIMIT)
    for index, char in enumerate(manager):
        if not char.isprintable():
            detail = f"invalid character U+{ord(char):04X} (at position {index})"
            errors.invalid("fieldManager", manager, detail)
    dry_run = list(query.get("dryRun", ()))
    _check_dry_run(dry_run, errors)
    errors.check_choice("fieldValidation", request.param("fieldValidation"), VALIDATION_MODES)
    if errors:
        raise invalid_object(kind, META, "", errors)
    # Go's conversion of queries treats a single empty value as a missing one.
    return WriteOptions(dry_run not in ([], [""]), manager or user_agent_manager(request), force)


def _check_dry_run(values: list[str], errors: FieldErrors) -> None:
    if any(value != "All" for value in values):
        errors.not_supported("dryRun", values, ["All"])


def user_agent_manager(request: Request) -> str:
    """The printable characters of the user agent before its first slash."""
    agent = request.headers.get("user-agent", "").partition("/")[0]
    # Nearly every user agent; the loop below is for the others.
    if agent.isascii() and agent.isprintable():
        return agent[:MANAGER_LIMIT]
    manager = ""
    for char in agent:
        if unicodedata.category(char)[0] in "LMNPS" or char == " ":
            if len((manager + char).encode()) > MANAGER_LIMIT:
                break
            manager += char
    return manager


def delete_options(request: Request) -> DeleteOptions:
    """Parse and validate the options of a deletion, from the body or else the query; 400, 415 or 422."""
    sent = _body_options(request) if request.body else _query_options(request)
    return checked_delete_options(sent)


def checked_delete_options(sent: Object) -> DeleteOptions:
    """Validate a DeleteOptions document; 422 if it is invalid."""
    errors = FieldErrors()
    propagation = sent.get("propagationPolicy")
    orphan = sent.get("orphanDependents")
    if orphan is not None and propagation is not None:
        detail = "orphanDependents and deletionPropagation cannot be both set"
        errors.invalid("propagationPolicy", propagation, detail)
    if propagation is not None and propagation not in PROPAGATION:
        errors.not_supported("propagationPolicy", propagation, [*PROPAGATION, "nil"])
    _check_dry_run(sent.get("dryRun") or [], errors)
    if errors:
        raise invalid_object("DeleteOptions", META, "", errors)
    # The older field is a boolean, from the time before foreground deletion.
    if orphan is not None:
        propagation = "Orphan" if orphan else "Background"
    preconditions = sent.get("preconditions") or {}
    return DeleteOptions(
        sent.get("gracePeriodSeconds"),
        propagation or "",
        preconditions.get("uid"),
        preconditions.get("resourceVersion"),
        bool(sent.get("dryRun")),
    )


def _body_options(request: Request) -> Object:
    struct = schemas()["meta.v1.DeleteOptions"]
    gvk = ("", "v1", "DeleteOptions")
    media_type = content_type(request)
    try:
        return decode_body(media_type, request.body, struct, gvk, None, check=_check_options)
    except ApiError as error:
        if error.code == 415:
            raise
        # This handler reads the body itself, and so the real server's errors lack the usual frame.
        text = error.message
        for marker in (
            "(must be of type DeleteOptions): ",
            "cannot be handled as a DeleteOptions: ",
        ):
            head, separator, tail = text.partition(marker)
            text = tail if separator else head
        framed = text.endswith(")") and ("parse error" in text or "protobuf message" in text)
        raise bad_request(text.rpartition(" (")[0] if framed else text) from error


def _check_options(actual: tuple[str, str, str], expected: tuple[str, str, str]) -> None:
    """Accept the DeleteOptions of any group; refuse other kinds."""
    group, version, kind = actual
    api_version = f"{group}/{version}" if group else version
    if kind == expected[2]:
        return
    if kind in OPTIONS or (kind in META_KINDS and api_version == f"{META}/v1"):
        raise bad_request(f"converting (v1.{kind}) to (v1.{expected[2]}): unknown conversion")
    raise bad_request(
        f"no kind {go_quote(kind)} is registered for version {go_quote(api_version)} {OPTIONS_SCHEME}"
    )


def _query_options(request: Request) -> Object:
    sent: Object = {
        name: parse(request.param(name)) for name, parse in QUERY.items() if name in request.query
    }
    if "dryRun" in request.query:
        sent["dryRun"] = list(request.query["dryRun"])
    sent["preconditions"] = {
        name: request.param(name) for name in ("uid", "resourceVersion") if request.param(name)
    }
    return sent
