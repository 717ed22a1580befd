"""Server-side apply: the configuration that a request sends.

Source: k8s.io/apiserver ``pkg/endpoints/handlers/patch.go``.
"""

from __future__ import annotations

from collections.abc import Callable

from labkit.embedded.apiserver.handlers.decode.bodies import field_validation, warning_lines
from labkit.embedded.apiserver.handlers.decode.patches.patch import restored
from labkit.embedded.apiserver.registry.managed.apply import check_ownable
from labkit.embedded.apiserver.registry.managed.manager import managers_of
from labkit.embedded.apiserver.registry.managed.typed import joined, problems
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Object, Request
from labkit.embedded.machinery.schema import Struct
from labkit.embedded.machinery.schema.decoding import OBJECT, DecodeProblem, cannot_unmarshal
from labkit.embedded.machinery.status import ApiError, bad_request


def applied_configuration(
    request: Request, struct: Struct, kind: Kind, live: Object | None = None
) -> Object:
    """Read the configuration of a server-side apply: checked against the schema, not decoded.

    ``live`` is checked before it, unless it has managers.
    400; 500 where it does not fit the schema, as in the real server.
    """
    from labkit.embedded.machinery.golang.yaml import YamlProblem, yaml_to_json

    strict: list[str] = []
    try:
        config = yaml_to_json(request.body, strict)
    except YamlProblem as error:
        raise bad_request(f"error decoding YAML: error converting YAML to JSON: {error}") from error
    # An empty file is an empty configuration, which then lacks its kind.
    if config is None:
        config = {}
    if not isinstance(config, dict):
        doing = "error decoding YAML: error unmarshaling JSON: while decoding JSON"
        raise bad_request(f"{doing}: {cannot_unmarshal(config, OBJECT)}")
    api_version, name = config.get("apiVersion"), config.get("kind")
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
    except DecodeProblem as error:
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
