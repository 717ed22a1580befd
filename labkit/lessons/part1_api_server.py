"""Part 1, the API server: W1 to W4. No step changes the cluster."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from kube_embedded.rbac.subjects import ANONYMOUS
from labkit.core.language import listed, text

from .base import CheckContext, Outcome, failed, not_attempted, passed
from .looking import recorded_fact, require_guess, without_prediction
from .mistakes import of_guess
from .predictions import FORBIDDEN, Prediction, decision_of, decisions, with_status
from .steps import step

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
ENTRY_PATHS = ("/", "/api", "/apis", "/api/v1")
GROUP_PATH = re.compile(r"/apis/[^/]+(?P<version>/v[^/]+)?")

MAX_CHARACTERS = 1000
"""How much of a recorded text is looked at: an address is short."""

TERMINAL_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
"""kubectl cluster-info colours the address, also where its output is a variable of a notebook."""


def address(text: object) -> tuple[str, int] | None:
    """Host and port of an address as a person writes it (default: https), None if it is none."""
    written = str(text).strip().lower()
    if not written:
        return None
    try:
        # Without a scheme urlsplit parses the host as a path.
        split = urlsplit(written if "://" in written else f"https://{written}")
        # split.port raises ValueError for a port that is not a number, or too large.
        port = split.port or (80 if split.scheme == "http" else 443)
    except ValueError:
        return None
    host = split.hostname or ""
    if not host:
        return None
    return ("127.0.0.1" if host in LOOPBACK else host, port)


def address_in(value: object) -> str:
    """The address in a recorded value: a text that holds one, host and port as a pair or a dict."""
    if isinstance(value, Mapping):
        lower = {str(key).lower(): part for key, part in value.items()}
        if "host" not in lower:
            return text("something without an address")
        value = [lower["host"], lower.get("port", "")]
    # As a socket gives it: ("127.0.0.1", 6443).
    if isinstance(value, (list, tuple)) and len(value) == 2:
        value = f"{value[0]}:{value[1]}"
    # Cut first: the rest of a recorded page of text would only take time.
    line = TERMINAL_COLOUR.sub("", str(value)[:MAX_CHARACTERS]).strip()
    match = re.search(r"https?://[^\s\"',]+", line) or re.search(r"[\w.-]+:\d+", line)
    return match[0].rstrip(".") if match and len(line.split()) > 1 else line


@step()
def w1(context: CheckContext) -> Outcome:
    """The recorded address is the address at which the server responds."""
    fact = recorded_fact(context, "W1")
    if fact is None:
        raise not_attempted('Find the address and record it: lab.record("W1", "https://…").')
    server = context.admin.get("/version").server
    fact = address_in(fact)
    recorded = address(fact)
    real = address(server)
    seen = text("you recorded {address}", fact)
    if fact.strip().lower().startswith("http://"):
        raise failed(
            "no-tls", seen, "an address that begins with https://", "The server speaks TLS only."
        )
    # Compared as host and port, so localhost, a slash at the end or a missing https:// do not matter.
    if recorded == real:
        return passed(
            text("{server} answers as the API server.", server),
            "Every tool of this lab, and kubectl, talks to this one address.",
        )
    hint = text("A kubeconfig names the server of each of its clusters.")
    if recorded and real and recorded[0] == real[0]:
        hint = text(
            "The host is right; the port is not {port}. The kubeconfig has both.", recorded[1]
        )
    # Service addresses are in 10.96.0.0/12 on kubeadm's clusters and on ours.
    elif recorded and recorded[0].startswith(("10.", "kubernetes")):
        hint = text("That is its address inside the cluster (W6). From here: {hint}", hint)
    raise failed("address-elsewhere", seen, "the address in the kubeconfig", hint)


STRANGER = "no token"
BAD_TOKEN = "bad token"


@step(decisions(STRANGER, BAD_TOKEN))
def w2(context: CheckContext) -> Outcome:
    """A stranger and a bad token were refused as predicted."""
    prediction = context.progress.prediction("W2")
    # Where anonymous access is switched off, a stranger gets 401: so the truth is asked for, not assumed.
    truth = {
        STRANGER: decision_of(context.as_anonymous().get("/api").status),
        BAD_TOKEN: decision_of(context.as_token("not-a-token").get("/api").status),
    }
    requests = context.evidence().asked
    # If anonymous access is off, both calls get a 401, and only the message or the journal distinguishes them.
    calls = {
        STRANGER: [r for r in requests if (r.user == ANONYMOUS and not r.asker) or r.bare],
        BAD_TOKEN: [r for r in requests if r.status == 401 and not r.bare],
    }
    ways = {
        STRANGER: text("one that carries no credential"),
        BAD_TOKEN: text("one with a token that no server has issued"),
    }
    if prediction is None:
        todo = text(
            'Predict both: predict("W2", {"no token": "…", "bad token": "…"}), each '
            '"allowed", "forbidden" (403) or "unauthorized" (401).'
        )
        raise without_prediction(any(calls.values()), todo)
    if not any(calls.values()):
        both = listed(ways.values())
        raise not_attempted(text("You predicted. Now make both calls: {calls}.", both))
    why = {
        STRANGER: text("This cluster has anonymous access switched off, so a stranger gets 401."),
        BAD_TOKEN: text(
            "A credential that cannot be verified is an error: 401, before any permission counts."
        ),
    }
    if truth[STRANGER] == FORBIDDEN:
        why[STRANGER] = text(
            "No credential is no error: the caller becomes system:anonymous, who may do little."
        )
    for label, answer in truth.items():
        if not any(decision_of(call.status) == answer for call in calls[label]):
            open_to_all = ", ".join(dict.fromkeys(call.path for call in calls[label]))
            seen = text("no call with {label} was seen", label)
            if open_to_all:
                seen = text("{label}: {paths} is open to everybody", label, open_to_all)
            raise failed(
                "missing-part",
                seen,
                text("one answer {answer}", with_status(answer)),
                text("Make the call that is missing: {call}.", ways[label]),
            )
        require_guess("W2", label, prediction, answer, why[label])
    return passed(
        "; ".join(f"{label}: {with_status(answer)}" for label, answer in truth.items()) + ".",
        "401: the server has no name for you. 403: it has one, perhaps system:anonymous, and says no.",
        asked_at=min(call.at for call in calls[STRANGER] + calls[BAD_TOKEN]),
    )


@step(decisions())
def w3(context: CheckContext) -> Outcome:
    """A call through the proxy was answered, as predicted.

    A proxy names its client (``X-Forwarded-For``), which is in the audit log. Without a log only labkit's own proxy
    is seen.
    """
    prediction = context.progress.prediction("W3")
    evidence = context.evidence()
    # system:anonymous and unknown users are left out: a proxy without a credential is no proof of one with it.
    proxied = [r for r in evidence.asked if r.proxied and r.user not in ("", ANONYMOUS)]
    if prediction is None:
        raise without_prediction(
            bool(proxied),
            'Predict first: predict("W3", "…"), one of "allowed", "forbidden", "unauthorized".',
        )
    if not proxied:
        ask = text("labkit has one, and so has kubectl; ask at the proxy's own address.")
        if not evidence.logged:
            ask = text(
                "lab.proxy() or labkit proxy. This cluster's log cannot be read, so kubectl's proxy is not seen."
            )
        admin = context.admin.whoami().user
        direct = sum(request.user == admin for request in evidence.asked)
        if not direct:
            raise not_attempted(text("You predicted. Now ask through a proxy: {ask}", ask))
        raise failed(
            "not-through-proxy",
            text(
                "calls as {user} over HTTPS: {count}, none of them through a proxy", admin, direct
            ),
            "an answer that came through a proxy, at http://127.0.0.1:…",
            text("The proxy must stand between: {ask}", ask),
        )
    last = proxied[-1]
    why = text("The call carries no token, but the proxy adds its own credential to it.")
    guesses = {last.path: prediction}
    require_guess("W3", last.path, guesses, decision_of(last.status), why)
    return passed(
        text(
            "{path} through a proxy: {status}, taken for {user}.", last.path, last.status, last.user
        ),
        "Whoever reaches the proxy has its rights. That is why it listens on loopback only.",
        asked_at=proxied[0].at,
    )


@step(Prediction({}, form=r"/?[\w./-]+", example="the name of an API group"))
def w4(context: CheckContext) -> Outcome:
    """The entry documents were read, and the group of the roles was found."""
    requests = [
        request
        for request in context.evidence().asked
        if request.reads and (request.path in ENTRY_PATHS or GROUP_PATH.fullmatch(request.path))
    ]
    # Only successful reads count: a refused request lists nothing. A 304 is one: kubectl has the answer in its cache.
    entries = [request for request in requests if request.status in (200, 304)]
    prediction = context.progress.prediction("W4")
    if prediction is None:
        raise without_prediction(
            bool(entries), 'Predict first, which group holds roles: predict("W4", "…").'
        )
    if requests and not entries:
        last = requests[-1]
        asker = last.user or text("a bad credential")
        raise failed(
            "asked-as-another",
            text("{path}: {status} to {user}", last.path, last.status, asker),
            "an answer to somebody who may read it",
            "Ask through the proxy, or as admin.",
        )
    if not entries:
        raise not_attempted("You predicted. Now list /, /api, /apis, /api/v1 and one group.")
    paths = {request.path for request in entries}
    missing = [path for path in ENTRY_PATHS if path not in paths]
    groups = filter(None, map(GROUP_PATH.fullmatch, paths))
    if not any(match["version"] for match in groups):
        missing.append(text("one group with its version, such as /apis/apps/v1"))
    if missing:
        raise failed(
            "missing-part",
            text("read so far: {paths}", ", ".join(sorted(paths)) or text("nothing")),
            text("also {missing}", listed(missing, ", ")),
            "Ask through the proxy (or as admin): /api holds the core group, /apis all others.",
        )
    group = str(prediction).strip().strip("/").removeprefix("apis/")
    resources = _resources(context, group)
    if "roles" not in resources:
        known = text(
            "{group} holds {resources}",
            group or text("the core group"),
            ", ".join(sorted(resources)[:4]) or text("nothing"),
        )
        raise failed(
            of_guess("W4"),
            text("you predicted “{prediction}”; {known}", prediction, known),
            "the group whose resources include roles",
            "Read /apis once more: one group's name is about authorization.",
        )
    return passed(
        text("{group} serves {resources}.", group, ", ".join(sorted(resources))),
        "A resource's address is built from this: /apis/GROUP/VERSION/namespaces/NS/RESOURCE.",
        asked_at=entries[0].at,
    )


def _resources(context: CheckContext, group: str) -> set[str]:
    """The resource types of a group, or of a group and version."""
    # The core group has no name, so learners write one of these.
    if group in ("", "core", "v1", "api/v1"):
        path = "/api/v1"
    elif "/" in group:
        path = f"/apis/{group}"
    else:
        preferred = (context.find(f"/apis/{group}") or {}).get("preferredVersion") or {}
        path = f"/apis/{preferred.get('groupVersion', group)}"
    entries = (context.find(path) or {}).get("resources") or []
    return {entry["name"] for entry in entries if "/" not in entry["name"]}


STEPS = (w1, w2, w3, w4)
