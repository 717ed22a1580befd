"""The ``kind`` and ``apiVersion`` of a patched document: a patch may change them to an older version only.

Source: k8s.io/apimachinery ``pkg/runtime/serializer``, ``pkg/conversion``; k8s.io/apiserver
``pkg/endpoints/handlers/patch.go``.
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.apiserver.handlers.decode.bodies import SCHEME
from labkit.embedded.apiserver.handlers.decode.older_versions import EVERYWHERE, is_older, is_registered
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.schema import schemas
from labkit.embedded.machinery.schema.decoding import DecodeProblem, Decoder, cannot_unmarshal


class Nameless(Exception):
    """A document without a version: it is decoded as an internal object, which lacks its ``unknown`` fields."""

    def __init__(self, unknown: list[str]) -> None:
        super().__init__()
        self.unknown = unknown


def check_type(document: Any, kind: Kind) -> None:
    """Check that a patched document, not decoded yet, is still of its kind.

    Raises:
        DecodeProblem: It is of another or an unknown kind.
        Nameless: It has no version, and so no known name.
    """
    if not isinstance(document, dict):
        return
    version, name = _text(document, "apiVersion"), _text(document, "kind") or kind.kind
    if version.count("/") > 1:
        raise DecodeProblem(f"unexpected GroupVersion string: {version}")
    if not version:
        raise Nameless(
            [f"unknown field {go_quote(field)}" for field in document if field not in ("apiVersion", "kind")]
        )
    group, _, short = version.rpartition("/")
    if (version, name) == (kind.group_version, kind.kind) or is_older(version, name, kind.group, kind.kind):
        return
    struct = schemas().of_kind(group, short, name)
    known = struct is not None or is_registered(version, name) or (short == "v1" and name in EVERYWHERE)
    if not known and not (version == "v1" and name == "Status"):
        raise DecodeProblem(
            f'no kind {go_quote(name)} is registered for version {go_quote(version)} in scheme "{SCHEME}"'
        )
    if struct is not None:
        Decoder().decode(struct, document)
    internal = kind.group.partition(".")[0] or "core"
    raise DecodeProblem(f"converting ({short}.{name}) to ({internal}.{kind.kind}): unknown conversion")


def _text(document: dict[str, Any], field: str) -> str:
    value = document.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        problem = cannot_unmarshal(value, "string", f".{field}")
        raise DecodeProblem(f"couldn't get version/kind; json parse error: {problem}")
    return value
