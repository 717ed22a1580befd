"""The four kinds of patch.

Source: k8s.io/apiserver ``pkg/endpoints/handlers/patch.go``.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

from labkit.embedded.apiserver.handlers.decode.bodies import field_validation, warning_lines
from labkit.embedded.apiserver.handlers.decode.objectmeta import nameless
from labkit.embedded.apiserver.handlers.decode.patches.jsonpatch import Inapplicable, JsonPatch
from labkit.embedded.apiserver.handlers.decode.patches.patchtype import Nameless, check_type
from labkit.embedded.apiserver.handlers.decode.patches.strategicmerge import strategic_merge
from labkit.embedded.apiserver.handlers.represent.encode import in_order
from labkit.embedded.apiserver.registry.errors import FieldErrors, invalid_object
from labkit.embedded.apiserver.registry.managed.typed import go_text, problems, said
from labkit.embedded.machinery.golang import json as gojson
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Object, Request
from labkit.embedded.machinery.schema import Struct
from labkit.embedded.machinery.schema.decoding import MAX_STRICT_ERRORS, DecodeProblem, Decoder, json_kind
from labkit.embedded.machinery.status import ApiError, bad_request

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
PATCH_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)
MAX_OPERATIONS = 10000
OPERATION_FIELDS = {"op": "string", "path": "string", "from": "string", "value": ""}


def patch_type(request: Request) -> str:
    """Which kind of patch a request brings.

    Raises:
        ApiError: 415.
    """
    named = request.headers.get("content-type", "").partition(";")[0].strip()
    if named not in PATCH_TYPES:
        raise ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    return named


def unprocessable() -> ApiError:
    """422: a JSON patch does not apply."""
    return ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {})


def patched(request: Request, form: str, current: Object, struct: Struct, kind: Kind) -> Object:
    """The object that a JSON, merge or strategic merge patch makes of another.

    Args:
        request: Holds the patch.
        form: Which kind of patch it is.
        current: The stored object.
        struct: Its schema.
        kind: Its row.

    Returns:
        The decoded object, without defaults; what is given without content is kept in it.

    Raises:
        ApiError: 400 or 422.
    """
    mode = field_validation(request)
    strict: list[str] = []
    result: Any
    shown: Any
    if form == JSON_PATCH:
        shown = result = _json_patch(request.body, current, strict)
    elif form == MERGE_PATCH:
        patch = _object(request.body, "error decoding patch: ", strict)
        if request.body.strip() == b"null":
            raise bad_request("Invalid JSON Patch")
        shown = result = merge_patch(in_order(current), patch)
    else:
        patch = _object(request.body, "", strict)
        result = strategic_merge(current, patch, struct)
        shown = go_text(patch)
    if mode == "Ignore":
        strict = []
    try:
        if form != STRATEGIC_PATCH:
            check_type(result, kind)
        obj = Decoder(strict if mode != "Ignore" else None, keep_empty=True).decode(struct, result)
    except DecodeProblem as error:
        raise _invalid_patch(shown, restored(error) if form == STRATEGIC_PATCH else str(error)) from error
    except Nameless as error:
        strict += error.unknown if mode != "Ignore" else []
        _tell(request, mode, shown, strict)
        raise nameless(request.info.name) from error
    _tell(request, mode, shown, strict)
    return obj


def _tell(request: Request, mode: str, shown: Any, strict: list[str]) -> None:
    """Warn of what a strict reading would refuse, or refuse it."""
    if strict and mode == "Strict":
        raise _invalid_patch(shown, f"strict decoding error: {', '.join(strict)}")
    request.warnings += strict


def _invalid_patch(shown: Any, problem: str) -> ApiError:
    """422: what a patch made is no object of the kind.

    Args:
        shown: The patched document, or the patch as a text.
        problem: What is wrong with it.
    """
    text = shown if isinstance(shown, str) else json.dumps(shown, separators=(",", ":"), ensure_ascii=False)
    errors = FieldErrors()
    errors.invalid("patch", text, problem)
    return invalid_object("", "", "", errors)


def _object(body: bytes, prefix: str, strict: list[str]) -> dict[str, Any]:
    try:
        patch = gojson.loads(body)
    except gojson.SyntaxProblem as error:
        raise bad_request(f"{prefix}{error}") from error
    if patch is None:
        return {}
    if not isinstance(patch, dict):
        raise bad_request(
            f"{prefix}json: cannot unmarshal {json_kind(patch)} into Go value of type map[string]interface {{}}"
        )
    _note_duplicates(patch, [], strict)
    return patch


def _note_duplicates(value: dict[str, Any] | list[Any], path: list[str], strict: list[str]) -> None:
    """Note what is given twice; a path is put together only where there is something to say."""
    if isinstance(value, dict):
        if isinstance(value, gojson.Pairs):
            for name in value.duplicates:
                if len(strict) < MAX_STRICT_ERRORS:
                    strict.append(f'duplicate field "{"".join((*path, f".{name}")).removeprefix(".")}"')
        inner = ((f".{name}", item) for name, item in value.items() if isinstance(item, dict | list))
    else:
        inner = ((f"[{index}]", item) for index, item in enumerate(value) if isinstance(item, dict | list))
    for step, item in inner:
        path.append(step)
        _note_duplicates(item, path, strict)
        path.pop()


def merge_patch(current: Any, patch: Any) -> Any:
    """RFC 7396: objects merge, null removes, all else replaces.

    Source: gopkg.in/evanphx/json-patch.v4 ``merge.go``: what is merged is written by name.
    """
    if not isinstance(patch, dict):
        return patch
    if not isinstance(current, dict):
        return without_nulls(patch)
    merged = dict(current)
    for name, value in patch.items():
        before = current.get(name)
        if value is None:
            merged.pop(name, None)
        elif isinstance(before, dict):
            merged[name] = merge_patch(before, value)
        else:
            merged[name] = without_nulls(value)
    return {name: merged[name] for name in sorted(merged)}


def without_nulls(value: Any) -> Any:
    """What a merge patch puts in place of something else: its objects by name, without fields that are null."""
    if isinstance(value, dict):
        return {name: without_nulls(value[name]) for name in sorted(value) if value[name] is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def _json_patch(body: bytes, current: Object, strict: list[str]) -> Any:
    try:
        operations = gojson.loads(body)
    except gojson.SyntaxProblem as error:
        raise bad_request(f"error decoding patch: {error}") from error
    if operations is None:
        operations = []
    if not isinstance(operations, list):
        raise bad_request(
            f"error decoding patch: json: cannot unmarshal {json_kind(operations)} into Go value of type "
            "[]handlers.jsonPatchOp"
        )
    if len(operations) > MAX_OPERATIONS:
        raise ApiError(
            413,
            "RequestEntityTooLarge",
            f"Request entity is too large: The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, "
            f"got {len(operations)}",
        )
    for index, operation in enumerate(operations):
        _check_operation(operation, index, strict)
    patch = JsonPatch(copy.deepcopy(in_order(current)))
    try:
        for operation in operations:
            patch.apply(operation)
    except (Inapplicable, RecursionError) as error:
        raise unprocessable() from error
    return patch.written()


def _check_operation(operation: Any, index: int, strict: list[str]) -> None:
    if operation is None:
        raise unprocessable()
    if not isinstance(operation, dict):
        raise bad_request(
            f"error decoding patch: json: cannot unmarshal {json_kind(operation)} into Go value of type "
            "handlers.jsonPatchOp"
        )
    for name, value in operation.items():
        wanted = OPERATION_FIELDS.get(name)
        if wanted is None:
            strict.append(f'json patch unknown field "[{index}].{name}"')
        elif wanted == "string" and value is not None and not isinstance(value, str):
            raise bad_request(
                f"error decoding patch: json: cannot unmarshal {json_kind(value)} into Go struct field "
                f"jsonPatchOp.{name} of type string"
            )


def applied_configuration(request: Request, struct: Struct, kind: Kind) -> Object:
    """What a server-side apply sends, checked against the schema but not decoded.

    Raises:
        ApiError: 400, or 500 where it does not fit the schema (so says the real server).
    """
    from labkit.embedded.machinery.golang.yaml import YamlProblem, yaml_to_json

    strict: list[str] = []
    try:
        config = yaml_to_json(request.body, strict)
    except YamlProblem as error:
        raise bad_request(f"error decoding YAML: error converting YAML to JSON: {error}") from error
    if config is None:
        config = {}
    if not isinstance(config, dict):
        raise bad_request(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
            f"{json_kind(config)} into Go value of type map[string]interface {{}}"
        )
    api_version, name = config.get("apiVersion"), config.get("kind")
    if api_version != kind.group_version or name != kind.kind:
        group, _, version = str(api_version or "").rpartition("/")
        raise bad_request(f"invalid object type: {group}/{version}, Kind={name or ''}")
    metadata = config.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")
    found = problems(struct, config)
    if found:
        raise ApiError(500, "", f"failed to create typed patch object ({_who(config, kind)}): {said(found)}")
    if strict:
        mode = field_validation(request)
        if mode == "Strict":
            raise bad_request(f"error strict decoding patch: error converting YAML to JSON: {strict[0]}")
        if mode == "Warn":
            request.warnings += warning_lines(strict)
    return config


def applied_object(complete: Callable[[Object], Object], merged: Object, config: Object, kind: Kind) -> Object:
    """A merged configuration as an object of its kind.

    Args:
        complete: Decodes it and sets its defaults.
        merged: What came of the configuration and the object.
        config: The configuration, to be named in the error.
        kind: Its row.

    Raises:
        ApiError: 500, a value has no form that its field takes.
    """
    try:
        return complete(merged)
    except DecodeProblem as error:
        text = restored(error)
        row = f"{kind.group}/{kind.version}, Kind={kind.kind}"
        raise ApiError(
            500,
            "",
            f"failed to convert new object ({_who(config, kind)}) to proper version: "
            f"unable to convert unstructured object to {row}: {text}",
        ) from error


INTO_FIELD = re.compile(r"Go struct field \S+ of type")


def restored(problem: DecodeProblem) -> str:
    """What is wrong with a value, in the words of the converter that works without JSON.

    Source: k8s.io/apimachinery ``pkg/runtime/converter.go``.
    """
    type_, value = problem.type_, problem.value
    if type_ is None:
        text = INTO_FIELD.sub("Go value of type", str(problem))
        return f"error decoding from json: {text}" if text.startswith("illegal base64") else text
    found = go_kind(value)
    if type_.form == "struct":
        return f"cannot restore struct from: {found}"
    if type_.form in ("list", "map", "bytes"):
        return f"cannot restore {'map' if type_.form == 'map' else 'slice'} from {found}"
    if (found, type_.form) in CONVERTIBLE:
        return f"cannot convert {found} to {type_.go}"
    return f"unrecognized type: {type_.form}"


CONVERTIBLE = frozenset((("int64", "string"), ("float64", "int32"), ("float64", "int64")))
"""What Go could convert and this must not."""


def go_kind(value: Any) -> str:
    """The kind of Go value that a JSON value becomes."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict | list):
        return "map" if isinstance(value, dict) else "slice"
    return "int64" if isinstance(value, int) else "float64"


def _who(config: Object, kind: Kind) -> str:
    """Whom errors of an apply speak of."""
    metadata = config.get("metadata")
    names = metadata if isinstance(metadata, dict) else {}
    return f"{names.get('namespace') or ''}/{names.get('name') or ''}; {kind.group}/{kind.version}, Kind={kind.kind}"
