"""A cluster for a project's own tests, in which programs run under their service accounts.

- ``pytest_plugin``  the fixtures ``session_cluster`` and ``cluster``; off unless a project names it

Which rights an account used, lacked and never used is found by ``kube_embedded.rbac.rights``.

Without pytest::

    with LocalCluster() as cluster:
        account = cluster.account("shop/web", manifests="deploy/rbac.yaml")
        restart_deployments(account.kubernetes())
        account.check()

docs/testing.md has complete examples.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import cache
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Thread
from typing import Any, Self, TypeVar

from .. import ADMIN, KINDS, ApiServer, Cluster, Keys, PeerCertificate, ask, listen
from ..apiserver.authentication.groups import authenticated
from ..apiserver.authorization.attributes import attributes_of
from ..apiserver.authorization.refusal import refusal
from ..machinery import libraries
from ..machinery.request import Request, RequestInfo, Response
from ..rbac.rights import Right, Rights, right_of, unused

Manifests = str | Path | Iterable[Any]
"""The path of a YAML file, YAML (any text with a line break), an object, or several of these."""

T = TypeVar("T")

# pytest shows the line of the test that failed, not one of this module.
__tracebackhide__ = True

# Generating them takes longer than the rest of a start.
_keys = cache(Keys.generate)


class Account:
    """A service account of a cluster, with a kubeconfig and clients that it logs in; see ``LocalCluster.account``.

    kubectl, kopf and programs in processes of their own read ``KUBECONFIG``. In a coroutine, kr8s is
    ``await kr8s.asyncio.api(kubeconfig=account.kubeconfig)``.

    Args:
        cluster: Its cluster.
        namespace: Its namespace, and that of requests that name none.
        token: A bearer token, valid for a day and until the cluster is rewound.
    """

    def __init__(self, cluster: LocalCluster, namespace: str, token: str) -> None:
        # Nobody else can read the file, and it is removed when the cluster is rewound.
        file = cluster.closing.enter_context(NamedTemporaryFile("w", suffix=".yaml"))  # noqa: SIM115 - by the stack
        authority = base64.b64encode(cluster.cluster.keys.ca_certificate).decode()
        file.write(
            f"""apiVersion: v1
kind: Config
clusters:
- name: local
  cluster: {{server: "https://{cluster.cluster.address}", certificate-authority-data: {authority}}}
users:
- name: local
  user: {{token: {token}}}
contexts:
- name: local
  context: {{cluster: local, user: local, namespace: {namespace}}}
current-context: local
"""
        )
        file.flush()
        self.kubeconfig: str = file.name
        """The path of its kubeconfig."""
        self.namespace = namespace
        self.token = token
        self.user = authenticated(cluster.cluster.tokens(token).user)
        self._cluster = cluster

    def kubernetes(self) -> Any:
        """An ``ApiClient`` of the official client, for ``CoreV1Api(…)``."""
        from kubernetes.config import new_client_from_config

        return new_client_from_config(self.kubeconfig)

    def kr8s(self) -> Any:
        """The API of kr8s, without asyncio."""
        import kr8s

        return kr8s.api(kubeconfig=self.kubeconfig)

    def lightkube(self) -> Any:
        """A ``Client`` of lightkube."""
        from lightkube import Client, KubeConfig

        return Client(KubeConfig.from_file(self.kubeconfig).get())

    def allowed(self, verb: str, resource: str, **where: str) -> str:
        """Assert that the account has a right.

        Args:
            verb: Such as ``list``.
            resource: With its API group, such as ``pods``, ``deployments.apps`` or ``pods/exec``.
            where: ``name`` of an object; ``namespace`` if it is not the account's, empty for the whole cluster.

        Returns:
            The authorizer's reason: the binding that grants it.

        Raises:
            AssertionError: It lacks the right. The message has the rule that is missing.
            KeyError: The cluster does not serve the resource.
        """
        return self._expect(True, verb, resource, **where)

    def refused(self, verb: str, resource: str, **where: str) -> str:
        """Assert that the account lacks a right; the arguments are those of ``allowed``.

        Returns:
            The server's message, with the authorizer's reason if it has one, such as a role that does not exist.

        Raises:
            AssertionError: It has the right. The message has the binding that grants it.
            KeyError: The cluster does not serve the resource: its refusal would prove nothing.
        """
        return self._expect(False, verb, resource, **where)

    def rights(self) -> Rights:
        """Report which rights the account used, lacked and never used since the cluster was rewound."""
        cluster = self._cluster.cluster
        used = self._decided("allow")
        once = dict.fromkeys(right._replace(name="") for right in used)
        # A dict, since the rights for the whole cluster are found in each namespace.
        rest = {
            right: None
            for space in cluster.store.list("namespaces")
            for grant in cluster.rbac.rules_for(self.user, space["metadata"]["name"], [])
            # What a group has, others have too.
            if grant.entry["kind"] != "Group"
            for right in unused(grant.rule, grant.binding["metadata"].get("namespace", ""), used)
        }
        return Rights(self.user.name, list(once), self._decided("forbid"), list(rest))

    def check(self) -> None:
        """Raise ``AssertionError`` with the report if the server refused the account anything."""
        assert not self._decided("forbid"), str(self.rights())

    def until(self, condition: Callable[[], T], seconds: float = 10.0) -> T:
        """Wait for a program that runs in the background, such as an operator.

        In a coroutine: ``await asyncio.to_thread(account.until, condition)``.

        Args:
            condition: Called every 10 ms.
            seconds: The longest wait.

        Returns:
            The first true value of the condition.

        Raises:
            AssertionError: The server refused the account something, or the time is over; the message is the report.
        """
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            self.check()
            assert time.monotonic() < deadline, f"not within {seconds} s\n{self.rights()}"
            time.sleep(0.01)
        return value

    def _expect(
        self, allowed: bool, verb: str, resource: str, name: str = "", namespace: str | None = None
    ) -> str:
        cluster = self._cluster.cluster
        qualified, _, part = resource.partition("/")
        kinds = {kind.qualified: kind for kind in (*KINDS, *cluster.registry.custom.served())}
        kind = kinds[qualified]
        # Multiplied by False it is empty.
        place = (self.namespace if namespace is None else namespace) * kind.namespaced
        info = RequestInfo(True, "", verb, "", kind.group, "", place, kind.plural, part, name)
        question = attributes_of(self.user, info)
        decision = self._cluster.run(lambda: cluster.authorize(question))
        message = refusal(question, decision.reason).message
        if decision.allowed:
            message = decision.reason
        assert decision.allowed is allowed, (
            f"{message}\n{right_of(question).rule if allowed else ''}"
        )
        return message

    def _decided(self, decision: str) -> list[Right]:
        return list(self._cluster.decisions[self.user.name, decision])


class LocalCluster:
    """A cluster in this process, served by a thread at a free port of 127.0.0.1: a context manager.

    Its objects are in memory. A test prepares objects by ``apply`` and looks at them by ``request``.
    Its clock is the process' own, and tokens expire where a test moves it.

    Args:
        node: If true, pods run. Without a node they stay Pending.
    """

    def __init__(self, *, node: bool = True) -> None:
        self.decisions: dict[tuple[str, str], dict[Right, None]] = defaultdict(dict)
        """(user name, ``allow`` or ``forbid``) to the rights that were asked for since the cluster was rewound."""
        self.closing = ExitStack()
        """What ends when the cluster is rewound."""
        self.cluster = Cluster(_keys(), node=node)
        """The cluster itself; see ``run``."""
        self._handle = self.cluster.handle
        self.cluster.handle = self._answer
        self.save()

    def __enter__(self) -> Self:
        """Start to serve."""
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self.run(lambda: ApiServer(self.cluster, listen(0)))
        self.cluster.address = f"127.0.0.1:{self._server.port}"
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the kubeconfigs, and stop to serve."""
        self.closing.close()
        asyncio.run_coroutine_threadsafe(self._server.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def account(self, name: str, *, manifests: Manifests = ()) -> Account:
        """Return a service account with a new token, which is valid for a day.

        Args:
            name: Namespace and name, such as ``shop/web``. Both are created if they are missing.
            manifests: Its roles and bindings; see ``apply``. The account's namespace is the default.

        Raises:
            AssertionError: The server refuses a manifest.
        """
        namespace, _, name = name.partition("/")
        for kind, own_name in (("Namespace", namespace), ("ServiceAccount", name)):
            obj = {"apiVersion": "v1", "kind": kind, "metadata": {"name": own_name}}
            self.apply(obj, namespace)
        self.apply(manifests, namespace)
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        answer = self.request("POST", path, {"spec": {"expirationSeconds": 86400}})
        return Account(self, namespace, answer["status"]["token"])

    def apply(self, manifests: Manifests, namespace: str = "default") -> None:
        """Create or update objects as the administrator, by server-side apply.

        Args:
            manifests: The path of a YAML file, YAML (any text with a line break), an object, or several of these.
            namespace: For objects that name none.

        Raises:
            AssertionError: The server refuses an object or does not serve its kind. Those before it are stored.
        """
        for obj in _objects(manifests):
            version = obj["apiVersion"]
            group = version.rpartition("/")[0]
            kind = self.cluster.registry.custom.by_kind(group, obj["kind"])
            assert kind, f"the cluster does not serve {version} {obj['kind']}"
            metadata = {"namespace": namespace, **obj["metadata"]}
            place = f"/namespaces/{metadata['namespace']}" * kind.namespaced
            path = (
                f"/{'apis' if group else 'api'}/{version}{place}/{kind.plural}/{metadata['name']}"
            )
            self.request("PATCH", f"{path}?fieldManager=tests&force=true", obj)

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Send a request as the administrator, without a socket.

        Args:
            method: The HTTP method.
            path: Path and query, such as ``/api/v1/pods?limit=1``.
            body: It is sent as JSON. PATCH is a server-side apply, which needs a ``fieldManager``.

        Returns:
            The object of the answer; None if a GET has none.

        Raises:
            AssertionError: The server refuses a write; the message is the server's.
        """
        patch = method == "PATCH"
        media_type = "application/apply-patch+yaml" if patch else "application/json"
        answered = self.run(
            lambda: ask(
                self.cluster.handle,
                method,
                path,
                headers=[("content-type", media_type)],
                body=json.dumps(body).encode(),
                certificate=PeerCertificate(*ADMIN, ""),
            )
        )
        found = json.loads(answered.body)
        succeeded = answered.status < 400
        assert succeeded or method == "GET", found["message"]
        return found if succeeded else None

    def save(self) -> None:
        """Let ``rewind`` return to the present state, such as after definitions that all tests need."""
        self.cluster.store.save_snapshot("beginning")

    def rewind(self) -> None:
        """Return to the state after the start, or after the last ``save``.

        Open watches see the objects change back. Accounts that were created since are gone, with their kubeconfigs and
        tokens.
        """
        self.closing.close()
        self.request("POST", "/kube-embedded/snapshots/beginning/restore")
        self.decisions.clear()

    def run(self, work: Callable[[], T]) -> T:
        """Return the result of a function that reads or changes ``cluster``, called in the thread that serves it."""

        async def call() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result()

    def _answer(self, request: Request) -> Response:
        response = self._handle(request)
        decision = request.audit.annotations.get("authorization.k8s.io/decision")
        # Paths such as /version are no resources, and every account reads some of them.
        if decision and request.info.is_resource:
            right = right_of(attributes_of(request.user, request.info))
            self.decisions[request.user.name, decision][right] = None
        return response


def _objects(manifests: Manifests) -> Iterable[Any]:
    if isinstance(manifests, dict):
        return [manifests]
    if isinstance(manifests, str | Path):
        assert libraries.YAML, libraries.missing("PyYAML")
        import yaml

        text = str(manifests)
        return filter(None, yaml.safe_load_all(text if "\n" in text else Path(text).read_text()))
    return chain.from_iterable(map(_objects, manifests))
