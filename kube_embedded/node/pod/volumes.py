"""Volumes: projected tokens, config maps, secrets, the downward API, and empty directories.

A mounted volume is updated whenever it is read, in the layout of the kubelet's atomic writer: the
files are links through ``..data`` to a directory named by the time.
Source: k8s.io/kubernetes ``pkg/volume/util/atomic_writer.go``.
"""

import base64
import time
from collections.abc import Callable
from typing import TypeVar

from ...container.files.inodes import Directory, File, Link
from ...machinery.objects import namespace_of
from ...machinery.request import Object
from ..api import ClusterApi
from .downward_api import source_value
from .problems import VolumeProblem
from .references import Reference, decode, resolve
from .security import common_user, file_group

# A mounted token is renewed after this part of its lifetime. Source: pkg/kubelet/token/token_manager.go.
RENEW_AT = 0.8

WRITTEN = ("configMap", "secret", "downwardAPI")
DEFAULT_MODE = 0o644
Owned = TypeVar("Owned", File, Directory)

Files = dict[str, tuple[bytes, int]]
"""Path in the volume to content and mode."""

# A token that a user or a group owns is not for others. Source: pkg/volume/projected.
TOKEN_MODE = 0o600

GROUP_READS = 0o440
"""Added to the mode of files of a pod's ``fsGroup``."""

GROUP_ENTERS = 0o2770
"""Added to the mode of directories of a pod's ``fsGroup``."""


class MountedToken:
    """The token file of a ``serviceAccountToken`` projection, renewed before it expires."""

    def __init__(
        self, api: ClusterApi, pod: Callable[[], Object], source: Object, now: Callable[[], float]
    ) -> None:
        self._api = api
        self._pod = pod
        self._audience = source.get("audience") or ""
        self._lifetime = int(source.get("expirationSeconds") or 3600)
        self._now = now
        self._token = b""
        self._issued_at = self._renew_at = 0.0

    def read(self) -> bytes:
        """The token, renewed if it is time; ``VolumeProblem`` if there is none yet and the account does not exist."""
        # A token from a clock that was ahead is not valid yet: the kubelet would not replace it.
        if self._token and self._issued_at <= self._now() < self._renew_at:
            return self._token
        pod = self._pod()
        namespace = namespace_of(pod)
        name = pod["spec"].get("serviceAccountName") or "default"
        # The account can be gone: a token that was issued stays in the file, and is not valid any more.
        account = self._api.get("serviceaccounts", namespace, name)
        if account is None:
            if self._token:
                return self._token
            raise VolumeProblem(f'failed to fetch token: serviceaccounts "{name}" not found')
        issued = self._api.issue_token(pod, account, self._audience, self._lifetime)
        now = self._now()
        self._token = issued.token.encode()
        self._issued_at = now
        self._renew_at = now + (issued.expires - now) * RENEW_AT
        return self._token


class Volume:
    """One volume of a pod; every container that mounts it gets its own directory of the same files."""

    def __init__(
        self, api: ClusterApi, spec: Object, pod: Callable[[], Object], now: Callable[[], float]
    ) -> None:
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

    def files(self) -> Files:
        """Its files as they should be now; ``VolumeProblem`` if a source is missing."""
        if self.spec.get("projected") is not None:
            return self._projected(self.spec["projected"])
        for kind in WRITTEN:
            part = self.spec.get(kind)
            if part is not None:
                source = {kind: {"name": part.get("secretName"), **part}}
                return self._source(source, int(part.get("defaultMode", DEFAULT_MODE)))
        return {}

    def _projected(self, projected: Object) -> Files:
        mode = int(projected.get("defaultMode", DEFAULT_MODE))
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
                problems.append(str(problem))
        if problems:
            raise VolumeProblem(problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]")
        return out

    def _source(self, source: Object, mode: int) -> Files:
        namespace = self._pod()["metadata"]["namespace"]
        reference = resolve(self._api, namespace, source, VolumeProblem)
        if reference is not None:
            return _items(reference, mode)
        files: Files = {}
        for item in (source.get("downwardAPI") or {}).get("items") or ():
            text = source_value(self._api, self._pod(), {}, item) or ""
            files[item["path"]] = (text.encode(), int(item.get("mode", mode)))
        return files

    def mount(self, *, read_only: bool, sub_path: str) -> Directory | File:
        """Return the directory to mount, or the file or directory of a ``subPath`` in it."""
        # The kubelet writes the files of the other volumes, which are read-only.
        if all(self.spec.get(kind) is None for kind in ("projected", *WRITTEN)):
            return self._mount_shared(sub_path, read_only=read_only)
        if sub_path:
            # A file that is mounted by a subPath is not updated, on a real node either.
            content = self.files().get(sub_path)
            if content is None:
                return Directory(mode=0o777, mtime=self._now())
            return self._own(self._file(*content))
        mode = 0o1777 if self._memory else 0o777
        directory = Directory(mode=mode, mtime=self._now(), memory=self._memory, read_only=True)
        directory.refresh = self._refresh
        return self._own(directory, GROUP_ENTERS)

    def _mount_shared(self, sub_path: str, *, read_only: bool) -> Directory | File:
        """Return a view of the directory that all containers of the pod share."""
        shared = self._shared
        for part in _parts(sub_path):
            new = Directory(mode=0o755, mtime=self._now(), parent=shared)
            entry = shared.entries.setdefault(part, self._own(new, GROUP_ENTERS))
            if isinstance(entry, File):
                return entry
            shared = entry if isinstance(entry, Directory) else shared
        view = Directory(mode=shared.mode, gid=shared.gid, mtime=self._now())
        view.entries = shared.entries
        view.read_only = read_only
        return view

    @property
    def _memory(self) -> bool:
        """Return whether its files are in memory, which the kubelet does for all volumes except config maps."""
        return self.spec.get("configMap") is None

    def _own(self, node: Owned, more: int = GROUP_READS) -> Owned:
        """Set the pod's ``fsGroup`` as the group of a node, with ``more`` permission bits."""
        if self._group is not None:
            node.gid = self._group
            node.mode |= more
        return node

    def _refresh(self, directory: Directory) -> None:
        try:
            files = self.files()
        # A source that vanished leaves the files as they were, as on a real node.
        except VolumeProblem:
            return
        if self._shown.get(id(directory)) == files:
            return
        self._shown[id(directory)] = files
        now = self._now()
        fraction = int(now * 1e9) % 10_000_000_000
        stamp = time.strftime("..%Y_%m_%d_%H_%M_%S.", time.gmtime(now)) + f"{fraction:010}"
        data = Directory(mode=0o755, mtime=now, memory=self._memory, parent=directory)
        directory.entries.clear()
        directory.entries[stamp] = data
        # One link is replaced for all files: a program never sees a half of an update.
        directory.entries["..data"] = Link(mode=0o777, mtime=now, target=stamp)
        directory.mtime = now
        for path, (content, mode) in files.items():
            *parents, name = _parts(path) or [""]
            if not name:
                continue
            parent = data
            for part in parents:
                new = Directory(mode=0o755, mtime=now, memory=self._memory, parent=parent)
                entry = parent.entries.setdefault(part, new)
                parent = entry if isinstance(entry, Directory) else parent
            file = self._own(self._file(content, mode))
            if mode == TOKEN_MODE and self._user is not None:
                file.uid = self._user
            parent.entries[name] = file
            first = [*parents, name][0]
            link = Link(mode=0o777, mtime=now, target=f"..data/{first}")
            directory.entries.setdefault(first, link)

    def _file(self, content: bytes, mode: int) -> File:
        return File(mode=mode, mtime=self._now(), data=content, memory=self._memory)


def _parts(path: str) -> list[str]:
    # The API server refuses "..", but not in objects that an older client has stored.
    return [part for part in path.split("/") if part not in ("", ".", "..")]


def _items(reference: Reference, mode: int) -> Files:
    """The files of a config map or a secret; ``VolumeProblem`` if a key in ``items`` is missing and not optional."""
    kind = reference.kind
    spec = reference.spec
    source = reference.found or {}
    data = {key: decode(kind, value) for key, value in (source.get("data") or {}).items()}
    for key, value in (source.get("binaryData") or {}).items():
        data[key] = base64.b64decode(value)
    if not spec.get("items"):
        return {key: (value, mode) for key, value in data.items()}
    files: Files = {}
    for item in spec["items"]:
        if item["key"] in data:
            files[item["path"]] = (data[item["key"]], int(item.get("mode", mode)))
        elif not spec.get("optional"):
            problem = "references non-existent secret"
            if kind == "configMap":
                problem = "configmap references non-existent config"
            raise VolumeProblem(f"{problem} key: {item['key']}")
    return files
