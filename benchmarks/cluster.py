"""Figures of the pure core: no sockets, a ``Cluster`` in this process."""

from __future__ import annotations

import gc
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import psutil

from kube_embedded.cluster import Cluster
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.machinery.request import PeerCertificate, Request, Response

ADMIN = PeerCertificate("kubernetes-admin", ("system:masters",), "0" * 64)
RBAC = "/apis/rbac.authorization.k8s.io/v1"
CONTINUE = re.compile(rb'"continue":"([^"]+)"')


def ask(
    cluster: Cluster, method: str, path: str, body: Any = None, user: str | None = None
) -> Response:
    """One request straight into ``handle``, as the administrator or another certificate."""
    bare, _, query = path.partition("?")
    headers = {"accept": "application/json", "content-type": "application/json"}
    return cluster.handle(
        Request(
            method,
            bare,
            parse_qs(query),
            headers,
            b"" if body is None else json.dumps(body).encode(),
            ADMIN if user is None else PeerCertificate(user, (), "1" * 64),
            raw_uri=path,
        )
    )


def made(response: Response) -> None:
    """Raise unless an object was created."""
    if response.status != 201:
        raise RuntimeError(f"{response.status}: {response.body.decode()[:300]}")


def timed(work: Callable[[], object], rounds: int = 5) -> float:
    """The median seconds of a piece of work."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def first_answer(keys: Keys) -> float:
    """Seconds from nothing to the first authenticated answer, with keys given."""

    def work() -> None:
        cluster = Cluster(keys)
        if ask(cluster, "GET", "/api/v1/namespaces/default").status != 200:
            raise RuntimeError("the first answer was no answer")
        cluster.close()

    work()
    return timed(work, 9)


def many_objects(keys: Keys, counts: tuple[int, ...]) -> list[dict[str, float]]:
    """How listing, selecting and paging grow with the objects of a namespace."""
    cluster = Cluster(keys, node=False)
    rows = []
    number = 0
    base = "/api/v1/namespaces/default/configmaps"
    for count in counts:
        begin = time.perf_counter()
        before = number
        while number < count:
            metadata = {
                "name": f"c{number:05}",
                "labels": {"tenth": str(number % 10), "i": str(number)},
            }
            made(
                ask(
                    cluster,
                    "POST",
                    base,
                    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata},
                )
            )
            number += 1
        create = (time.perf_counter() - begin) / max(1, number - before)

        def pages() -> None:
            token = ""
            while True:
                # Parsed, ten thousand objects would cost more than they do to list.
                head = ask(cluster, "GET", f"{base}?limit=500&continue={token}").body[:1000]
                more = CONTINUE.search(head)
                if more is None:
                    return
                token = more[1].decode()

        rows.append(
            {
                "objects": count,
                "create_us": create * 1e6,
                "list_ms": timed(lambda: ask(cluster, "GET", base), 3) * 1000,
                "select_ms": timed(
                    lambda: ask(cluster, "GET", f"{base}?labelSelector=tenth%3D3"), 3
                )
                * 1000,
                "pages_ms": timed(pages, 3) * 1000,
                "get_us": timed(lambda: ask(cluster, "GET", f"{base}/c00007"), 200) * 1e6,
            }
        )
    cluster.close()
    return rows


def bindings(keys: Keys, counts: tuple[int, ...]) -> list[dict[str, float]]:
    """The time to authorize a request, by the number of bindings of other users."""
    cluster = Cluster(keys, node=False)
    rule = {"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list"]}
    role = {"kind": "ClusterRole", "metadata": {"name": "reader"}, "rules": [rule]}
    made(
        ask(
            cluster,
            "POST",
            f"{RBAC}/clusterroles",
            {"apiVersion": "rbac.authorization.k8s.io/v1", **role},
        )
    )

    def bind(name: str, user: str) -> None:
        body = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name, "namespace": "default"},
            "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
            "roleRef": {
                "kind": "ClusterRole",
                "name": "reader",
                "apiGroup": "rbac.authorization.k8s.io",
            },
        }
        made(ask(cluster, "POST", f"{RBAC}/namespaces/default/rolebindings", body))

    def once(path: str, status: int) -> None:
        if ask(cluster, "GET", f"/api/v1/namespaces/default/{path}", user="jane").status != status:
            raise RuntimeError(f"GET {path} was not {status}")

    bind("zz-jane", "jane")
    rows = []
    number = 1
    for count in counts:
        while number < count:
            bind(f"b{number:05}", f"user{number}")
            number += 1
        rows.append(
            {
                "bindings": count,
                "allowed_us": timed(lambda: once("services/none", 404), 500) * 1e6,
                "forbidden_us": timed(lambda: once("secrets", 403), 500) * 1e6,
            }
        )
    cluster.close()
    return rows


def many_clusters(count: int) -> dict[str, float]:
    """A thousand clusters in one process; measured in a process of its own."""
    code = f"import benchmarks.cluster as c, json; print(json.dumps(c.fill({count})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def fill(count: int) -> dict[str, float]:
    """Create clusters that share their keys, use each a little, and measure the memory of all."""
    keys = Keys.generate()
    process = psutil.Process()
    gc.collect()
    begin, before = time.perf_counter(), process.memory_info().rss
    clusters = []
    for _ in range(count):
        cluster = Cluster(keys)
        made(
            ask(
                cluster,
                "POST",
                "/api/v1/namespaces",
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kikai"}},
            )
        )
        clusters.append(cluster)
    elapsed = time.perf_counter() - begin
    used = process.memory_info().rss - before
    return {
        "clusters": len(clusters),
        "ms_each": elapsed / count * 1000,
        "kib_each": used / count / 1024,
        "total_mib": process.memory_info().rss / 1024**2,
    }
