"""The lab: one cluster and its callers.

``Lab()`` finds the chosen cluster, or starts the embedded one. It gives callers (the
administrator, a pod, a service account, an anonymous one), applies the lessons' manifests, runs
commands in pods, and rewinds to any step.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from labkit import lessons
from labkit.client import manifests
from labkit.client.client import Client
from labkit.client.discovery import Resources
from labkit.client.exec.completed import CompletedExec
from labkit.client.manifests import Applied
from labkit.client.object_names import habit, missing_account, missing_user, pod_name
from labkit.client.pods import Pods, ReadyPod, mounted_token
from labkit.client.tokens import Token, refuse_mistaken, request_token
from labkit.client.transport import Credentials
from labkit.core.arguments import (
    COMMAND,
    INPUT,
    LINE,
    MANIFESTS,
    PORT,
    SECONDS,
    STEP,
    STORABLE,
    TEXT,
    takes,
)
from labkit.core.errors import TokenError
from labkit.core.language import text
from labkit.core.redact import redact_all
from labkit.core.version import LAB_AGENT
from labkit.lessons import faults
from labkit.lessons.faults import Fault
from labkit.lessons.library import Library, library, prepared
from labkit.lessons.predictions import Noted
from labkit.lessons.steps import step_id

from . import current, expect
from .cluster import RBAC_GROUP, ChosenCluster
from .sources import objects_of, read

if TYPE_CHECKING:
    from labkit.client.kubectl import CompletedKubectl
    from labkit.client.proxy import Proxy

    from .policy import PolicyTests

WRITING = ("create", "apply", "patch", "edit", "delete", "replace", "set")


GONE_SECONDS = 120.0
"""How long a namespace may take to be deleted; one with pods takes half a minute on a real node."""


class Lab(ChosenCluster):
    """A cluster and its callers. The constructor finds or starts the cluster.

    Args:
        backend: ``embedded``, ``kind`` or ``existing``; the one chosen last when left out.
        kubeconfig: For an existing cluster: the file that names it.
        context: Its context; the file's current one when left out.
        prefix: Prepended to the walkthrough's names, where several learners share a cluster.
        audit_log: The audit log of its API server, a file on this machine. With it, requests of every client
            count as they do on a kind cluster; without it, those that go through labkit.
        era, kubernetes: ``now`` or ``1.20``; or the version to answer as, ``1.36`` to ``1.38``, on kind its image.
        node: False runs the embedded server without a node; pods stay Pending.
        image: kind's node image.
        force: Use an existing cluster although it looks like production.
        home: The state directory; ``LABKIT_HOME`` when left out.
        lang: The language of the lab's texts, such as ``ko``; ``LABKIT_LANG`` or else the locale's when
            left out.
        start: False does not start a cluster.
        say: Takes lines of progress; shown on standard error when left out.

    Raises:
        LabkitError: The cluster cannot be found or started; the message has a way out.
    """

    def _found(self) -> None:
        current.use(self)

    # -- callers ---------------------------------------------------------------------

    @takes('lab.as_pod("kikai/test")', pod=LINE, container=LINE)
    def as_pod(self, pod: str, container: str | None = None) -> Client:
        """Return a caller with a pod's mounted token, which is read through exec.

        Args:
            pod: As ``namespace/name``, such as ``kikai/test``.
            container: The container to read it in; the pod's default one when left out.

        Raises:
            UsageError: When the name is not ``namespace/name``.
            ExecFailed: When the pod does not run or mounts no token.
        """
        source = mounted_token(self.pods, pod, container, lambda: self._generation)
        source()
        return self.admin.with_credentials(Credentials(token_source=source), pod)

    @takes('lab.as_service_account("kikai/default")', account=LINE)
    def as_service_account(self, account: str) -> Client:
        """Return a caller with a fresh token of a service account (TokenRequest).

        Args:
            account: As ``namespace/name``, such as ``kikai/default``.

        Raises:
            ApiFailure: The account does not exist.
        """
        return self.as_token(
            self._request_token(account), text("service account {account}", account)
        )

    def as_anonymous(self) -> Client:
        """Return a caller without any credential."""
        return self.admin.with_credentials(Credentials(), text("anonymous"))

    @takes("lab.as_token(token)", raw=TEXT, name=LINE)
    def as_token(self, raw: str, name: str = "bearer of a token") -> Client:
        """Return a caller with a token.

        Args:
            raw: The whole token.
            name: The caller's name in the lab.

        Raises:
            TokenError: When the token is empty.
        """
        if not raw.strip():
            raise TokenError("The token is empty.", todo="lab.as_anonymous() asks without one.")
        refuse_mistaken(raw)
        return self.admin.with_credentials(Credentials(token=raw.strip()), name)

    # -- acting ---------------------------------------------------------------------

    @takes('lab.apply("04-roles/W14-namespaces.yaml")', what=MANIFESTS)
    def apply(self, what: str | Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> Applied:
        """Apply manifests: create missing objects, patch existing ones.

        Args:
            what: A lesson (``04-roles``), one of its files (``04-roles/W14-namespaces.yaml``),
                a file of the learner's, YAML text, an object, or several objects.

        Raises:
            UsageError: No lesson or file has this name, or it holds no objects.
            ApiFailure: The server refuses an object.
        """
        # With the agent of the learner's own requests: what they apply is their work.
        return self._apply(objects_of(what, self.library), self.admin.agent)

    @takes('lab.prepare("04-roles")', what=MANIFESTS)
    def prepare(self, what: str | Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> Applied:
        """Create the missing objects, such as those of an earlier lesson.

        Existing objects stay as they are. Created ones carry an annotation, so that no
        checkpoint counts them as the learner's own work.

        Args:
            what: As for ``apply``.

        Returns:
            The objects that were missing.
        """
        objects = objects_of(what, self.library)
        admin = self.admin.without_observers()
        # Only missing objects are created: an existing one may be the learner's own work.
        missing = [
            entry for entry in objects if admin.get(self.resources.path(entry)).status == 404
        ]
        applied = self._apply([prepared(entry) for entry in missing])
        self.pods.wait_for(objects)
        return applied

    @takes('lab.fault("A11")', step=STEP)
    def fault(self, step: str, *, fresh: bool = False) -> Fault:
        """Prepare a fault, and show what is refused because of it.

        Args:
            step: An aside with faults, such as ``A11``. The learner's own is drawn at first, and stays.
            fresh: Remove what is there, and draw another one.

        Raises:
            UsageError: This aside has no faults.
        """
        about = faults.entry(step)
        name = str(step).strip().upper()
        if fresh:
            self._remove(faults.objects(name, faults.drawn(name, self.progress)))
        kind = faults.drawn(name, self.progress, fresh=fresh)
        self.prepare(faults.objects(name, kind))
        asks = about["faults"][kind].get("asks", f"{faults.SPACE}/{faults.CLERK}")
        caller = self.as_anonymous() if asks == "nobody" else self.as_service_account(asks)
        answer = caller.without_observers().get(faults.PATH)
        return faults.Fault(name, text(about["task"]), answer)

    def _remove(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Delete the namespaces among some objects, and wait until they are gone."""
        admin = self.admin.without_observers()
        paths = [self.resources.path(each) for each in objects if each["kind"] == "Namespace"]
        for path in paths:
            admin.delete(path)
        until = time.monotonic() + GONE_SECONDS
        while any(admin.get(path).status != 404 for path in paths) and time.monotonic() < until:
            time.sleep(0.1)

    @takes('lab.policy("04-roles")', what=MANIFESTS)
    def policy(self, what: str | Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> PolicyTests:
        """Return the policy of some manifests, to test it without applying them.

        Args:
            what: As for ``apply``. If several manifests are of one object, the last one counts.

        Raises:
            UsageError: As for ``apply``; or a role or binding lacks a field that matters for decisions.
        """
        from .policy import PolicyTests

        return PolicyTests(self, objects_of(what, self.library))

    @takes('lab.kubectl("get pods -n kikai")', line=TEXT)
    def kubectl(self, line: str) -> CompletedKubectl:
        """Run the machine's kubectl, if it has one, with the lab's kubeconfig.

        Args:
            line: The arguments, such as ``get pods -n kikai``.
        """
        from labkit.client import kubectl

        begun = time.time()
        ran = kubectl.run(line, self.kubeconfig, self.home / "kube-cache")
        # kubectl opens its own connection, so exec is noted here. 127 means that kubectl is
        # missing: nothing ran.
        if (inside := kubectl.exec_in(ran.command)) is not None and ran.returncode != 127:
            pod, command = inside
            self.note_command(pod, command, ran.returncode, begun, f"{ran.stdout}\n{ran.stderr}")
        # kubectl's writes bypass the observer, which waits after a change of RBAC.
        if any(f" {verb} " in ran.command for verb in WRITING):
            self._let_settle()
        # --as accepts any name: RBAC refuses a mistyped one like a real user without rights.
        user = kubectl.impersonated(ran.command) if ran.returncode else ""
        return replace(ran, note=missing_user(self.admin, user)) if user else ran

    @takes(
        'lab.exec("kikai/test", "ls")',
        pod=LINE,
        command=COMMAND,
        container=LINE,
        stdin=INPUT,
        timeout_seconds=SECONDS,
    )
    def exec(
        self,
        pod: str,
        command: str | Iterable[str],
        *,
        container: str | None = None,
        stdin: str | bytes | None = None,
        timeout_seconds: float = 120.0,
    ) -> CompletedExec:
        """Run a command in a pod's container, as ``kubectl exec`` does.

        Args:
            pod: As ``namespace/name``; the namespace ``default`` when only a name is given.
            command: A command line for a shell, or a list of arguments without a shell.
            container: The pod's default one when left out.
            stdin: The command's input.
            timeout_seconds: After this the command is cut off, with exit code 124.

        Raises:
            ExecFailed: When it could not be started.
        """
        if isinstance(command, str):
            command = self.names.command(command)
        begun = time.time()
        done = self.pods.exec(
            pod, command, container=container, stdin=stdin, timeout_seconds=timeout_seconds
        )
        expect.observe(done.summary)
        self._note_exec(done.summary(), begun)
        return done

    def probe(self, pod: str, command: str, *, container: str | None = None) -> CompletedExec:
        """Run a command in a pod without recording it, for checkpoints."""
        command = self.names.command(command)
        return self.pods.exec(pod, command, container=container, timeout_seconds=60.0)

    @takes('lab.logs("kikai/test")', pod=LINE, container=LINE)
    def logs(self, pod: str, container: str | None = None) -> str:
        """Return a container's log.

        Raises:
            ApiFailure: The server does not return the log.
        """
        return self.pods.logs(pod, container)

    @takes('lab.wait("kikai/test")', pod=LINE, timeout_seconds=SECONDS)
    def wait(self, pod: str, timeout_seconds: float = 120.0) -> ReadyPod:
        """Wait until a pod is ready; at once on the embedded cluster.

        Args:
            pod: As ``namespace/name``.
            timeout_seconds: The timeout.

        Returns:
            The pod.

        Raises:
            ApiFailure: When it does not exist, or is not ready in time.
        """
        return self.pods.wait(pod, timeout_seconds)

    @takes('lab.token("kikai/default"), or with a whole token', what=TEXT)
    def token(self, what: str) -> Token:
        """Decode a token and verify it with the cluster's public keys.

        Args:
            what: A whole token, or a service account (``default/kikai``) for a new token of it.
        """
        raw = what.strip()
        refuse_mistaken(raw)
        # A JWT has three parts, and its header is base64url of a JSON object: {" becomes eyJ.
        if raw.count(".") != 2 and not raw.startswith("eyJ"):
            raw = self._request_token(what)
        token = Token.decode(raw, self.admin.without_observers())
        # Tokens from TokenRequest that are bound to a pod carry its name as a private claim.
        self._note_token(token, str(token.flat.get("kubernetes.io.pod.name", "")))
        return token

    @takes('lab.pod_token("kikai/test")', pod=LINE, container=LINE)
    def pod_token(self, pod: str, container: str | None = None) -> Token:
        """Decode the token that a pod mounts, and verify it."""
        token = Token.decode(self.read_pod_token(pod, container), self.admin.without_observers())
        self._note_token(token, pod)
        return token

    @takes('lab.read_pod_token("kikai/test")', pod=LINE, container=LINE)
    def read_pod_token(self, pod: str, container: str | None = None) -> str:
        """Return the token that a pod mounts, read in the container.

        Raises:
            ExecFailed: When the pod does not run or mounts no token.
        """
        return self.pods.token(pod, container)

    @takes('lab.record("W6", "10.96.0.1:443")', step=STEP, what=STORABLE)
    def record(self, step: str, what: object) -> None:
        """Record an answer for a step; after ``predict`` this happens by itself.

        Args:
            step: Such as ``W15``.
            what: An answer, a finished command, or a fact that you found, such as an address.
        """
        lessons.record(step, redact_all(what), self.progress)

    @takes('lab.predict("W15", "forbidden")', step=STEP, value=STORABLE)
    def predict(self, step: str, value: object) -> Noted:
        """Record a prediction for a step; the following answers are recorded for it."""
        return lessons.predict(step, value, self.progress)

    @takes("lab.proxy(port=8001)", port=PORT)
    def proxy(self, port: int = 0, caller: Client | None = None) -> Proxy:
        """Serve the API on a local address without credentials, as ``kubectl proxy`` does.

        Args:
            port: The port; 0 for any free one.
            caller: The caller whose credential is used; the administrator when left out.

        Returns:
            The running proxy; use it in a ``with`` block, or call its ``close``.
        """
        from labkit.client.proxy import Proxy

        return Proxy(caller or self.admin, port=port, serve=self.traits.serve).start()

    # -- the walkthrough ---------------------------------------------------------------------

    @takes('lab.rewind("W17")', step=STEP)
    def rewind(self, step: str | int) -> Applied:
        """Reset the cluster and apply the manifests of all steps before a step.

        Args:
            step: Such as ``W17``; ``end`` gives the finished walkthrough.

        Raises:
            UsageError: The step does not exist.
        """
        goal = None if str(step).strip().lower() == "end" else step_id(step)
        self.reset()
        earlier = self.library.before(goal)
        objects = [prepared(entry, own) for own, file in earlier for entry in read(file)]
        applied = self._apply(objects)
        # After the objects: those of earlier steps count as given, not as granted by the learner.
        self._begin()
        self.pods.wait_for(objects)
        ended = text("The cluster is as the walkthrough ends.")
        return replace(
            applied, title=text("The cluster is as {step} begins.", goal) if goal else ended
        )

    @cached_property
    def library(self) -> Library:
        """The lessons' manifests."""
        return library()

    @cached_property
    def pods(self) -> Pods:
        """The cluster's pods, without observers."""
        return Pods(
            self.admin.without_observers(),
            self.patience_seconds,
            run=self.traits.pods,
            image=self.traits.pod_image,
            report=self._report,
        )

    @property
    def image(self) -> str:
        """The image for a pod that is created without ``apply``: ``ubuntu``, or what replaces it on this cluster."""
        pod = {"kind": "Pod", "spec": {"containers": [{"name": "main", "image": "ubuntu"}]}}
        return str(self.traits.adapt(pod)["spec"]["containers"][0]["image"])

    @cached_property
    def resources(self) -> Resources:
        """Finds the paths of objects."""
        return Resources(self.admin)

    # -- within ---------------------------------------------------------------------

    def _apply(self, objects: list[dict[str, Any]], agent: str = LAB_AGENT) -> Applied:
        applied = manifests.apply(
            self.admin.without_observers(agent),
            self.resources,
            objects,
            self.traits.adapt,
            patience_seconds=self.patience_seconds,
        )
        if any(str(entry.get("apiVersion")).startswith(RBAC_GROUP) for entry in objects):
            self._let_settle()
        return applied

    def _request_token(self, account: str) -> str:
        namespace, _, name = pod_name(account).partition("/")
        answer = request_token(self.admin.without_observers(), namespace, name)
        todo = ""
        if answer.status == 404:
            missing = missing_account(self.admin.without_observers(), namespace, name)
            # The server's 404 does not say whether the namespace or the account is missing.
            todo = habit(f"{namespace}/{name}") or missing
        answer.raise_for_status(text("There is no token of {account}.", account), todo)
        return str(answer.body["status"]["token"])
