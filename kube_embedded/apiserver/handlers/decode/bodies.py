"""From a request's body to an object: JSON, YAML or protobuf, checked against the schema.

Source: k8s.io/apiserver ``pkg/endpoints/handlers/{create,rest,negotiation}``; the serializers of
k8s.io/apimachinery; ``pkg/apis/meta/v1/unstructured`` of it for custom objects.
"""

import re
from collections.abc import Callable
from typing import Any

from kube_embedded.machinery import libraries
from kube_embedded.machinery.beside import apart
from kube_embedded.machinery.golang import json as gojson
from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.kinds import BY_KIND, KINDS, CustomKind, Kind
from kube_embedded.machinery.request import Object, Request
from kube_embedded.machinery.schema import Struct, schemas
from kube_embedded.machinery.schema.decoding import DecodeProblem, Decoder, cannot_unmarshal
from kube_embedded.machinery.status import ApiError, bad_request

from ...registry.custom.decoding import decode_custom
from . import older_versions
from .older_versions import EVERYWHERE, UNVERSIONED, is_older, is_registered

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
MEDIA_TYPES = (JSON, YAML, PROTOBUF)
TYPE_META = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
SCHEMES = {
    "apiextensions.k8s.io": "k8s.io/apiextensions-apiserver/pkg/apiserver/apiserver.go:55",
    "apiregistration.k8s.io": "k8s.io/kube-aggregator/pkg/apiserver/scheme/scheme.go:28",
}
"""Groups whose kinds are registered elsewhere than in ``SCHEME``."""
SCHEME = "pkg/api/legacyscheme/scheme.go:30"
NO_PROTOBUF = (
    "object *unstructured.Unstructured does not implement the protobuf marshalling interface"
)
INTERNAL_PACKAGES = {"": "core", "events.k8s.io": "core"}
"""The Go packages of groups that are not called as the group begins."""

PARAMETERS = re.compile(
    r'[\s;]*(?:[\w!#$%&\'*+.^`|~-]+=(?:[\w!#$%&\'*+.^`|~-]+|"(?:[^"\\]|\\.)*")\s*(?:;\s*|$))*'
)
"""Parameters of a media type, such as ``charset=utf-8``."""


def content_type(request: Request) -> str:
    """The media type of the body, JSON if the header is missing; 415 for an unknown one."""
    # curl sends application/x-www-form-urlencoded unless told otherwise, which is refused here.
    named, _, parameters = request.headers.get("content-type", "").partition(";")
    named = named.strip().lower()
    if not named:
        return JSON
    if named not in MEDIA_TYPES or not PARAMETERS.fullmatch(parameters):
        raise unsupported_media_type()
    if named == PROTOBUF and not libraries.PROTOBUF:
        raise _unreadable("protobuf")
    return named


def unsupported_media_type(accepted: tuple[str, ...] = MEDIA_TYPES) -> ApiError:
    """415: the server does not read that media type."""
    text = "the body of the request was in an unknown format - accepted media types include: "
    return ApiError(415, "UnsupportedMediaType", text + ", ".join(accepted))


def _unreadable(library: str) -> ApiError:
    """415: the server could read the body with a library that is not installed."""
    text = f"the body of the request cannot be read: {libraries.missing(library)}"
    return ApiError(415, "UnsupportedMediaType", text)


def read_yaml(body: bytes, strict: list[str] | None) -> Any:
    """Decode YAML; 415 if that needs a library that is not installed, which JSON in YAML's media type does not.

    Args:
        body: The bytes.
        strict: Collects keys that are given twice. In JSON they are ``Pairs`` if the library is not installed.

    Raises:
        ValueError: It cannot be read; the message is Go's.
    """
    if libraries.YAML:
        # It takes longer to import than the rest of the server, as does protobuf.
        from kube_embedded.machinery.golang.yaml import yaml_to_json

        return yaml_to_json(body, strict)
    try:
        return gojson.loads(body)
    except gojson.SyntaxProblem as error:
        raise _unreadable("PyYAML") from error


def field_validation(request: Request) -> str:
    """The parameter ``fieldValidation``: ``Strict``, ``Warn`` (the default) or ``Ignore``."""
    return request.param("fieldValidation") or "Warn"


def decode_object(
    request: Request,
    kind: Kind,
    *,
    gvk: tuple[str, str, str] | None = None,
    older: tuple[str, ...] = (),
    keep_empty: bool = False,
) -> Object:
    """Decode the object in a request's body: only the kind's fields, without defaults; 400 or 415.

    Args:
        request: Its content type names the format, ``fieldValidation`` the treatment of unknown fields.
        kind: The expected kind.
        gvk: (group, version, kind) of the body, if it differs from ``kind``.
        older: Other versions of it that read the same.
        keep_empty: See ``Decoder``.
    """
    # A scale of a custom object is a built-in kind.
    if isinstance(kind, CustomKind) and gvk is None:
        return _decode_custom(request, kind)
    expected = gvk or (kind.group, kind.version, kind.kind)
    struct = schemas().of_kind(*expected)
    assert struct is not None
    mode = field_validation(request)
    strict: list[str] = []
    noted = strict if mode != "Ignore" else None
    media_type = content_type(request)
    # Decoding a large body is slow, and no state has been changed yet.
    with apart():
        obj = decode_body(
            media_type, request.body, struct, expected, noted, older=older, keep_empty=keep_empty
        )
    if mode == "Strict":
        _refuse_strict(strict, obj["kind"], expected[1], expected[2])
    request.warnings += warning_lines(strict)
    request.note_object(obj)
    return obj


def _refuse_strict(strict: list[str], kind: str, version: str, expected: str) -> None:
    if strict:
        problem = f"strict decoding error: {', '.join(strict)}"
        raise _cannot_be_handled(kind, version, expected, problem)


def _decode_custom(request: Request, kind: CustomKind) -> Object:
    """Decode the custom object in a request's body, with its defaults; 400 or 415."""
    mode = field_validation(request)
    strict: list[str] = []
    data = _read(content_type(request), request.body, kind, strict)
    group, version, name = _read_kind(data, request.body, ("", "", kind.kind))
    if not isinstance(data, dict) or not data.get("kind"):
        problem = f"Object 'Kind' is missing in '{request.body.decode('utf-8', 'replace')}'"
        raise _unrecognized(kind.kind, request.body, problem, "")
    try:
        obj = decode_custom(kind, data, strict)
    except DecodeProblem as error:
        raise _cannot_be_handled(name, version, kind.kind, str(error)) from error
    if mode == "Strict":
        _refuse_strict(strict, name, version, kind.kind)
    if (group, version) != (kind.group, kind.version):
        raise _other_version(data.get("apiVersion") or "", kind.group_version)
    if mode == "Warn":
        request.warnings += warning_lines(strict)
    request.note_object(obj)
    return obj


def _other_version(sent: str, expected: str) -> ApiError:
    text = (
        f"the API version in the data ({sent}) does not match the expected API version ({expected})"
    )
    return bad_request(text)


def warning_lines(strict: list[str]) -> list[str]:
    """The warnings for what strict decoding would refuse; YAML reports several in one text."""
    lines: list[str] = []
    for text in strict:
        _, separator, rest = text.partition("yaml: unmarshal errors:\n")
        lines += [line.strip() for line in rest.split("\n")] if separator else [text]
    return lines


def decode_body(
    media_type: str,
    body: bytes,
    struct: Struct,
    expected: tuple[str, str, str],
    strict: list[str] | None,
    *,
    older: tuple[str, ...] = (),
    check: Callable[[tuple[str, str, str], tuple[str, str, str]], None] | None = None,
    keep_empty: bool = False,
) -> Object:
    """Decode a body; 400 if it is invalid.

    Args:
        media_type: One of ``MEDIA_TYPES``.
        body: The bytes.
        struct: The expected schema.
        expected: (group, version, kind).
        strict: Collects unknown and repeated fields; None does not look for them.
        older: Versions that read the same as the expected one.
        check: Refuses another (group, version, kind) than the expected one.
        keep_empty: See ``Decoder``.
    """
    data = _read(media_type, body, expected[2], strict)
    gvk = _read_kind(data, body, expected)
    if gvk[1] not in older or (gvk[0], expected[1], gvk[2]) != expected:
        (check or _check_kind)(gvk, expected)
    try:
        obj = Decoder(strict, keep_empty=keep_empty).decode(struct, data)
    except DecodeProblem as error:
        raise _cannot_be_handled(gvk[2], gvk[1], expected[2], str(error)) from error
    obj.pop("kind", None)
    obj.pop("apiVersion", None)
    return {"kind": expected[2], "apiVersion": _api_version(*expected[:2]), **obj}


def _api_version(group: str, version: str) -> str:
    return f"{group}/{version}" if group else version


def summary(body: bytes, limit: int = 30) -> str:
    """The start of a body, as errors show it."""
    if not body:
        return "<empty>"
    # Binary bodies are shown in hex, as Go prints bytes.
    start = body[:limit]
    text = start.decode("utf-8", "replace") if body[:1] == b"{" else start.hex()
    return text + (" ..." if len(body) > limit else "")


def _read(media_type: str, body: bytes, kind: str | CustomKind, strict: list[str] | None) -> Any:
    name = kind if isinstance(kind, str) else kind.kind
    if media_type == JSON:
        try:
            return gojson.loads(body)
        except gojson.SyntaxProblem as error:
            raise _unrecognized(name, body, str(error)) from error
    if media_type == YAML:
        try:
            return read_yaml(body, strict)
        except ValueError as error:
            raise _unrecognized(name, body, str(error), "") from error
    if isinstance(kind, CustomKind):
        problem = f"{NO_PROTOBUF} and cannot be encoded to a protobuf message"
        raise bad_request(
            f"the object provided is unrecognized (must be of type {name}): {problem}"
        )
    from kube_embedded.machinery.schema.protobuf_read import ProtobufProblem, decode_unknown

    try:
        return decode_unknown(body)
    except ProtobufProblem as error:
        raise _unrecognized(name, body, str(error), "") from error


def _unrecognized(
    kind: str,
    body: bytes,
    problem: str,
    doing: str = "couldn't get version/kind; json parse error: ",
) -> ApiError:
    return bad_request(
        f"the object provided is unrecognized (must be of type {kind}): {doing}{problem} ({summary(body)})"
    )


def _read_kind(data: Any, body: bytes, expected: tuple[str, str, str]) -> tuple[str, str, str]:
    """The (group, version, kind) of a body, completed by the expected one."""
    # The JSON null and an empty document are objects without fields, in Go.
    if data is None:
        return expected
    if not isinstance(data, dict):
        raise _unrecognized(expected[2], body, cannot_unmarshal(data, TYPE_META))
    for field in ("apiVersion", "kind"):
        value = data.get(field)
        if value is not None and not isinstance(value, str):
            raise _unrecognized(expected[2], body, cannot_unmarshal(value, "string", f".{field}"))
    api_version = data.get("apiVersion") or ""
    kind = data.get("kind") or ""
    if api_version.count("/") > 1:
        raise _unrecognized(expected[2], body, f"unexpected GroupVersion string: {api_version}", "")
    group, slash, version = api_version.rpartition("/")
    if slash and group and not version and group != expected[0]:
        problem = f"Object 'apiVersion' is missing in '{body.decode()}'"
        raise _cannot_be_handled(kind, "", expected[2], problem)
    # Only a missing version is taken from the path.
    if not version and group in ("", expected[0]):
        group, version = expected[:2]
    return group, version, kind or expected[2]


def stores(gvk: tuple[str, str, str]) -> str:
    """The resource under which objects of a (group, version, kind) are stored; empty if they are not."""
    return next((row.resource for row in KINDS if (row.group, row.version, row.kind) == gvk), "")


def _check_kind(actual: tuple[str, str, str], expected: tuple[str, str, str]) -> None:
    if actual == expected:
        return
    group, version, kind = actual
    api_version = _api_version(group, version)
    shared = stores(actual)
    if is_older(api_version, kind, expected[0], expected[2]) or (
        shared and shared == stores(expected)
    ):
        raise _other_version(api_version, _api_version(*expected[:2]))
    is_version = api_version in older_versions.KINDS or any(
        row.group_version == api_version for row in KINDS
    )
    known = (
        kind in UNVERSIONED
        or (kind in EVERYWHERE and is_version)
        or is_registered(api_version, kind)
        or schemas().of_kind(group, version, kind) is not None
        or ((group, kind) in BY_KIND and BY_KIND[group, kind].version == version)
    )
    if known:
        package = INTERNAL_PACKAGES.get(expected[0], expected[0].partition(".")[0])
        sent = f"{'v1' if kind in UNVERSIONED else version}.{kind}"
        problem = f"converting ({sent}) to ({package}.{expected[2]}): unknown conversion"
    else:
        scheme = SCHEMES.get(expected[0], SCHEME)
        what = f"{go_quote(kind)} is registered for version {go_quote(api_version)}"
        problem = f'no kind {what} in scheme "{scheme}"'
    raise _cannot_be_handled(kind, version, expected[2], problem)


def _cannot_be_handled(kind: str, version: str, expected: str, problem: str) -> ApiError:
    return bad_request(
        f"{kind} in version {go_quote(version)} cannot be handled as a {expected}: {problem}"
    )
