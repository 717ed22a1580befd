"""The query parameters of list and watch, and the objects that they select.

Source: k8s.io/apimachinery ``pkg/apis/meta/internalversion/validation``;
k8s.io/apiserver ``pkg/storage/continue.go``.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import orjson

from kube_embedded.machinery.golang import json as gojson
from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.kinds import Kind
from kube_embedded.machinery.request import Object, Request
from kube_embedded.machinery.schema.decoding import cannot_unmarshal
from kube_embedded.machinery.status import ApiError, bad_request
from kube_embedded.machinery.work import charge

from ...registry.errors import FieldErrors, invalid_object
from .field_selectors import field_selector
from .label_selectors import parse_labels

EXACT, NOT_OLDER = "Exact", "NotOlderThan"
INT = re.compile(r"[+-]?[0-9]+")
UINT = re.compile(r"[0-9]+")
BASE64_URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_\r\n"
TOKEN_VERSION = "meta.k8s.io/v1"


Matches = Callable[[Object], bool]

FEW_TERMS = 8
"""A selector of so many terms costs no more than the object that it looks at."""


@dataclass(frozen=True, slots=True)
class ListOptions:
    """The options of a list or watch, selectors and versions as given.

    Args:
        limit: The most objects in a page; 0 or less for all.
        continue_token: Where the previous page ended.
        resource_version_match: ``Exact``, ``NotOlderThan`` or empty.
        timeout_seconds: When the server ends a watch; None for the server's choice.
        send_initial_events: If true, a watch begins with the existing objects; None if the caller did not set it.
    """

    label_selector: str = ""
    field_selector: str = ""
    watch: bool = False
    limit: int = 0
    continue_token: str = ""
    resource_version: str = ""
    resource_version_match: str = ""
    timeout_seconds: int | None = None
    bookmarks: bool = False
    send_initial_events: bool | None = None


EVERYTHING = ListOptions()


def parse_int(text: str) -> int:
    """Parse a 64-bit number like Go's ``strconv.ParseInt``; 400 if it is not one."""
    try:
        return _go_number("ParseInt", text, INT, -(2**63), 2**63)
    except ValueError as error:
        raise bad_request(str(error)) from error


def parse_bool(text: str) -> bool:
    """Parse a flag of a query: everything but ``false`` and ``0`` is true."""
    # Go converts query parameters so, unlike its strconv.ParseBool.
    return text not in ("false", "0")


def read_options(request: Request) -> ListOptions:
    """The options of a list, watch or deletecollection; 400 or 422."""
    query = request.query
    # A shared constant, which handlers recognize by identity.
    if not query:
        return EVERYTHING
    timeout = query.get("timeoutSeconds")
    initial = query.get("sendInitialEvents")
    return ListOptions(
        label_selector=request.param("labelSelector"),
        field_selector=request.param("fieldSelector"),
        watch="watch" in query and parse_bool(request.param("watch").lower()),
        limit=parse_int(request.param("limit")) if "limit" in query else 0,
        continue_token=request.param("continue"),
        resource_version=request.param("resourceVersion"),
        resource_version_match=request.param("resourceVersionMatch"),
        timeout_seconds=parse_int(timeout[0]) if timeout else None,
        bookmarks="allowWatchBookmarks" in query
        and parse_bool(request.param("allowWatchBookmarks")),
        send_initial_events=parse_bool(initial[0]) if initial else None,
    )


def watch_defaults(options: ListOptions) -> ListOptions:
    """Set the defaults of a watch: without a resource version it starts with all stored objects.

    Source: k8s.io/apimachinery ``pkg/apis/meta/internalversion/defaults.go``.
    """
    explicit = options.send_initial_events is not None or options.resource_version_match
    if explicit or options.resource_version not in ("", "0"):
        return options
    return replace(options, send_initial_events=True, resource_version_match=NOT_OLDER)


def check_list_options(options: ListOptions, watch: bool) -> None:
    """Refuse invalid combinations with 422."""
    errors = FieldErrors()
    match = options.resource_version_match
    initial = options.send_initial_events is not None
    where = "resourceVersionMatch"
    forbidden = f"{where} is forbidden"
    if not match and not initial:
        return
    if watch:
        if initial and match != NOT_OLDER:
            errors.forbidden(where, f"sendInitialEvents requires setting {where} to {NOT_OLDER}")
        if match and not initial:
            detail = f"{forbidden} for watch unless sendInitialEvents is provided"
            errors.forbidden(where, detail)
        errors.check_choice(where, match or None, [NOT_OLDER])
    elif match and not options.resource_version:
        errors.forbidden(where, f"{forbidden} unless resourceVersion is provided")
    if match and options.continue_token:
        errors.forbidden(where, f"{forbidden} when continue is provided")
    if not watch:
        errors.check_choice(where, match, [EXACT, NOT_OLDER, ""])
        if match == EXACT and options.resource_version == "0":
            detail = f'{where} "exact" is forbidden for resourceVersion "0"'
            errors.forbidden(where, detail)
        if initial:
            errors.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")
    if errors:
        raise invalid_object("ListOptions", "meta.k8s.io", "", errors)


def _go_number(function: str, text: str, pattern: re.Pattern[str], low: int, high: int) -> int:
    """Parse a number as Go's ``strconv`` does; ``ValueError`` has its message."""
    problem = f"strconv.{function}: parsing {go_quote(text)}"
    if not pattern.fullmatch(text):
        raise ValueError(f"{problem}: invalid syntax")
    # Python refuses to parse more than 4,300 digits.
    value = int(text) if len(text) < 64 else high
    if not low <= value < high:
        raise ValueError(f"{problem}: value out of range")
    return value


def parse_revision(text: str) -> int:
    """Parse a resource version; empty is 0.

    Raises:
        ValueError: With the message of Go's ``strconv.ParseUint``.
    """
    return _go_number("ParseUint", text, UINT, 0, 2**64) if text else 0


def stored_revision(text: str) -> int:
    """Parse a resource version; 500 if it is none, as from the real server's cache."""
    try:
        return parse_revision(text)
    except ValueError as error:  # in Go it is not one of the errors that have a code of their own
        raise ApiError(500, "", f"{_bad_revision(text)}: {error}") from error


def _bad_revision(text: str) -> str:
    return f"resourceVersion: Invalid value: {go_quote(text)}"


def reached_revision(text: str, current: int, *, retry: bool = True) -> int:
    """Parse a resource version that the server has reached; empty is 0.

    Returns 400 for text that does not parse, and 504 if the server has not reached the version: with ``retry``, the
    error has a time for the retry.
    """
    try:
        revision = parse_revision(text)
    except ValueError as error:
        problem = f"invalid resource version: {_bad_revision(text)}: {error}"
        raise bad_request(problem) from error
    if revision > current:
        raise too_large_revision(revision, current, retry=retry)
    return revision


def too_large_revision(revision: int, current: int, *, retry: bool = True) -> ApiError:
    """504: the server has not reached that resource version."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    text = f"Timeout: Too large resource version: {revision}, current: {current}"
    error = ApiError(504, "Timeout", text, {"causes": [cause]})
    return error.with_retry_after(1) if retry else error


def encode_continue(revision: int, last: str) -> str:
    """Encode the continue token for the page after the key ``last``, relative to the listed namespace."""
    token = orjson.dumps({"v": TOKEN_VERSION, "rv": revision, "start": last + "\0"})
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def decode_continue(token: str) -> tuple[int, str]:
    """Decode a continue token: the list's revision (-1 for the newest) and the key to continue after."""
    try:
        value = gojson.loads(_decode_base64(token)) or {}
        if not isinstance(value, dict):
            raise ValueError(cannot_unmarshal(value, "storage.continueToken"))
        version = value.get("v", "")
        revision = value.get("rv", 0)
        start = value.get("start", "")
        if version != TOKEN_VERSION:
            raise ValueError(f"server does not recognize this encoded version {version}")
        if not isinstance(revision, int) or revision == 0:
            raise ValueError(f"incorrect encoded start resourceVersion (version {TOKEN_VERSION})")
        if not isinstance(start, str) or not start:
            raise ValueError(f"encoded start key empty (version {TOKEN_VERSION})")
        key = start.removeprefix("/")
        # The key is joined to a path of the storage, which it must not leave.
        if any(step in ("", ".", "..") for step in key.split("/")):
            raise ValueError(start)
    except ValueError as error:
        text = f"invalid continue token: continue key is not valid: {error}"
        raise bad_request(text) from error
    return revision, key.rstrip("\0")


def _decode_base64(token: str) -> bytes:
    """Decode base 64 without padding; ``ValueError`` names the byte as Go does."""
    letters = token.replace("\n", "").replace("\r", "")
    bad = next((index for index, letter in enumerate(token) if letter not in BASE64_URL), None)
    if bad is None and len(letters) % 4 == 1:
        bad = len(token) - 1
    if bad is not None:
        raise ValueError(f"illegal base64 data at input byte {bad}")
    return base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))


def selection(kind: Kind, options: ListOptions) -> Matches | None:
    """The predicate of the label and field selectors together, None for everything; 400 if one is invalid."""
    labels = parse_labels(options.label_selector)
    fields = field_selector(kind, options.field_selector)
    by_label = labels.matches
    by_field = fields.matches
    terms = len(labels.requirements) + len(fields.terms)

    def matches(obj: Object) -> bool:
        return by_label(obj["metadata"].get("labels") or {})

    def charged(obj: Object) -> bool:
        charge(terms)
        return by_field(obj) and matches(obj)

    # Without a charge, a selector of thousands of terms would be free for each of thousands of objects.
    if terms > FEW_TERMS:
        return charged
    if not labels:
        return by_field if fields else None
    return (lambda obj: by_field(obj) and matches(obj)) if fields else matches
