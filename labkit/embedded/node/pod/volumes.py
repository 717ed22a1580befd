"""Volumes: projected tokens, config maps, secrets, the downward API, and empty directories.

A mounted volume is brought up to date whenever it is looked at, in the layout that the
kubelet's atomic writer makes: the files are links through ``..data`` to a directory named
by the time. Source: k8s.io/kubernetes ``pkg/volume/util/atomic_writer.go``.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from typing import TypeVar

from labkit.embedded.container.files.inodes import Directory, File, Link
from labkit.embedded.machinery.request import Object
from labkit.embedded.node.api import NodeApi
from labkit.embedded.node.pod.problems import VolumeProblem
from labkit.embedded.node.pod.resources import resource_value
from labkit.embedded.node.pod.security import common_user, file_group

RENEW_AT = 0.8
"""The part of its lifetime after which a mounted token is renewed."""


Owned = TypeVar("Owned", File, Directory)


Files = dict[str, tuple[bytes, int]]
"""Path in the volume to content and mode."""

TOKEN_MODE = 0o600
"""A token's mode where a user or a group of its own may read it."""

GROUP_READS = 0o440
"""What is added to the mode of files that belong to a pod's ``fsGroup``."""

GROUP_ENTERS = 0o2770
"""What is added to the mode of directories that belong to it."""


class MountedToken:
    """A token file, renewed before it expires.

    Args:
        api: Gives tokens.
        pod: Tells the pod as it is now.
        source: The ``serviceAccountToken`` projection.
        now: Seconds since 1970.
    """

    def __init__(self, api: NodeApi, pod: Callable[[], Object], source: Object, now: Callable[[], float]) -> None:
        self._api = api
        self._pod = pod
        self._audience = source.get("audience") or ""
        self._lifetime = int(source.get("expirationSeconds") or 3600)
        self._now = now
        self._token = b""
        self._issued_at = self._renew_at = 0.0

    def read(self) -> bytes:
        """The token, a new one if it is time.

        Raises:
            VolumeProblem: The account is gone and there is no token yet.
        """
        # One from a clock that was ahead is not valid yet: the kubelet would keep it.
        if self._token and self._issued_at <= self._now() < self._renew_at:
            return self._token
        pod = self._pod()
        namespace = pod["metadata"]["namespace"]
        name = pod["spec"].get("serviceAccountName") or "default"
        account = self._api.get("serviceaccounts", namespace, name)
        if account is None:
            if self._token:
                return self._token
            raise VolumeProblem(f'failed to fetch token: serviceaccounts "{name}" not found')
        token, expires = self._api.issue_token(pod, account, self._audience, self._lifetime)
        now = self._now()
        self._token = token.encode()
        self._issued_at = now
        self._renew_at = now + (expires - now) * RENEW_AT
        return self._token


class Volume:
    """One volume of a pod; every container that mounts it gets its own directory of the same files.

    Args:
        api: Where config maps and secrets are.
        spec: The volume.
        pod: Tells the pod as it is now.
        now: Seconds since 1970.
    """

    def __init__(self, api: NodeApi, spec: Object, pod: Callable[[], Object], now: Callable[[], float]) -> None:
        self._api = api
        self.spec = spec
        self._pod = pod
        self._now = now
        self._group = file_group(pod()["spec"])
        self._user = common_user(pod()["spec"])
        self._shared = self._own(Directory(mode=0o777, mtime=now()), GROUP_ENTERS)
        self._shown: dict[int, Files] = {}
        projected = spec.get("projected") or {}
        self._tokens = {
            index: MountedToken(api, pod, source["serviceAccountToken"], now)
            for index, source in enumerate(projected.get("sources") or ())
            if source.get("serviceAccountToken")
        }

    @property
    def written(self) -> bool:
        """Whether the kubelet writes its files (then it is read-only in effect)."""
        return any(self.spec.get(kind) is not None for kind in ("projected", "configMap", "secret", "downwardAPI"))

    def files(self) -> Files:
        """What it should hold now.

        Raises:
            VolumeProblem: Something it needs is missing.
        """
        spec = self.spec
        if spec.get("projected") is not None:
            return self._projected(spec["projected"])
        if spec.get("configMap") is not None:
            return self._source({"configMap": spec["configMap"]}, int(spec["configMap"].get("defaultMode", 0o644)))
        if spec.get("secret") is not None:
            secret = {**spec["secret"], "name": spec["secret"].get("secretName")}
            return self._source({"secret": secret}, int(secret.get("defaultMode", 0o644)))
        if spec.get("downwardAPI") is not None:
            return self._source(
                {"downwardAPI": spec["downwardAPI"]}, int(spec["downwardAPI"].get("defaultMode", 0o644))
            )
        return {}

    def _projected(self, projected: Object) -> Files:
        mode = int(projected.get("defaultMode", 0o644))
        out: Files = {}
        problems: list[str] = []
        for index, source in enumerate(projected.get("sources") or ()):
            try:
                if index in self._tokens:
                    path = source["serviceAccountToken"].get("path") or "token"
                    owned = self._user is not None or self._group is not None
                    out[path] = (self._tokens[index].read(), TOKEN_MODE if owned else mode)
                else:
                    out.update(self._source(source, mode))
            except VolumeProblem as problem:
                problems.append(problem.message)
        if problems:
            raise VolumeProblem(problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]")
        return out

    def _source(self, source: Object, mode: int) -> Files:
        namespace = self._pod()["metadata"]["namespace"]
        for kind, resource in (("configMap", "configmaps"), ("secret", "secrets")):
            wanted = source.get(kind)
            if wanted is None:
                continue
            found = self._api.get(resource, namespace, wanted.get("name") or "")
            if found is None:
                if wanted.get("optional"):
                    return {}
                raise VolumeProblem(f'{resource[:-1]} "{wanted.get("name") or ""}" not found')
            return _chosen(_data(found), wanted, mode, kind.lower())
        out: Files = {}
        for item in (source.get("downwardAPI") or {}).get("items") or ():
            pod = self._pod()
            if item.get("resourceFieldRef"):
                node = self._api.get("nodes", "", pod["spec"].get("nodeName") or "")
                text: str | None = resource_value(pod, {}, item["resourceFieldRef"], node)
            else:
                text = field_value(pod, (item.get("fieldRef") or {}).get("fieldPath", ""))
            out[item["path"]] = ((text or "").encode(), int(item.get("mode", mode)))
        return out

    def mount(self, *, read_only: bool, sub_path: str = "") -> Directory | File:
        """A directory to be put into a container's tree, or what a ``subPath`` names in it."""
        if not self.written:
            shared = self._shared
            for part in sub_path.split("/"):
                if part not in ("", ".", ".."):
                    below = shared.entries.setdefault(
                        part, self._own(Directory(mode=0o755, mtime=self._now(), parent=shared), GROUP_ENTERS)
                    )
                    if isinstance(below, File):
                        return below
                    shared = below if isinstance(below, Directory) else shared
            return Directory(
                mode=shared.mode, gid=shared.gid, mtime=self._now(), entries=shared.entries, read_only=read_only
            )
        if sub_path:
            found = self.files().get(sub_path)
            if found is None:
                return Directory(mode=0o777, mtime=self._now())
            return self._own(File(mode=found[1], mtime=self._now(), data=found[0], memory=self._memory))
        mode = 0o1777 if self._memory else 0o777
        directory = Directory(mode=mode, mtime=self._now(), memory=self._memory, read_only=True)
        directory.refresh = self._refresh
        return self._own(directory, GROUP_ENTERS)

    @property
    def _memory(self) -> bool:
        """Whether the kubelet keeps its files in memory: all but those of a config map."""
        return self.spec.get("configMap") is None

    def _own(self, node: Owned, more: int = GROUP_READS) -> Owned:
        """Give a file or directory to the pod's ``fsGroup``, with ``more`` permission bits."""
        if self._group is not None:
            node.gid = self._group
            node.mode |= more
        return node

    def _refresh(self, directory: Directory) -> None:
        try:
            files = self.files()
        except VolumeProblem:
            return
        if self._shown.get(id(directory)) == files:
            return
        self._shown[id(directory)] = files
        now = self._now()
        stamp = time.strftime("..%Y_%m_%d_%H_%M_%S.", time.gmtime(now)) + f"{int(now * 1e9) % 10_000_000_000:010}"
        data = Directory(mode=0o755, mtime=now, memory=self._memory, parent=directory)
        directory.entries.clear()
        directory.entries[stamp] = data
        directory.entries["..data"] = Link(mode=0o777, mtime=now, target=stamp)
        directory.mtime = now
        for path, (content, mode) in files.items():
            parts = [part for part in path.split("/") if part not in ("", ".", "..")]
            if not parts:
                continue
            here = data
            for part in parts[:-1]:
                below = here.entries.setdefault(
                    part, Directory(mode=0o755, mtime=now, memory=self._memory, parent=here)
                )
                if isinstance(below, Directory):
                    here = below
            made = self._own(File(mode=mode, mtime=now, data=content, memory=self._memory))
            if mode == TOKEN_MODE and self._user is not None:
                made.uid = self._user
            here.entries[parts[-1]] = made
            directory.entries.setdefault(parts[0], Link(mode=0o777, mtime=now, target=f"..data/{parts[0]}"))


def _data(obj: Object) -> dict[str, bytes]:
    out: dict[str, bytes] = {}
    for key, value in (obj.get("data") or {}).items():
        if obj.get("kind") == "Secret" or "type" in obj:
            out[key] = base64.b64decode(value)
        else:
            out[key] = value.encode()
    for key, value in (obj.get("binaryData") or {}).items():
        out[key] = base64.b64decode(value)
    return out


def _chosen(data: dict[str, bytes], wanted: Object, mode: int, kind: str) -> Files:
    items = wanted.get("items")
    if not items:
        return {key: (value, mode) for key, value in data.items()}
    out: Files = {}
    for item in items:
        if item["key"] not in data:
            if wanted.get("optional"):
                continue
            what = (
                "configmap references non-existent config" if kind == "configmap" else f"references non-existent {kind}"
            )
            raise VolumeProblem(f"{what} key: {item['key']}")
        out[item["path"]] = (data[item["key"]], int(item.get("mode", mode)))
    return out


SEEN = "kubernetes.io/config.seen"
SOURCE = "kubernetes.io/config.source"
"""What a kubelet adds to a pod's annotations: when it heard of the pod, and from whom."""


def quoted(text: str) -> str:
    """A text as Go's ``%q`` writes it."""
    return json.dumps(text, ensure_ascii=False)


def field_value(pod: Object, path: str) -> str | None:
    """The value of a downward API field, or None if there is none.

    Args:
        pod: The pod.
        path: Such as ``metadata.name`` or ``metadata.labels['app']``.
    """
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    match = re.fullmatch(r"metadata\.(labels|annotations)\['([^']+)'\]", path)
    if match is not None:
        return str((metadata.get(match[1]) or {}).get(match[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        pairs = metadata.get(path.partition(".")[2]) or {}
        if path == "metadata.annotations":
            pairs = {**pairs, SEEN: str(metadata.get("creationTimestamp") or ""), SOURCE: "api"}
        return "\n".join(f"{key}={quoted(value)}" for key, value in sorted(pairs.items()))
    values = {
        "metadata.name": metadata.get("name"),
        "metadata.namespace": metadata.get("namespace"),
        "metadata.uid": metadata.get("uid"),
        "spec.nodeName": spec.get("nodeName"),
        "spec.serviceAccountName": spec.get("serviceAccountName"),
        "status.podIP": status.get("podIP"),
        "status.podIPs": status.get("podIP"),
        "status.hostIP": status.get("hostIP"),
        "status.hostIPs": status.get("hostIP"),
    }
    found = values.get(path)
    return str(found) if found is not None else None
