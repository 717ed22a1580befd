"""JSON, merge and strategic merge patches, and the configurations of server-side apply.

Source: k8s.io/apiserver ``pkg/endpoints/handlers/patch.go``.
"""

import copy
import json
import re
from collections.abc import Callable
from typing import Any

from kube_embedded.apiserver.registry.custom.decoding import decode_custom
from kube_embedded.apiserver.registry.errors import FieldErrors, invalid_object
from kube_embedded.apiserver.registry.managed.apply import check_ownable
from kube_embedded.apiserver.registry.managed.manager import managers_of
from kube_embedded.apiserver.registry.managed.typed import go_text, joined, problems
from kube_embedded.machinery import libraries
from kube_embedded.machinery.golang import json as gojson
from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.kinds import CustomKind, Kind
from kube_embedded.machinery.request import Object, Request
from kube_embedded.machinery.schema import Struct, decoding
from kube_embedded.machinery.schema.ordering import by_name, in_order
from kube_embedded.machinery.status import ApiError, bad_request
from kube_embedded.machinery.work import charge

from ..bodies import field_validation, read_yaml, unsupported_media_type, warning_lines
from ..older_versions import is_older
from .json_patch import Inapplicable, JsonPatch
from .strategic_merge import strategic_merge

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
PATCH_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)
CUSTOM_PATCH_TYPES = (JSON_PATCH, MERGE_PATCH, APPLY_PATCH)
MAX_OPERATIONS = 10000


def patch_type(request: Request, kind: Kind | None = None) -> str:
    """The kind of patch, from the content type; 415 for an unknown one, and a strategic one of a custom kind."""
    named = request.headers.get("content-type", "").partition(";")[0].strip()
    custom = isinstance(kind, CustomKind)
    if named in PATCH_TYPES and not (custom and named == STRATEGIC_PATCH):
        return named
    if custom:
        raise unsupported_media_type(CUSTOM_PATCH_TYPES)
    # The router of the real server refuses it, with a text of its own.
    raise ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def unprocessable() -> ApiError:
    """422: a JSON patch does not apply."""
    text = "the server rejected our request due to an error in our request"
    return ApiError(422, "Invalid", text, {})


def patched(request: Request, form: str, current: Object, struct: Struct, kind: Kind) -> Object:
    """Apply a JSON, merge or strategic merge patch; 400 or 422.

    Returns:
        The decoded object, without defaults, with its empty values.
    """
    mode = field_validation(request)
    strict: list[str] = []
    result: Any
    if form == JSON_PATCH:
        result = _json_patch(request.body, _written(current, kind), strict)
        document = result
    elif form == MERGE_PATCH:
        patch = _object(request.body, "error decoding patch: ", strict)
        if request.body.strip() == b"null":
            raise bad_request("Invalid JSON Patch")
        result = merge_patch(_written(current, kind), patch)
        document = result
    else:
        patch = _object(request.body, "", strict)
        result = strategic_merge(current, patch, struct)
        # The patch and not the result, which the real server has no text of here.
        document = go_text(patch)
    if mode == "Ignore":
        strict = []
    noted = strict if mode != "Ignore" else None
    try:
        if isinstance(kind, CustomKind):
            obj = decode_custom(kind, _typed(result), noted)
        else:
            if form != STRATEGIC_PATCH:
                check_type(result, kind)
            obj = decoding.Decoder(noted, keep_empty=True).decode(struct, result)
    except decoding.DecodeProblem as error:
        converted = form == STRATEGIC_PATCH
        raise _invalid_patch(document, restored(error) if converted else str(error)) from error
    if strict and mode == "Strict":
        raise _invalid_patch(document, f"strict decoding error: {', '.join(strict)}")
    request.warnings += strict
    return obj


def _written(obj: Object, kind: Kind) -> Object:
    """An object with its fields in the order in which they are written: sorted if its kind is a custom one."""
    return by_name(obj) if isinstance(kind, CustomKind) else in_order(obj)


def check_type(document: Any, kind: Kind) -> None:
    """Check that a patched document, not decoded yet, is still of its kind, or of an older version of it.

    Source: k8s.io/apimachinery ``pkg/conversion``.

    Raises:
        DecodeProblem: It is of another or an unknown kind.
    """
    if not isinstance(document, dict):
        return
    version = document.get("apiVersion")
    name = document.get("kind") or kind.kind
    if (version, name) == (kind.group_version, kind.kind):
        return
    texts = isinstance(version, str) and isinstance(name, str)
    if not texts or not is_older(str(version), name, kind.group, kind.kind):
        sent = f"{str(version or '').rpartition('/')[2]}.{name}"
        internal = f"{kind.group.partition('.')[0] or 'core'}.{kind.kind}"
        problem = f"converting ({sent}) to ({internal}): unknown conversion"
        raise decoding.DecodeProblem(problem)


def _json(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _typed(document: Any) -> Any:
    """A patched custom object; ``DecodeProblem`` if it has no kind."""
    if not isinstance(document, dict) or not document.get("kind"):
        raise decoding.DecodeProblem(f"Object 'Kind' is missing in '{_json(document)}'")
    return document


def _invalid_patch(document: Any, problem: str) -> ApiError:
    """422: the patched document (or the patch as a text) is not an object of the kind."""
    if not isinstance(document, str):
        document = gojson.escape(_json(document).encode()).decode()
    errors = FieldErrors()
    errors.invalid("patch", document, problem)
    return invalid_object("", "", "", errors)


def _loads(body: bytes, prefix: str) -> Any:
    try:
        return gojson.loads(body)
    except gojson.SyntaxProblem as error:
        raise bad_request(f"{prefix}{error}") from error


def _object(body: bytes, prefix: str, strict: list[str]) -> Object:
    patch = _loads(body, prefix)
    if patch is None:
        return {}
    if not isinstance(patch, dict):
        raise bad_request(prefix + decoding.cannot_unmarshal(patch, decoding.OBJECT))
    _note_duplicates(patch, [], strict)
    return patch


def _note_duplicates(value: Object | list[Any], path: list[str], strict: list[str]) -> None:
    """Collect duplicate fields; paths are only built for these."""
    charge(3 * len(value))
    if isinstance(value, gojson.Pairs):
        for name in value.duplicates:
            if len(strict) < decoding.MAX_STRICT_ERRORS:
                name_path = "".join((*path, f".{name}")).removeprefix(".")
                strict.append(f"duplicate field {go_quote(name_path)}")
    steps = value.items() if isinstance(value, dict) else enumerate(value)
    for step, item in steps:
        if isinstance(item, dict | list):
            path.append(f".{step}" if isinstance(value, dict) else f"[{step}]")
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
    prefix = "error decoding patch: "
    operations = _loads(body, prefix)
    if operations is None:
        operations = []
    if not isinstance(operations, list):
        raise bad_request(prefix + decoding.cannot_unmarshal(operations, "[]handlers.jsonPatchOp"))
    # The same limit as in the real server, which applies each operation to the whole document.
    if len(operations) > MAX_OPERATIONS:
        allowed = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}"
        raise ApiError(413, "RequestEntityTooLarge", f"Request entity is too large: {allowed}")
    for index, operation in enumerate(operations):
        _check_operation(operation, index, strict)
    # Operations change the document in place, and the stored object must stay.
    patch = JsonPatch(copy.deepcopy(current))
    try:
        for operation in operations:
            patch.apply(operation)
    # A chain of copies can nest a document more deeply than Python can walk.
    except (Inapplicable, RecursionError) as error:
        raise unprocessable() from error
    return patch.written()


def _check_operation(operation: Any, index: int, strict: list[str]) -> None:
    prefix = "error decoding patch: "
    if operation is None:
        raise unprocessable()
    if not isinstance(operation, dict):
        raise bad_request(prefix + decoding.cannot_unmarshal(operation, "handlers.jsonPatchOp"))
    for name, value in operation.items():
        if name in ("op", "path", "from"):
            if value is not None and not isinstance(value, str):
                field = f"jsonPatchOp.{name}"
                raise bad_request(prefix + decoding.cannot_unmarshal(value, "string", field))
        elif name != "value":
            strict.append(f"json patch unknown field {go_quote(f'[{index}].{name}')}")


INTO_FIELD = re.compile(r"Go struct field \S+ of type")


def restored(problem: decoding.DecodeProblem) -> str:
    """The text of a decoding error, as Go's unstructured converter words it.

    Source: k8s.io/apimachinery ``pkg/runtime/converter.go``.
    """
    type_ = problem.type_
    value = problem.value
    if type_ is None:
        text = INTO_FIELD.sub("Go value of type", str(problem))
        return f"error decoding from json: {text}" if text.startswith("illegal base64") else text
    go_kind = decoding.go_kind(value)
    if type_.form == "struct":
        return f"cannot restore struct from: {go_kind}"
    if type_.form in ("list", "map", "bytes"):
        return f"cannot restore {'map' if type_.form == 'map' else 'slice'} from {go_kind}"
    if (go_kind, type_.form) in CONVERTIBLE:
        return f"cannot convert {go_kind} to {type_.go}"
    return f"unrecognized type: {type_.form}"


CONVERTIBLE = frozenset((("int64", "string"), ("float64", "int32"), ("float64", "int64")))
"""(Go kind, field type) that Go could convert, and the converter refuses."""


def applied_configuration(
    request: Request, struct: Struct, kind: Kind, live: Object | None = None
) -> Object:
    """Read the configuration of a server-side apply: checked against the schema, not decoded.

    ``live`` is checked before it, unless it has managers.
    Raises 400, and 500 if it does not fit the schema, as the real server does.
    """
    strict: list[str] = []
    try:
        config = read_yaml(request.body, strict)
    except ValueError as error:
        raise bad_request(f"error decoding YAML: error converting YAML to JSON: {error}") from error
    # An empty file is an empty configuration, which then lacks its kind.
    if config is None:
        config = {}
    if not isinstance(config, dict):
        doing = "error decoding YAML: error unmarshaling JSON: while decoding JSON"
        raise bad_request(f"{doing}: {decoding.cannot_unmarshal(config, decoding.OBJECT)}")
    if not libraries.YAML:
        _note_duplicates(config, [], strict)
    api_version = config.get("apiVersion")
    name = config.get("kind")
    if api_version != kind.group_version or name != kind.kind:
        group, _, version = str(api_version or "").rpartition("/")
        raise bad_request(f"invalid object type: {group}/{version}, Kind={name or ''}")
    # The first apply of an object that predates its managers needs all of it to be ownable.
    if live is not None and not managers_of(live):
        check_ownable(struct, live, kind.group_version, first=True)
    metadata = config.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")
    errors = problems(struct, config)
    if errors:
        raise ApiError(
            500, "", f"failed to create typed patch object ({_who(config, kind)}): {joined(errors)}"
        )
    if strict:
        mode = field_validation(request)
        if mode == "Strict":
            raise bad_request(
                f"error strict decoding patch: error converting YAML to JSON: {strict[0]}"
            )
        if mode == "Warn":
            request.warnings += warning_lines(strict)
    return config


def applied_object(
    complete: Callable[[Object], Object], merged: Object, config: Object, kind: Kind
) -> Object:
    """Decode the merge of a configuration and its object; 500 if a value does not fit its field.

    ``complete`` decodes it and sets its defaults. The error names the configuration's object.
    """
    try:
        return complete(merged)
    except decoding.DecodeProblem as error:
        text = restored(error)
        row = f"{kind.group}/{kind.version}, Kind={kind.kind}"
        what = f"failed to convert new object ({_who(config, kind)}) to proper version"
        raise ApiError(
            500, "", f"{what}: unable to convert unstructured object to {row}: {text}"
        ) from error


def _who(config: Object, kind: Kind) -> str:
    """The object that errors of an apply name."""
    metadata = config.get("metadata")
    names = metadata if isinstance(metadata, dict) else {}
    return f"{names.get('namespace') or ''}/{names.get('name') or ''}; {kind.group}/{kind.version}, Kind={kind.kind}"
