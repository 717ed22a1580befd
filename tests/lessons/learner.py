"""A learner who makes the tries of ``tries/*.yaml``, one action after the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from labkit import check
from labkit.client.answer import Answer
from labkit.client.client import Client
from labkit.core.errors import LabkitError
from labkit.lab.lab import Lab

RBAC = "rbac.authorization.k8s.io"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

Action = Mapping[str, Any]
Object = dict[str, Any]


@dataclass(frozen=True)
class Try:
    """One try at a step.

    Args:
        step: Such as ``W17``.
        name: What the learner does, in words.
        actions: The actions, in order.
        verdicts: The words for the state; one of them is right.
        says: Regular expressions that the answer has.
        never: Regular expressions that it has not.
    """

    step: str
    name: str
    actions: Sequence[Action]
    verdicts: Sequence[str]
    says: Sequence[str]
    never: Sequence[str]

    @property
    def id(self) -> str:
        """The step and the name."""
        return f"{self.step} {self.name}"

    @property
    def asks_only(self) -> bool:
        """Return whether it leaves the cluster's objects as they are."""
        return all(_leaves_objects(action) for action in self.actions)


def _leaves_objects(action: Action) -> bool:
    kind = next(iter(action))
    if kind == "ask":
        # A request that is refused changes nothing, but only the server knows which one is.
        return str(action["ask"]).rpartition(" ")[0].endswith("GET")
    return kind in ("predict", "record", "can", "unchanged", "policy", "check", "token", "proxy")


def tries(directory: Path) -> list[Try]:
    """Return the tries in a directory, in the order of the steps."""
    found: list[Try] = []
    for file in sorted(directory.glob("*.yaml")):
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        pieces = document["pieces"]
        for step, entries in document["steps"].items():
            begin = document.get("begins", {}).get(step, [])
            for entry in entries:
                verdict = entry["verdict"]
                found.append(
                    Try(
                        step,
                        entry["try"],
                        _actions([*begin, *entry["does"]], pieces),
                        verdict if isinstance(verdict, list) else [verdict],
                        entry.get("says", ()),
                        entry.get("never", ()),
                    )
                )
    return found


def _actions(entries: Sequence[Any], pieces: Mapping[str, Any]) -> list[Action]:
    """Return the actions of a try, with the pieces in the place of their names."""
    actions: list[Action] = []
    for entry in entries:
        if not isinstance(entry, str):
            actions.append(entry)
            continue
        piece = pieces[entry]
        actions += _actions(piece if isinstance(piece, list) else [piece], pieces)
    return actions


def tally(me: Client) -> Answer:
    """Run the program of T5."""
    pods = me.get("/api/v1/namespaces/kikai/pods")
    if not pods.ok:
        return pods
    maps = "/api/v1/namespaces/kikai/configmaps"
    note = {"data": {"pods": str(len(pods.body["items"]))}}
    made = me.post(maps, {"metadata": {"name": "tally"}, **note})
    return me.patch(f"{maps}/tally", note) if made.status == 409 else made


class Learner:
    """Makes tries in a lab.

    Args:
        lab: The lab, as it is at the beginning of the step.
        step: The step.
    """

    def __init__(self, lab: Lab, step: str) -> None:
        self.lab = lab
        self.step = step

    def act(self, action: Action) -> None:
        """Do one action."""
        kind = next(iter(action))
        # "role" is an action of its own, and the role of a binding.
        act: Callable[[Action], object] = getattr(self, f"_{kind}")
        act(action)

    # -- what the notebook asks for ---------------------------------------------------------

    def _predict(self, action: Action) -> None:
        self.lab.predict(self.step, action["predict"])

    def _record(self, action: Action) -> None:
        self.lab.record(self.step, self._filled(action["record"]))

    def _record_same(self, action: Action) -> None:
        pod, account = action["record_same"]
        comparison = self.lab.pod_token(pod).compare(self.lab.token(account))
        self.lab.record(self.step, list(comparison.same))

    def _apply(self, action: Action) -> None:
        self.lab.apply(action["apply"])

    def _wait(self, action: Action) -> None:
        self.lab.wait(action["wait"])

    def _token(self, action: Action) -> None:
        self.lab.token(action["token"])

    def _pod_token(self, action: Action) -> None:
        self.lab.pod_token(action["pod_token"])

    def _exec(self, action: Action) -> None:
        self.lab.exec(action["exec"], action["run"], container=action.get("container"))

    def _proxy(self, action: Action) -> None:
        with self.lab.proxy() as proxy:
            for path in action["proxy"]:
                proxy.get(path)

    def _policy(self, action: Action) -> None:
        policy = self.lab.policy(action["policy"])
        getattr(policy, action["do"])(action["with"])

    def _tally(self, action: Action) -> None:
        tally(self._caller(action["tally"]))

    def _check(self, action: Action) -> None:
        check(action["check"])

    # -- objects ----------------------------------------------------------------------------

    def _role(self, action: Action) -> None:
        namespace, _, name = action["role"].rpartition("/")
        self._make(action, "Role", namespace, name, {"rules": action["rules"]})

    def _bind(self, action: Action) -> None:
        namespace, _, name = action["bind"].rpartition("/")
        kind, _, role = action["role"].partition(" ")
        content = {
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role},
            "subjects": [_subject(subject) for subject in action["to"]],
        }
        self._make(action, "RoleBinding", namespace, name, content)

    def _make(self, action: Action, kind: str, namespace: str, name: str, content: Object) -> None:
        metadata = {"name": name}
        path = f"/apis/{RBAC}/v1/cluster{kind.lower()}s"
        if namespace:
            metadata["namespace"] = namespace
            path = f"/apis/{RBAC}/v1/namespaces/{namespace}/{kind.lower()}s"
        else:
            kind = f"Cluster{kind}"
        made = {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, **content}
        how = action.get("how")
        if how == "post":
            self.lab.admin.post(path, made).raise_for_status("The try itself failed.")
        elif how == "put":
            self.lab.admin.put(f"{path}/{name}", made).raise_for_status("The try itself failed.")
        elif how == "json":
            self.lab.apply(json.dumps(made))
        else:
            self.lab.apply(yaml.safe_dump(made))

    # -- requests ---------------------------------------------------------------------------

    def _post(self, action: Action) -> None:
        self.lab.admin.post(action["post"], action["body"]).raise_for_status(
            "The try itself failed."
        )

    def _patch(self, action: Action) -> None:
        self.lab.admin.patch(action["patch"], action["body"]).raise_for_status(
            "The try itself failed."
        )

    def _delete(self, action: Action) -> None:
        self.lab.admin.delete(action["delete"]).raise_for_status("The try itself failed.")

    def _ask(self, action: Action) -> None:
        who, method, path = action["ask"].rsplit(" ", 2)
        kind, _, name = who.partition(" ")
        headers = {"Impersonate-User": name} if kind == "as" else {}
        caller = self.lab.admin if kind == "as" else self._caller(who)
        caller.request(method, path, body=action.get("body"), headers=headers)

    def _can(self, action: Action) -> None:
        who, _, namespace = action["can"].partition(" in ")
        who, verb, resource = who.rsplit(" ", 2)
        self._caller(who).can(verb, resource, namespace)

    def _unchanged(self, action: Action) -> None:
        # kubectl asked before this step: that request is not part of the try.
        before = self.lab.admin.without_observers()
        for path in action["unchanged"]:
            accept = {"Accept": AGGREGATED}
            tag = before.request("GET", path, headers=accept).headers["etag"]
            headers = {**accept, "If-None-Match": tag}
            assert self.lab.admin.request("GET", path, headers=headers).status == 304

    def _caller(self, who: str) -> Client:
        kind, _, name = who.partition(" ")
        callers: dict[str, Callable[[], Client]] = {
            "admin": lambda: self.lab.admin,
            "nobody": self.lab.as_anonymous,
            "token": lambda: self.lab.as_token(name),
            "pod": lambda: self.lab.as_pod(name),
            "account": lambda: self.lab.as_service_account(name),
        }
        return callers[kind]()

    # -- the rest ---------------------------------------------------------------------------

    def _fails(self, action: Action) -> None:
        error: LabkitError | None = None
        try:
            self.act(action["fails"])
        except LabkitError as raised:
            error = raised
        assert error is not None, f"{action['fails']} did not fail"

    def _restart(self, action: Action) -> None:
        if action["restart"] == "cluster":
            self.lab.stop()
        # A new Lab() is what a restarted kernel has; of a stopped cluster it starts the server again.
        self.lab = Lab("embedded", home=self.lab.home, say=lambda _line: None)

    def _filled(self, value: object) -> object:
        if not isinstance(value, str):
            return value
        server = self.lab.admin.server
        host, _, port = server.removeprefix("https://").partition(":")
        return value.replace("$SERVER", server).replace("$HOST", host).replace("$PORT", port)


def _subject(said: object) -> Object:
    """Return the subject that a try names, such as ``account kikai/default``."""
    if isinstance(said, dict):
        return said
    kind, _, name = str(said).partition(" ")
    if kind == "account":
        namespace, _, own = name.partition("/")
        return {"kind": "ServiceAccount", "namespace": namespace, "name": own}
    return {"kind": kind.capitalize(), "apiGroup": RBAC, "name": name}
