"""JSON, merge and strategic merge patches.

Source: k8s.io/apiserver ``pkg/endpoints/handlers/patch.go``.
"""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from labkit.embedded.apiserver.handlers.decode.bodies import field_validation
from labkit.embedded.apiserver.handlers.decode.patches.json_patch import Inapplicable, JsonPatch
from labkit.embedded.apiserver.handlers.decode.patches.patched_type import check_type
from labkit.embedded.apiserver.handlers.decode.patches.strategic_merge import strategic_merge
from labkit.embedded.apiserver.registry.custom.decoding import decode_custom
from labkit.embedded.apiserver.registry.errors import FieldErrors, invalid_object
from labkit.embedded.apiserver.registry.managed.typed import go_text
from labkit.embedded.machinery.golang import json as gojson
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.kinds import CustomKind, Kind
from labkit.embedded.machinery.request import Object, Request
from labkit.embedded.machinery.schema import Struct, decoding
from labkit.embedded.machinery.schema.ordering import by_name, in_order
from labkit.embedded.machinery.status import ApiError, bad_request
from labkit.embedded.machinery.work import charge

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
PATCH_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)
CUSTOM_PATCH_TYPES = (JSON_PATCH, MERGE_PATCH, APPLY_PATCH)
MAX_OPERATIONS = 10000
OPERATION_FIELDS = {"op": "string", "path": "string", "from": "string", "value": ""}


def patch_type(request: Request, kind: Kind | None = None) -> str:
    """The kind of patch, from the content type; 415 for an unknown one, and a strategic one of a custom kind."""
    named = request.headers.get("content-type", "").partition(";")[0].strip()
    if isinstance(kind, CustomKind):
        if named not in CUSTOM_PATCH_TYPES:
            text = (
                "the body of the request was in an unknown format - accepted media types include: "
            )
            raise ApiError(415, "UnsupportedMediaType", text + ", ".join(CUSTOM_PATCH_TYPES))
        return named
    if named not in PATCH_TYPES:
        raise ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    return named


def unprocessable() -> ApiError:
    """422: a JSON patch does not apply."""
    return ApiError(
        422, "Invalid", "the server rejected our request due to an error in our request", {}
    )


def patched(request: Request, form: str, current: Object, struct: Struct, kind: Kind) -> Object:
    """Apply a JSON, merge or strategic merge patch; 400 or 422.

    Returns:
        The decoded object, without defaults, with its empty values.
    """
    mode = field_validation(request)
    strict: list[str] = []
    result: Any
    shown: Any
    if form == JSON_PATCH:
        shown = result = _json_patch(request.body, _written(current, kind), strict)
    elif form == MERGE_PATCH:
        patch = _object(request.body, "error decoding patch: ", strict)
        if request.body.strip() == b"null":
            raise bad_request("Invalid JSON Patch")
        shown = result = merge_patch(_written(current, kind), patch)
    else:
        patch = _object(request.body, "", strict)
        result = strategic_merge(current, patch, struct)
        shown = go_text(patch)
    if mode == "Ignore":
        strict = []
    if isinstance(kind, CustomKind):
        try:
            obj = decode_custom(kind, _typed(result), strict)
        except decoding.DecodeProblem as error:
            raise _invalid_patch(shown, str(error)) from error
        _tell(request, mode, shown, strict if mode != "Ignore" else [])
        return obj
    try:
        if form != STRATEGIC_PATCH:
            check_type(result, kind)
        obj = decoding.Decoder(strict if mode != "Ignore" else None, keep_empty=True).decode(
            struct, result
        )
    except decoding.DecodeProblem as error:
        raise _invalid_patch(
            shown, restored(error) if form == STRATEGIC_PATCH else str(error)
        ) from error
    _tell(request, mode, shown, strict)
    return obj


def _written(obj: Object, kind: Kind) -> Object:
    """An object with its fields in the order in which they are written: sorted if its kind is a custom one."""
    return by_name(obj) if isinstance(kind, CustomKind) else in_order(obj)


def _typed(document: Any) -> Any:
    """A patched custom object; ``DecodeProblem`` if it has no kind."""
    if not isinstance(document, dict) or not document.get("kind"):
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        raise decoding.DecodeProblem(f"Object 'Kind' is missing in '{text}'")
    return document


def _tell(request: Request, mode: str, document: Any, strict: list[str]) -> None:
    """Warn of what strict decoding would refuse, or refuse it."""
    if strict and mode == "Strict":
        raise _invalid_patch(document, f"strict decoding error: {', '.join(strict)}")
    request.warnings += strict


def _invalid_patch(document: Any, problem: str) -> ApiError:
    """422: the patched document (or the patch as a text) is not an object of the kind."""
    if not isinstance(document, str):
        document = gojson.escape(
            json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
        ).decode()
    errors = FieldErrors()
    errors.invalid("patch", document, problem)
    return invalid_object("", "", "", errors)


def _object(body: bytes, prefix: str, strict: list[str]) -> dict[str, Any]:
    try:
        patch = gojson.loads(body)
    except gojson.SyntaxProblem as error:
        raise bad_request(f"{prefix}{error}") from error
    if patch is None:
        return {}
    if not isinstance(patch, dict):
        raise bad_request(prefix + decoding.cannot_unmarshal(patch, decoding.OBJECT))
    _note_duplicates(patch, [], strict)
    return patch


def _note_duplicates(value: dict[str, Any] | list[Any], path: list[str], strict: list[str]) -> None:
    """Collect duplicate fields; paths are only built for these."""
    charge(3 * len(value))
    if isinstance(value, dict):
        if isinstance(value, gojson.Pairs):
            for name in value.duplicates:
                if len(strict) < decoding.MAX_STRICT_ERRORS:
                    place = "".join((*path, f".{name}")).removeprefix(".")
                    strict.append(f"duplicate field {go_quote(place)}")
        inner = (
            (f".{name}", item) for name, item in value.items() if isinstance(item, dict | list)
        )
    else:
        inner = (
            (f"[{index}]", item)
            for index, item in enumerate(value)
            if isinstance(item, dict | list)
        )
    for step, item in inner:
        path.append(step)
        _note_duplicates(item, path, strict)
        path.pop()


def merge_patch(current: Any, patch: Any) -> Any:
    """RFC 7396: objects merge, null removes, all else replaces.

    Source: gopkg.in/evanphx/json-patch.v4 ``merge.go``: merged fields are sorted by name.
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
    """The replacement value of a merge patch: fields sorted by name, without nulls."""
    if isinstance(value, dict):
        return {
            name: without_nulls(value[name]) for name in sorted(value) if value[name] is not None
        }
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
            f"error decoding patch: {decoding.cannot_unmarshal(operations, '[]handlers.jsonPatchOp')}"
        )
    if len(operations) > MAX_OPERATIONS:
        allowed = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}"
        raise ApiError(413, "RequestEntityTooLarge", f"Request entity is too large: {allowed}")
    for index, operation in enumerate(operations):
        _check_operation(operation, index, strict)
    patch = JsonPatch(copy.deepcopy(current))
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
            f"error decoding patch: {decoding.cannot_unmarshal(operation, 'handlers.jsonPatchOp')}"
        )
    for name, value in operation.items():
        wanted = OPERATION_FIELDS.get(name)
        if wanted is None:
            strict.append(f"json patch unknown field {go_quote(f'[{index}].{name}')}")
        elif wanted == "string" and value is not None and not isinstance(value, str):
            raise bad_request(
                f"error decoding patch: {decoding.cannot_unmarshal(value, 'string', f'jsonPatchOp.{name}')}"
            )


INTO_FIELD = re.compile(r"Go struct field \S+ of type")


def restored(problem: decoding.DecodeProblem) -> str:
    """The text of a decoding error, as Go's unstructured converter words it.

    Source: k8s.io/apimachinery ``pkg/runtime/converter.go``.
    """
    type_, value = problem.type_, problem.value
    if type_ is None:
        text = INTO_FIELD.sub("Go value of type", str(problem))
        return f"error decoding from json: {text}" if text.startswith("illegal base64") else text
    found = decoding.go_kind(value)
    if type_.form == "struct":
        return f"cannot restore struct from: {found}"
    if type_.form in ("list", "map", "bytes"):
        return f"cannot restore {'map' if type_.form == 'map' else 'slice'} from {found}"
    if (found, type_.form) in CONVERTIBLE:
        return f"cannot convert {found} to {type_.go}"
    return f"unrecognized type: {type_.form}"


CONVERTIBLE = frozenset((("int64", "string"), ("float64", "int32"), ("float64", "int64")))
"""(Go kind, field type) that Go could convert, and the converter refuses."""
