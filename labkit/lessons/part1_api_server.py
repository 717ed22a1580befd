"""Part 1, the API server: W1 to W4. No step changes the cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from labkit.lessons.base import Context, Outcome, failed, not_attempted, passed
from labkit.lessons.evidence import answers, as_decision, decision_of, predicted_decisions, recorded_fact, with_status
from labkit.lessons.steps import step

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
ENTRY_PATHS = ("/", "/api", "/apis", "/api/v1")


def address(text: object) -> tuple[str, int] | None:
    """Host and port of an address as a person writes it (default: https), None if it is none."""
    written = str(text).strip().lower()
    if not written:
        return None
    split = urlsplit(written if "://" in written else f"https://{written}")
    try:
        port = split.port or (80 if split.scheme == "http" else 443)
    except ValueError:
        return None
    host = split.hostname or ""
    return ("127.0.0.1" if host in LOOPBACK else host, port) if host else None


@step(
    "Find the API server",
    3,
    "A kubeconfig names the server's address, the CA to trust, and a credential.",
    'yaml.safe_load(open(lab.kubeconfig)) has it at ["clusters"][0]["cluster"]["server"].',
)
def w1(context: Context) -> Outcome:
    """The recorded address is where the server really answers."""
    given = recorded_fact(context, "W1")
    if given is None:
        return not_attempted('Find the address and record it: lab.record("W1", "https://…").')
    server = context.admin.get("/version").server
    said, real = address(given), address(server)
    if said == real:
        return passed(
            f"{server} answers as the API server.",
            "Every tool of this lab, and kubectl, talks to this one address.",
        )
    hint = "Look at clusters[0].cluster.server in the kubeconfig, or at kubectl cluster-info."
    if said and real and said[0] == real[0]:
        hint = f"The host is right; the port is not {said[1]}. The kubeconfig has both."
    elif said and said[0].startswith(("10.", "kubernetes")):
        hint = f"That is its address inside the cluster (W6). From here: {hint}"
    return failed(f"you recorded {given}", "the address in the kubeconfig", hint)


STRANGER, BAD_TOKEN = "no token", "bad token"


@step(
    "Knock without credentials",
    6,
    "There are two refusals: one for a caller it does not know, one for a caller who may not.",
    "Nobody in particular is system:anonymous (403); a token that is no token is 401.",
)
def w2(context: Context) -> Outcome:
    """Prediction, recorded answers and the server agree for a stranger and a bad token."""
    prediction = context.progress.prediction("W2")
    if prediction is None:
        return not_attempted(
            f'Predict first: predict("W2", {{"{STRANGER}": "…", "{BAD_TOKEN}": "…"}}), each '
            '"allowed", "forbidden" (403) or "unauthorized" (401).'
        )
    now = {
        STRANGER: context.as_anonymous().get("/api").status,
        BAD_TOKEN: context.as_token("not-a-token").get("/api").status,
    }
    recorded = answers(context, "W2")
    if not recorded:
        return not_attempted("You predicted. Now make both calls: lab.as_anonymous(), then a bad token.")
    words = predicted_decisions(prediction, list(now))
    why = {
        STRANGER: "No credential is no error: the caller becomes system:anonymous, who may do little."
        if now[STRANGER] == 403
        else "This cluster has anonymous access switched off, so a stranger gets 401.",
        BAD_TOKEN: "A credential that cannot be verified is an error: 401, before any permission counts.",
    }
    for label, status in now.items():
        stranger = label == STRANGER
        if not any(each["status"] == status and (each.get("who") == "anonymous") == stranger for each in recorded):
            call = "lab.as_anonymous()" if stranger else 'lab.as_token("not-a-token")'
            return failed(
                f"no recorded answer with {label} and status {status}",
                f"one answer {with_status(decision_of(status))}",
                f'Call it: {call}.get("/api").',
            )
        if words.get(label) != decision_of(status):
            said = f"you predicted “{words[label]}”" if label in words else "you predicted nothing"
            return failed(
                f"{label}: {said}, the server said {with_status(decision_of(status))}",
                "a prediction that agrees with the server",
                f"{why[label]} Predict again and check again.",
            )
    return passed(
        f"{STRANGER}: {with_status(words[STRANGER])}; {BAD_TOKEN}: {with_status(words[BAD_TOKEN])}.",
        "401 asks “who are you?”; 403 says “I know who you are, and no”.",
    )


def through_proxy(record: Mapping[str, Any]) -> bool:
    """Whether a recorded answer came over plain HTTP, so through a proxy."""
    return str(record.get("server", "")).startswith("http://")


@step(
    "Let a proxy carry the credentials",
    5,
    "The proxy runs on your machine, with your kubeconfig.",
    'with lab.proxy() as proxy: proxy.get("/api/v1/namespaces") is answered as the admin.',
)
def w3(context: Context) -> Outcome:
    """A plain HTTP call through the proxy was answered, as predicted."""
    prediction = context.progress.prediction("W3")
    if prediction is None:
        return not_attempted('Predict first: predict("W3", "…"), one of "allowed", "forbidden", "unauthorized".')
    recorded = answers(context, "W3")
    if not recorded:
        return not_attempted('You predicted. Now ask through it: lab.proxy().get("/api/v1/namespaces").')
    proxied = [each for each in recorded if through_proxy(each)]
    if not proxied:
        return failed(
            f"{len(recorded)} answers over HTTPS, none over plain HTTP",
            "an answer that came through the proxy, at http://127.0.0.1:…",
            "Use the proxy's own caller: lab.proxy().get(…).",
        )
    last = proxied[-1]
    if as_decision(prediction) != decision_of(int(last["status"])):
        return failed(
            f"you predicted “{as_decision(prediction)}”, the answer was {last['status']}",
            "a prediction that agrees with the server",
            "The call carries no token, but the proxy adds its own credential to it. Predict again.",
        )
    return passed(
        f"{last['path']} over plain HTTP: {last['status']}, taken for {last.get('as_user')}.",
        "Whoever reaches the proxy has its rights. That is why it listens on loopback only.",
    )


@step(
    "List what the server serves",
    6,
    "Named groups lie under /apis; the core group, which has no name, under /api/v1.",
    'Roles belong to role-based access control: predict("W4", "rbac.authorization.k8s.io").',
)
def w4(context: Context) -> Outcome:
    """The entry documents were read, and the group of the roles was found."""
    recorded = answers(context, "W4")
    prediction = context.progress.prediction("W4")
    if prediction is None:
        return not_attempted('Predict first, which group holds roles: predict("W4", "…").')
    if not recorded:
        return not_attempted("You predicted. Now list /, /api, /apis, /api/v1 and one group.")
    seen = {str(each["path"]).partition("?")[0] for each in recorded if each["status"] == 200}
    seen = {path.rstrip("/") or "/" for path in seen}
    missing = [path for path in ENTRY_PATHS if path not in seen]
    groups = sorted(path for path in seen if re.fullmatch(r"/apis/[^/]+(/v[^/]+)?", path))
    if missing or not groups:
        wanted = [*missing, *([] if groups else ["one group, such as /apis/apps/v1"])]
        return failed(
            f"read so far: {', '.join(sorted(seen)) or 'nothing'}",
            f"also {', '.join(wanted)}",
            "Ask through the proxy (or as admin): /api holds the core group, /apis all others.",
        )
    group = str(prediction).strip().strip("/").removeprefix("apis/")
    resources = _resources(context, group)
    if "roles" not in resources:
        known = f"{group or 'the core group'} holds {', '.join(sorted(resources)[:4]) or 'nothing'}"
        return failed(
            f"you predicted “{prediction}”; {known}",
            "the group whose resources include roles",
            "Read /apis once more: one group's name is about authorization and begins with rbac.",
        )
    return passed(
        f"{group} serves {', '.join(sorted(resources))}.",
        "A resource's address is built from this: /apis/GROUP/VERSION/namespaces/NS/RESOURCE.",
    )


def _resources(context: Context, group: str) -> set[str]:
    """The resource types of a group, or of a group and version."""
    if group in ("", "core", "v1", "api/v1"):
        path = "/api/v1"
    elif "/" in group:
        path = f"/apis/{group}"
    else:
        preferred = (context.find(f"/apis/{group}") or {}).get("preferredVersion") or {}
        path = f"/apis/{preferred.get('groupVersion', group)}"
    found = (context.find(path) or {}).get("resources") or []
    return {each["name"] for each in found if "/" not in each["name"]}


STEPS = (w1, w2, w3, w4)
