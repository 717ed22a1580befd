"""Clients that write as fast as they can and remember what was acknowledged."""

from __future__ import annotations

import http.client
import json
import random
import threading
from dataclasses import dataclass, field
from typing import Any

from kube_embedded.tests.support.server import Server

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
NAMES_PER_WRITER = 20


@dataclass
class Known:
    """What is known of one object.

    Args:
        acknowledged: Its value and resource version as last acknowledged; None if it was deleted.
        pending: The value of a write whose answer never came; ``""`` stands for a deletion.
    """

    acknowledged: tuple[str, str] | None = None
    pending: str | None = None


@dataclass
class Writer:
    """Creates, replaces and deletes config maps of its own, one request after the other.

    Args:
        name: Goes into the names of its objects.
        seed: Of its choices.
    """

    name: str
    seed: int
    objects: dict[str, Known] = field(default_factory=dict)
    namespaces: dict[str, bool] = field(default_factory=dict)
    audit_ids: list[str] = field(default_factory=list)
    count: int = 0
    trouble: str = ""

    def start(self, server: Server) -> threading.Thread:
        """Write in a thread until the server is gone.

        Args:
            server: Where to.
        """
        identity = server.identity("kubernetes-admin", ("system:masters",))
        thread = threading.Thread(target=self._run, args=(server.connect(identity),), daemon=True)
        thread.start()
        return thread

    def _run(self, connection: http.client.HTTPSConnection) -> None:
        choose = random.Random(self.seed + self.count)
        try:
            while not self.trouble:
                self._write(connection, choose)
        except (OSError, http.client.HTTPException):
            pass  # killed
        finally:
            connection.close()

    def _write(self, connection: http.client.HTTPSConnection, choose: random.Random) -> None:
        self.count += 1
        if self.count % 25 == 0:
            self._make_namespace(connection)
            return
        name = f"{self.name}-{choose.randrange(NAMES_PER_WRITER)}"
        known = self.objects.setdefault(name, Known())
        if known.acknowledged is None:
            method, path, value = "POST", CONFIG_MAPS, self._value(choose)
        elif choose.random() < 0.25:
            method, path, value = "DELETE", f"{CONFIG_MAPS}/{name}", ""
        else:
            method, path, value = "PUT", f"{CONFIG_MAPS}/{name}", self._value(choose)
        known.pending = value
        obj = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name},
            "data": {"a": value, "b": value},
        }
        status, body = self._send(connection, method, path, obj if value else None)
        if status not in (200, 201):
            self.trouble = f"{method} {path}: {status} {body}"
            return
        known.pending = None
        known.acknowledged = (value, body["metadata"]["resourceVersion"]) if value else None

    def _make_namespace(self, connection: http.client.HTTPSConnection) -> None:
        name = f"{self.name}-{self.count}"
        self.namespaces[name] = False
        obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        status, body = self._send(connection, "POST", "/api/v1/namespaces", obj)
        if status != 201:
            self.trouble = f"namespace {name}: {status} {body}"
        self.namespaces[name] = True

    def _send(
        self, connection: http.client.HTTPSConnection, method: str, path: str, obj: Any
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": "application/json"} if obj else {}
        connection.request(method, path, json.dumps(obj) if obj else None, headers)
        response = connection.getresponse()
        body = json.loads(response.read())
        self.audit_ids.append(response.headers["Audit-Id"])
        return response.status, body

    def _value(self, choose: random.Random) -> str:
        return f"{self.count}:" + "x" * choose.randrange(4000)


def contradictions(writers: list[Writer], server: Server) -> list[str]:
    """What the server lost, kept halfway, or made up.

    What a crash left undecided is decided by this look: it is remembered as the server has it.

    Args:
        writers: All that wrote to it.
        server: Started anew on the same directory.
    """
    listed = server.call("GET", CONFIG_MAPS).json()
    found = {item["metadata"]["name"]: item for item in listed["items"]}
    wrong: list[str] = []
    highest = 0
    for writer in writers:
        for name, known in writer.objects.items():
            item = found.pop(name, None)
            wrong += _compare(name, known, item)
            if known.acknowledged:
                highest = max(highest, int(known.acknowledged[1]))
    wrong += [f"{name} was never written" for name in found if name != "kube-root-ca.crt"]
    if int(listed["metadata"]["resourceVersion"]) < highest:
        wrong.append(
            f"the counter went back to {listed['metadata']['resourceVersion']} from {highest}"
        )
    return wrong + _namespaces(writers, server)


def _compare(name: str, known: Known, item: dict[str, Any] | None) -> list[str]:
    pending, known.pending = known.pending, None
    if item is None:
        lost = known.acknowledged is not None and pending != ""
        known.acknowledged = None
        return [f"{name} is lost"] if lost else []
    value, version = item["data"]["a"], item["metadata"]["resourceVersion"]
    before, known.acknowledged = known.acknowledged, (value, version)
    if item["data"]["b"] != value:
        return [f"{name} is half written"]
    if (value, version) != before and value != pending:
        return [
            f"{name} is {value[:20]!r} at {version}, not {before and before[0][:20]!r} at {before and before[1]}"
        ]
    return []


def _namespaces(writers: list[Writer], server: Server) -> list[str]:
    """A namespace comes with its account and its config map, all in one, or not at all."""

    def names(path: str, field: str) -> set[str]:
        return {item["metadata"][field] for item in server.call("GET", path).json()["items"]}

    present = names("/api/v1/namespaces", "name")
    accounts = names("/api/v1/serviceaccounts?fieldSelector=metadata.name=default", "namespace")
    roots = names("/api/v1/configmaps?fieldSelector=metadata.name=kube-root-ca.crt", "namespace")
    wrong = []
    for writer in writers:
        for name, acknowledged in writer.namespaces.items():
            if acknowledged and name not in present:
                wrong.append(f"namespace {name} is lost")
            if not (name in present) == (name in accounts) == (name in roots):
                wrong.append(f"namespace {name} is half made")
            writer.namespaces[name] = name in present
    return wrong
