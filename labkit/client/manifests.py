"""Read manifests, as YAML text or plain objects, and apply them.

Applying creates a missing object and patches an existing one.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from labkit.core.arguments import describe
from labkit.core.display import Card, Displayable, Row
from labkit.core.errors import UsageError
from labkit.core.language import text

from .client import Client
from .discovery import Resources

Manifest = dict[str, Any]
Adapt = Callable[[Manifest], Manifest]

TEXT = text("the text")
"""The name of an unnamed text, for errors."""


def parse(text: str, source: str = TEXT) -> list[Manifest]:
    """Read all objects of a YAML text; a List is replaced by its items.

    Args:
        text: One or more documents.
        source: The text's name in errors.

    Raises:
        UsageError: When it is not YAML, or contains something that is not an object.
    """
    try:
        # Empty documents are skipped, because texts often end with `---`.
        documents = [
            document for document in yaml.load_all(text, Loader=_Loader) if document is not None
        ]
    # PyYAML recurses for each level, so deeply nested brackets exhaust the stack.
    except (yaml.YAMLError, RecursionError) as error:
        raise _not_yaml(text, source, error) from error
    found: list[Manifest] = []
    for document in documents:
        found += [_checked(entry, source) for entry in _flat(document)]
    return found


# Not libyaml's loader, which is faster: its message about a tab does not name the tab.
class _Loader(yaml.SafeLoader):
    """Loads dates as text, as Kubernetes does, because JSON has no dates."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _not_yaml(content: str, source: str, error: Exception) -> UsageError:
    """Return the error for a text that is not YAML.

    Line numbers begin with the first line that is not empty; in files, with the first line.
    """
    what = text("{source} is not YAML.", source)
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return UsageError(
            what, why=" ".join(str(error).split()), todo="Look for a bracket that is not closed."
        )
    empty = len(content) - len(content.lstrip("\n")) if source == TEXT else 0
    line = content.split("\n")[mark.line] if mark.line < content.count("\n") + 1 else ""
    where = f"line {mark.line + 1 - empty}, {describe(line.strip())}"
    if "\t" in line and "'\\t'" in str(error):
        todo = text("Put spaces in place of the tab: two for each level.")
        return UsageError(
            what, why=text("{where}, has a tab, and YAML is indented with spaces", where), todo=todo
        )
    parts = (getattr(error, "context", None), getattr(error, "problem", None))
    why = f"{', '.join(part for part in parts if part)}: {where}"
    return UsageError(what, why=why, todo="Look at that line, and the one before.")


def from_python(what: object) -> list[Manifest]:
    """Check the objects that a learner wrote in Python.

    Args:
        what: One object, or several.

    Raises:
        UsageError: When one of them is not an object.
    """
    entries = [what] if isinstance(what, Mapping) or not isinstance(what, Iterable) else what
    return [
        _checked(dict(entry) if isinstance(entry, Mapping) else entry, text("The argument"))
        for entry in entries
    ]


@dataclass(frozen=True, repr=False)
class AppliedObject(Displayable):
    """One object that was applied.

    Args:
        kind: Such as ``Role``.
        name: As ``namespace/name``, or the name alone.
        outcome: ``created``, ``changed`` or ``unchanged``.
        adapted: The fields that the backend changed, a line each.
    """

    kind: str
    name: str
    outcome: str
    adapted: tuple[str, ...] = ()

    def card(self) -> Card:
        """Return a card with the object and the fields that the backend changed."""
        rows = [Row("here", line) for line in self.adapted]
        return Card(
            text("{kind} {name} {outcome}", self.kind, self.name, text(self.outcome)), "good", rows
        )


@dataclass(frozen=True, repr=False)
class Applied(Displayable):
    """The result of applying manifests.

    Args:
        objects: One entry an object, in order.
        title: The card's title; the number of objects when empty.
    """

    objects: tuple[AppliedObject, ...]
    title: str = ""

    def card(self) -> Card:
        """Return a card with a line for each object."""
        rows: list[Row] = []
        for entry in self.objects:
            rows.append(Row(entry.outcome, f"{entry.kind} {entry.name}"))
            rows += [Row("", text("on this cluster: {change}", line)) for line in entry.adapted]
        count = len(self.objects)
        title = (
            text("{count} object applied", count)
            if count == 1
            else text("{count} objects applied", count)
        )
        return Card(self.title or title, "good" if count or self.title else "plain", rows)


def apply(
    client: Client,
    resources: Resources,
    manifests: Iterable[Manifest],
    adapt: Adapt,
    *,
    patience_seconds: float = 0.0,
) -> Applied:
    """Create missing objects and patch existing ones, in the manifests' order.

    Args:
        client: The caller.
        resources: Finds paths.
        manifests: The objects.
        adapt: The backend's changes to a manifest.
        patience_seconds: How long to wait for a real cluster's controllers, which add a new
            namespace's default account and a token Secret's token a moment later.

    Raises:
        ApiFailure: When the server refuses one.
        UsageError: When the cluster does not serve the kind.
    """
    done = [_apply_one(client, resources, entry, adapt, patience_seconds) for entry in manifests]
    return Applied(tuple(done))


def title(manifest: Mapping[str, Any]) -> str:
    """Return an object in words, such as ``Role kikai/service-reader``."""
    meta = manifest.get("metadata") or {}
    namespace = meta.get("namespace")
    name = f"{namespace}/{meta.get('name')}" if namespace else str(meta.get("name"))
    return f"{manifest.get('kind')} {name}"


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """Return the differing fields of two objects, a line each: ``spec.x: a → b``."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [*before, *(key for key in after if key not in before)]
        parts = (
            differences(before.get(k), after.get(k), f"{path}.{k}" if path else str(k))
            for k in keys
        )
        return [line for part in parts for line in part]
    # Lists of different lengths are shown whole, because their items have no certain partners.
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [line for i, (a, b) in pairs for line in differences(a, b, f"{path}[{i}]")]
    if before == after:
        return []
    return [f"{path}: {after}" if before is None else f"{path}: {before} → {after}"]


STRICT = {"fieldValidation": "Strict"}
"""Unknown fields are an error, as with ``kubectl apply``."""

# From ValidatePodUpdate and FieldImmutableErrorMsg, and for roleRef from pkg/apis/rbac/validation.
FIXED = (
    "may not change fields",
    "may not add or remove containers",
    "cannot change roleRef",
    "field is immutable",
)
"""Parts of the messages for immutable fields."""

# From Kubernetes' plugin/pkg/admission/serviceaccount/admission.go.
NOT_YET = ("error looking up service account", "No API token found for service account")
"""Parts of the messages for a pod whose account, or, before 1.24, its token, does not exist yet."""

TOKEN_SECRET = "kubernetes.io/service-account-token"
"""The type of a Secret to which a controller adds a token."""


def _lacks_something(client: Client, manifest: Manifest, path: str) -> bool:
    """Return whether a Secret's token or a namespace's account is missing, which a controller adds."""
    if manifest["kind"] == "Namespace":
        return not client.get(f"{path}/serviceaccounts/default").ok
    if manifest.get("type") != TOKEN_SECRET:
        return False
    answer = client.get(path)
    return answer.ok and not (answer.body.get("data") or {}).get("token")


def _apply_one(
    client: Client, resources: Resources, manifest: Manifest, adapt: Adapt, patience_seconds: float
) -> AppliedObject:
    adapted = adapt(manifest)
    path = resources.path(manifest)
    deadline = time.monotonic() + patience_seconds
    # Created first and read after a 409: between a look and a creation another could create it.
    answer = client.post(path.rpartition("/")[0], adapted, query=STRICT)
    while any(content in answer.message for content in NOT_YET) and time.monotonic() < deadline:
        time.sleep(0.1)
        answer = client.post(path.rpartition("/")[0], adapted, query=STRICT)
    outcome = "created"
    if answer.status == 409 and answer.reason == "AlreadyExists":
        before = client.get(path)
        # Strategic, as kubectl does it: a patch of one container leaves the others. No field is ever
        # removed, because labkit, unlike kubectl, records no last manifest in an annotation.
        answer = client.patch(path, adapted, kind="strategic", query=STRICT)
        outcome = (
            # A patch without a change is not written to etcd, so the version is the same.
            "unchanged"
            if answer.ok and _version(before.body) == _version(answer.body)
            else "changed"
        )
    todo = ""
    if any(content in answer.message for content in FIXED):
        todo = text(
            'What is there cannot be changed so. Delete it, lab.admin.delete("{path}"), '
            "and apply again.",
            path,
        )
    answer.raise_for_status(text("{manifest} was not accepted.", title(manifest)), todo)
    while time.monotonic() < deadline and _lacks_something(client, manifest, path):
        time.sleep(0.1)
    name = title(manifest).partition(" ")[2]
    return AppliedObject(
        str(manifest["kind"]), name, outcome, tuple(differences(manifest, adapted))
    )


def _version(body: Any) -> object:
    return body.get("metadata", {}).get("resourceVersion") if isinstance(body, dict) else None


def _flat(document: Any) -> list[Any]:
    # `kubectl get -o yaml` prints several objects so; the kind exists in clients alone.
    if isinstance(document, dict) and document.get("kind") == "List":
        return _flat(document.get("items") or [])
    return list(document) if isinstance(document, list) else [document]


def _checked(entry: Any, source: str) -> Manifest:
    meta = entry.get("metadata") if isinstance(entry, dict) else None
    if not isinstance(meta, dict) or not entry.get("apiVersion") or not entry.get("kind"):
        raise UsageError(
            text("{source} holds something that is no Kubernetes object.", source),
            why="an object has apiVersion, kind and metadata",
            todo="Write all three; in YAML each begins a line.",
        )
    texts = {"apiVersion": entry["apiVersion"], "kind": entry["kind"]}
    texts |= {"name": meta.get("name") or "", "namespace": meta.get("namespace") or ""}
    for field, value in texts.items():
        if not isinstance(value, str):
            why = text("its {field} is {value}, which is no text", field, describe(value))
            raise UsageError(
                text("{source} holds something that is no Kubernetes object.", source),
                why=why,
                todo=AS_TEXT,
            )
    if not texts["name"]:
        raise UsageError(
            text("{source} holds a {kind} without a name.", source, entry["kind"]),
            todo="Give it one: metadata.name.",
        )
    try:
        # YAML can hold values that JSON cannot, such as sets, bytes and lists that contain themselves.
        json.dumps(entry).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            text("{source} holds a value that an object cannot have.", source),
            why=str(error),
            todo=AS_JSON,
        ) from error
    return dict(entry)


AS_TEXT = text("Put it in quotes.")
AS_JSON = text("An object holds text, numbers, true, false, null, lists and dicts.")
