"""Read policies, questions and audit logs for ``labkit rbac``, from files or from a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from kube_embedded.rbac.objects import Object
from labkit.core.errors import UsageError
from labkit.core.home import ensure_private, home_path, unreadable
from labkit.core.language import text
from labkit.core.yaml_file import NOT_YAML
from labkit.rbac.policy import Policy, PolicyUnreadable, read_policy
from labkit.rbac.testing.policies import policy_of
from labkit.rbac.testing.vocabulary import Vocabulary, of_discovery, standard

if TYPE_CHECKING:
    from labkit.client.client import Client

# Both limits bound the memory that a file from elsewhere, or one named by mistake, can take.
MAX_BYTES = 16 << 20
"""The largest file of manifests or questions that is read."""

MAX_LINE_BYTES = 1 << 20
"""The longest line of an audit log that is read."""

SUFFIXES = (".yaml", ".yml", ".json")


class _Loader(yaml.CSafeLoader):
    """Refuses a key that is there twice, of which YAML's own loader forgets the first."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        # YAML forbids equal keys, but PyYAML takes the last one. In a policy, a second `rules`
        # would silently remove the first.
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                raise ValueError(
                    text(
                        "line {number}: the key {key} is there twice",
                        key.start_mark.line + 1,
                        key.value,
                    )
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


class Source(NamedTuple):
    """A policy with what questions about it may name."""

    policy: Policy
    vocabulary: Vocabulary


def from_files(paths: Sequence[Path]) -> Source:
    """The policy of a cluster to which the manifests of some files and directories were applied.

    Raises:
        UsageError: A file cannot be read, or holds what is no policy.
    """
    objects = [obj for path in paths for file in _files(path) for obj in _objects(file)]
    policy = policy_of(objects)
    return Source(policy, standard().of(policy, objects))


def from_cluster(kubeconfig: Path, context: str) -> Source:
    """The policy of a cluster, which is only read.

    Raises:
        UsageError: The caller may not read its roles and bindings.
        LabkitError: It does not answer.
    """
    from labkit.client import kubeconfig as kubeconfigs
    from labkit.client.client import Client

    named = kubeconfigs.load(kubeconfig, context, scratch=ensure_private(home_path()))
    client = Client(named.endpoint, named.credentials)
    try:
        policy = read_policy(client)
    except PolicyUnreadable as error:
        # An incomplete policy would answer “no” where the cluster allows a request.
        what = text("The cluster's policy cannot be read.")
        raise UsageError(what, why=error.message, todo="Ask as its administrator.") from error
    objects = [
        {**item, "kind": kind}
        for kind, path in (
            ("Namespace", "/api/v1/namespaces"),
            ("ServiceAccount", "/api/v1/serviceaccounts"),
        )
        for item in client.get(path).items
    ]
    return Source(policy, of_discovery(_discovery(client)).of(policy, objects))


def questions_document(file: Path) -> Any:
    """What a file of questions holds.

    Raises:
        UsageError: It cannot be read, or is not YAML.
    """
    documents = list(_documents(file))
    if len(documents) != 1:
        raise UsageError(
            text("{file} holds {documents} documents.", file, len(documents)),
            todo="Write all questions in one.",
        )
    return documents[0]


class AuditEvents:
    """The events of an audit log of any length, read line by line, with how many lines are none.

    Args:
        path: The log; or a folder, for a log that was rotated: its files whose names end in ``.log``.

    Raises:
        UsageError: A folder has no such file.
    """

    def __init__(self, path: Path) -> None:
        self._files = _logs(path)
        self.lines = 0
        self.broken = 0

    def __iter__(self) -> Iterator[Any]:
        for file in self._files:
            yield from self._events(file)

    def _events(self, file: Path) -> Iterator[Any]:
        try:
            with file.open("rb") as log:
                # A longer line comes in pieces, which are no JSON and count as broken.
                while line := log.readline(MAX_LINE_BYTES):
                    self.lines += 1
                    try:
                        event = json.loads(line)
                    # json raises RecursionError for thousands of nested brackets.
                    except (ValueError, RecursionError):
                        event = None
                    if isinstance(event, dict):
                        yield event
                    elif line.strip():
                        self.broken += 1
        except OSError as error:
            raise unreadable(file, error) from error


def _logs(path: Path) -> list[Path]:
    """Return a log's files, the oldest first."""
    if not path.is_dir():
        return [path]
    # kube-apiserver names a rotated file after the time of its rotation; the current one was written last.
    files = sorted(path.glob("*.log"), key=lambda file: (file.stat().st_mtime, file.name))
    if not files:
        raise UsageError(
            text("{path} holds no audit log.", path),
            todo=text("Its files end in {suffix}.", ".log"),
        )
    return files


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    # Sorted, so that messages and reports do not depend on the file system.
    files = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
    if not files:
        raise UsageError(
            text("{path} holds no manifests.", path),
            todo=text("They end in {suffixes}.", ", ".join(SUFFIXES)),
        )
    return files


def _objects(file: Path) -> Iterator[Object]:
    """The objects of a file; the items of a List. Values of other tools, which have no kind, are left out."""
    for document in _documents(file):
        items = document.get("items") if isinstance(document, dict) else None
        listed = isinstance(items, list) and str(document.get("kind", "")).endswith("List")
        for obj in items or () if listed else [document]:
            if (
                isinstance(obj, dict)
                and isinstance(obj.get("kind"), str)
                and isinstance(obj.get("metadata"), dict)
            ):
                yield obj


def _documents(file: Path) -> Iterator[Any]:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise UsageError(
                text("{file} is larger than {bytes} MiB.", file, MAX_BYTES >> 20),
                todo="Leave out what is no policy.",
            )
        content = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(file, error) from error
    # A chart's template can be valid YAML, with braces where names should be.
    if "{{" in content:
        raise UsageError(
            text("{file} is a template.", file), todo="Render it first, such as with helm template."
        )
    try:
        for document in yaml.load_all(content, Loader=_Loader):
            if document is not None:
                yield document
    except NOT_YAML as error:
        raise UsageError(
            text("{file} is not YAML.", file),
            why=" ".join(str(error).split())[:300],
            todo="Correct it.",
        ) from error


def _discovery(client: Client) -> Iterator[tuple[str, str, bool, list[str]]]:
    from labkit.client.discovery import group_versions, resource_entries

    for version in group_versions(client, every=True):
        for entry in resource_entries(client, version):
            yield (
                version.rpartition("/")[0],
                entry["name"],
                bool(entry["namespaced"]),
                entry["verbs"],
            )
