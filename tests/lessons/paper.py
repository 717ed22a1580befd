"""A cluster on paper: objects, and a learner's requests and commands, so that a checkpoint runs in a millisecond."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kube_embedded.rbac.attributes import Attributes, User
from kube_embedded.rbac.rules import rule_allows
from labkit import lessons
from labkit.client.exec.completed import CompletedExec
from labkit.client.pods import MOUNT
from labkit.client.prefix import Names
from labkit.client.request_info import read_call
from labkit.grading.tasks.task import binding, role
from labkit.lessons.base import CheckContext, Outcome
from labkit.lessons.evidence import Asked, Evidence, PodCommand
from labkit.lessons.library import PREPARED
from labkit.lessons.progress import Progress
from labkit.rbac.policy import Policy

Object = dict[str, Any]

RBAC = "/apis/rbac.authorization.k8s.io/v1"
PLACES = {
    "Namespace": ("/api/v1", "namespaces"),
    "Pod": ("/api/v1", "pods"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "Secret": ("/api/v1", "secrets"),
    "Role": (RBAC, "roles"),
    "RoleBinding": (RBAC, "rolebindings"),
    "ClusterRole": (RBAC, "clusterroles"),
    "ClusterRoleBinding": (RBAC, "clusterrolebindings"),
}
LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}

KIKAI = "system:serviceaccount:kikai:default"
DARBO = "system:serviceaccount:darbo:default"
DEFAULT = "system:serviceaccount:default:default"
CUSTOM = "system:serviceaccount:default:kikai"
ADMIN = "kubernetes-admin"
STRANGER = "system:anonymous"

REFUSED = '{"kind": "Status", "code": 403}'
"""What curl prints of a refusal."""


@dataclass(frozen=True)
class Answer:
    """The cluster's answer."""

    status: int
    body: Any
    server: str = "https://127.0.0.1:6443"
    message: str = ""
    user: str = "admin"


def account(space: str, name: str, **more: Any) -> Object:
    """Return a service account."""
    return {"kind": "ServiceAccount", "metadata": {"name": name, "namespace": space}, **more}


def namespaces(*names: str) -> list[Object]:
    """Return namespaces."""
    return [{"kind": "Namespace", "metadata": {"name": name}} for name in names]


def pod(
    name: str,
    space: str = "default",
    *containers: str,
    state: Mapping[str, Any] | None = None,
    token: bool = True,
    command: str = "sleep 9",
    **spec: Any,
) -> Object:
    """Return a pod, which runs unless a state is given; every container has the same command."""
    mounts = [{"mountPath": MOUNT}] if token else []
    made = [
        {"name": each, "command": command.split(), "volumeMounts": mounts}
        for each in containers or ("main",)
    ]
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": space},
        "spec": {"containers": made, "serviceAccountName": "default", **spec},
        "status": {"phase": "Running"} if state is None else state,
    }


def waiting(reason: str) -> Object:
    """Return the state of a pod whose second container waits."""
    containers = [{"state": {"running": {}}}, {"state": {"waiting": {"reason": reason}}}]
    return {"phase": "Pending", "containerStatuses": containers}


def by_lab(obj: Object, step: str) -> Object:
    """Return an object as made by the lab for a step."""
    return {**obj, "metadata": {**obj["metadata"], "annotations": {PREPARED: step}}}


def token(**claims: Any) -> str:
    """Return an unsigned token with these claims."""
    parts = ({"alg": "none"}, claims)
    return (
        ".".join(
            urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
        )
        + ".x"
    )


VIEW = {
    **role("", "view", ("get,list,watch", "", "pods,services")),
    "metadata": {"name": "view", "labels": LABELS},
}
EDIT = {**role("", "edit", ("*", "", "pods")), "metadata": {"name": "edit", "labels": LABELS}}
READER = role("", "pv-reader", ("get,list", "", "persistentvolumes"))
ROLES = [
    role(space, "service-reader", ("get,list", "", "services")) for space in ("kikai", "darbo")
]
BOUND = binding("kikai", "test", "Role/service-reader", "kikai/default")


@dataclass
class Paper:
    """The cluster, its administrator, and the learner."""

    home: Path
    objects: list[Object] = field(default_factory=lambda: [VIEW, EDIT])
    at_start: list[Object] = field(default_factory=lambda: [VIEW, EDIT])
    asked: list[Asked] = field(default_factory=list)
    ran: list[PodCommand] = field(default_factory=list)
    facts: list[Object] = field(default_factory=list)
    logged: bool = True
    answers: dict[str, Answer] = field(default_factory=dict)
    printed: dict[str, str | Exception] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    now: float = 0.0

    # -- the learner's actions --------------------------------------------------------------

    def add(self, *objects: Object) -> None:
        """Create objects."""
        self.objects += objects

    def predict(self, step: str, value: object) -> None:
        """Predict."""
        lessons.predict(step, value, self.progress)

    def record(self, step: str, value: object) -> None:
        """Record a fact."""
        lessons.record(step, value, self.progress)

    def ask(
        self, user: str, path: str, status: int = 200, method: str = "GET", **more: Any
    ) -> None:
        """Make a request, a second after the action before."""
        self.now += 1
        self.asked.append(
            Asked(user, read_call(method, path), status, self.now, **{"agent": "curl/8", **more})
        )

    def run(self, pod: str, command: str, output: str = "", code: int | None = 0) -> None:
        """Run a command in a pod, from this second to the next."""
        self.now += 1
        self.ran.append(PodCommand(pod, command, code, output, self.now, self.now + 1))

    # -- the cluster ------------------------------------------------------------------------

    def get(self, path: str) -> Answer:
        """Read an object or a list."""
        if path in self.answers:
            return self.answers[path]
        lists: dict[str, list[Object]] = {}
        for obj in self.objects:
            base, plural = PLACES[obj["kind"]]
            name, space = obj["metadata"]["name"], obj["metadata"].get("namespace")
            place = f"{base}/namespaces/{space}/{plural}" if space else f"{base}/{plural}"
            if path == f"{place}/{name}":
                return Answer(200, obj)
            for listed in {place, f"{base}/{plural}"}:
                lists.setdefault(listed, []).append(obj)
        plurals = {plural for _, plural in PLACES.values()}
        if path in lists or path.rpartition("/")[2] in plurals:
            return Answer(200, {"items": lists.get(path, [])})
        return Answer(200 if path == "/version" else 404, {})

    def post(self, path: str, body: Any) -> Answer:
        """Answer an access review, or make a token."""
        if path in self.answers:
            return self.answers[path]
        spec = body["spec"]
        asked = spec["resourceAttributes"]
        user = User(spec["user"], tuple(spec["groups"]))
        question = Attributes(
            user,
            asked["verb"],
            asked.get("group", ""),
            resource=asked["resource"],
            namespace=asked.get("namespace", ""),
        )
        rules = (grant.rule for grant in self.policy().rules_for(user, question.namespace))
        return Answer(
            201, {"status": {"allowed": any(rule_allows(rule, question) for rule in rules)}}
        )

    def request(self, _method: str, path: str, *, body: Any = None, **_more: Any) -> Answer:
        """Send a request as ``post`` does."""
        return self.post(path, body)

    def whoami(self) -> Answer:
        """Return the administrator's identity."""
        return Answer(200, {}, user="kubernetes-admin")

    def policy(self) -> Policy:
        """Return roles and bindings."""
        return Policy.of(each for each in self.objects if "Role" in each["kind"])

    def execute(self, pod: str, command: str, *, container: str | None = None) -> CompletedExec:
        """Run a check's command: its output is looked up by a part of the pod, the container and the command."""
        line = f"{pod} {container}: {command}"
        for part, printed in self.printed.items():
            if part in line:
                if isinstance(printed, Exception):
                    raise printed
                return CompletedExec([command], 0, printed, "")
        return CompletedExec([command], 127, "", "command not found")

    # -- the check --------------------------------------------------------------------------

    @property
    def progress(self) -> Progress:
        """The learner's."""
        return Progress(self.home / "progress.json", clock=lambda: self.now)

    def check(self, step: str) -> Outcome:
        """Judge a step."""
        admin: Any = self
        stranger: Any = _Stranger(self.answers.get("anonymous", Answer(403, {})))
        refused: Any = _Stranger(Answer(401, {}))
        start = Policy.of(self.at_start)
        context = CheckContext(
            admin,
            lambda _token: refused,
            lambda: stranger,
            self.execute,
            self.progress,
            self.names,
            lambda: Evidence(self.asked, self.ran, self.facts, self.logged),
            lambda: start,
        )
        return lessons.check(step, context)


@dataclass(frozen=True)
class _Stranger:
    answer: Answer

    def get(self, _path: str) -> Answer:
        return self.answer


SCENARIOS: dict[str, Callable[[Paper], None]] = {}
"""What a learner did, by a name that begins with the step that is judged then."""


def scenario(act: Callable[[Paper], None]) -> Callable[[Paper], None]:
    """Keep a scenario by its function's name."""
    SCENARIOS[act.__name__] = act
    return act


def tried(*objects: Object, roles: bool = True) -> Callable[[Paper], None]:
    """Return the scenario of a learner who created objects, usually in addition to the roles of W16."""

    def act(paper: Paper) -> None:
        paper.add(*(ROLES if roles else []), *objects)

    return act
