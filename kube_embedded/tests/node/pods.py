"""A cluster in this process with a node and a clock, and commands run in its pods."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from kube_embedded.apiserver.storage import Store
from kube_embedded.cluster import Cluster
from kube_embedded.machinery.request import ExecSession, Object, PeerCertificate, Request, Response
from kube_embedded.tests.container.harness import Done
from kube_embedded.tests.container.textio import TextIO
from kube_embedded.tests.support.cluster import Caller, Clock, first_objects, keys

ADMIN = PeerCertificate("kubernetes-admin", ("system:masters",), "00")


class Lab:
    """A cluster with a node.

    Args:
        node: Whether it has one.
    """

    def __init__(self, *, node: bool = True) -> None:
        self.clock = Clock()
        objects = Store(first_objects("now", node))
        self.cluster = Cluster(keys(), objects, clock=self.clock, node=node)
        self.admin = Caller(self.cluster, ADMIN)

    def pod(self, name: str = "p", *, namespace: str = "default", **spec: Any) -> Object:
        """Create a pod and give it back as it is then."""
        spec.setdefault(
            "containers", [{"name": "main", "image": "ubuntu", "command": ["sleep", "9999999"]}]
        )
        for container in spec["containers"]:
            container.setdefault("name", "main")
            container.setdefault("image", "busybox")
        made = self.admin.post(
            f"/api/v1/namespaces/{namespace}/pods", {"metadata": {"name": name}, "spec": spec}
        )
        assert made.status == 201, made.body
        return self.get(name, namespace=namespace)

    def get(self, name: str = "p", *, namespace: str = "default") -> Object:
        """A pod."""
        found: Object = self.admin.get(f"/api/v1/namespaces/{namespace}/pods/{name}").body
        return found

    def state(self, name: str = "p", place: int = 0) -> Object:
        """A container's status."""
        found: Object = self.get(name)["status"]["containerStatuses"][place]
        return found

    def wait(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += step
            self.cluster.advance()

    def events(self, name: str = "p") -> list[tuple[str, int]]:
        """Reasons and counts of a pod's events."""
        items = self.admin.get("/api/v1/namespaces/default/events").body["items"]
        return [
            (item["reason"], item["count"])
            for item in items
            if item["involvedObject"]["name"] == name
        ]

    def ask(self, path: str, headers: dict[str, str] | None = None) -> Response:
        """A GET request's answer as it is."""
        where, _, query = path.partition("?")
        from urllib.parse import parse_qs

        return self.cluster.handle(
            Request(
                "GET",
                where,
                parse_qs(query, keep_blank_values=True),
                headers or {},
                b"",
                ADMIN,
                raw_uri=path,
            )
        )

    def session(
        self, pod: str, words: Sequence[str], *, container: str = "", **flags: str
    ) -> ExecSession:
        """An exec that was accepted."""
        namespace, _, name = pod.rpartition("/")
        query = [("command", word) for word in words] + [
            ("stdout", "true"),
            ("stderr", "true"),
            *flags.items(),
        ]
        query += [("container", container)] if container else []
        answer = self.ask(
            f"/api/v1/namespaces/{namespace or 'default'}/pods/{name}/exec?{urlencode(query)}"
        )
        assert answer.upgrade is not None, answer.body
        return answer.upgrade

    def exec(self, script: str, pod: str = "p", *, container: str = "", shell: str = "sh") -> Done:
        """Run a script in a pod."""
        io = TextIO()
        status = asyncio.run(
            _result(self.session(pod, [shell, "-c", script], container=container), io)
        )
        causes = (status.get("details") or {}).get("causes") or [{}]
        code = 0 if status["status"] == "Success" else int(causes[0].get("message", "-1"))
        return Done(code, bytes(io.out[1]).decode(), bytes(io.out[2]).decode())

    def log(self, name: str = "p", query: str = "") -> str:
        """A pod's log."""
        return self.ask(f"/api/v1/namespaces/default/pods/{name}/log?{query}").body.decode()


async def _result(session: ExecSession, io: TextIO) -> Object:
    return await session.run(io)
