"""Part 1, the API server: W1 to W4. No step changes the cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from labkit.core.language import listed, text
from labkit.lessons.base import CheckContext, Outcome, failed, not_attempted, passed
from labkit.lessons.looking import recorded_fact, without_prediction, wrong_guess
from labkit.lessons.mistakes import of_guess
from labkit.lessons.predictions import FORBIDDEN, Prediction, decision_of, decisions, with_status
from labkit.lessons.steps import step
from labkit.rbac.subjects import ANONYMOUS

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
ENTRY_PATHS = ("/", "/api", "/apis", "/api/v1")
GROUP_PATH = r"/apis/[^/]+"


def address(text: object) -> tuple[str, int] | None:
    """Host and port of an address as a person writes it (default: https), None if it is none."""
    written = str(text).strip().lower()
    if not written:
        return None
    try:
        split = urlsplit(written if "://" in written else f"https://{written}")
        port = split.port or (80 if split.scheme == "http" else 443)
    except ValueError:
        return None
    host = split.hostname or ""
    return ("127.0.0.1" if host in LOOPBACK else host, port) if host else None


MOST_CHARACTERS = 1000
"""How much of a recorded text is looked at: an address is short."""


def address_in(value: object) -> str:
    """The address in what a learner recorded: a text that holds one, host and port as a pair or a dict."""
    if isinstance(value, Mapping):
        lower = {str(key).lower(): part for key, part in value.items()}
        if "host" not in lower:
            return text("something without an address")
        value = [lower["host"], lower.get("port", "")]
    if isinstance(value, (list, tuple)) and len(value) == 2:
        value = f"{value[0]}:{value[1]}"
    said = re.sub(r"\x1b\[[0-9;]*m", "", str(value)[:MOST_CHARACTERS]).strip()
    found = re.search(r"https?://[^\s\"',]+", said) or re.search(r"[\w.-]+:\d+", said)
    return found[0].rstrip(".") if found and len(said.split()) > 1 else said


@step()
def w1(context: CheckContext) -> Outcome:
    """The recorded address is where the server really answers."""
    given = recorded_fact(context, "W1")
    if given is None:
        return not_attempted('Find the address and record it: lab.record("W1", "https://…").')
    server = context.admin.get("/version").server
    given = address_in(given)
    said, real = address(given), address(server)
    plain = str(given).strip().lower().startswith("http://")
    if said == real and not plain:
        return passed(
            text("{server} answers as the API server.", server),
            "Every tool of this lab, and kubectl, talks to this one address.",
        )
    if plain:
        return failed(
            "no-tls",
            text("you recorded {address}", given),
            "an address that begins with https://",
            "The server speaks TLS only.",
        )
    hint = text("A kubeconfig names the server of each of its clusters.")
    if said and real and said[0] == real[0]:
        hint = text("The host is right; the port is not {port}. The kubeconfig has both.", said[1])
    elif said and said[0].startswith(("10.", "kubernetes")):
        hint = text("That is its address inside the cluster (W6). From here: {hint}", hint)
    return failed(
        "address-elsewhere",
        text("you recorded {address}", given),
        "the address in the kubeconfig",
        hint,
    )


STRANGER, BAD_TOKEN = "no token", "bad token"


@step(decisions(STRANGER, BAD_TOKEN))
def w2(context: CheckContext) -> Outcome:
    """A stranger and a bad token were refused as predicted."""
    prediction = context.progress.prediction("W2")
    now = {
        STRANGER: decision_of(context.as_anonymous().get("/api").status),
        BAD_TOKEN: decision_of(context.as_token("not-a-token").get("/api").status),
    }
    evidence = context.evidence()
    found = {
        STRANGER: [
            each
            for each in evidence.asked
            if (each.user == ANONYMOUS and not each.asker) or each.bare
        ],
        BAD_TOKEN: [each for each in evidence.asked if each.status == 401 and not each.bare],
    }
    todo = text(
        'Predict both: predict("W2", {"no token": "…", "bad token": "…"}), each '
        '"allowed", "forbidden" (403) or "unauthorized" (401).'
    )
    calls = {
        STRANGER: text("one that carries no credential"),
        BAD_TOKEN: text("one with a token that no server has issued"),
    }
    if prediction is None:
        return without_prediction(any(found.values()), todo)
    if not any(found.values()):
        return not_attempted(
            text("You predicted. Now make both calls: {calls}.", listed(calls.values()))
        )
    why = {
        STRANGER: text(
            "No credential is no error: the caller becomes system:anonymous, who may do little."
        )
        if now[STRANGER] == FORBIDDEN
        else text("This cluster has anonymous access switched off, so a stranger gets 401."),
        BAD_TOKEN: text(
            "A credential that cannot be verified is an error: 401, before any permission counts."
        ),
    }
    for label, truth in now.items():
        if not any(decision_of(each.status) == truth for each in found[label]):
            open_to_all = ", ".join(dict.fromkeys(each.path for each in found[label]))
            return failed(
                "missing-part",
                text("{label}: {paths} is open to everybody", label, open_to_all)
                if open_to_all
                else text("no call with {label} was seen", label),
                text("one answer {answer}", with_status(truth)),
                text("Make the call that is missing: {call}.", calls[label]),
            )
        if (outcome := wrong_guess("W2", label, prediction, truth, why[label])) is not None:
            return outcome
    return passed(
        f"{STRANGER}: {with_status(now[STRANGER])}; {BAD_TOKEN}: {with_status(now[BAD_TOKEN])}.",
        "401 asks “who are you?”; 403 says “I know who you are, and no”.",
        asked_at=min(each.at for label in now for each in found[label]),
    )


@step(decisions())
def w3(context: CheckContext) -> Outcome:
    """A call through the proxy was answered, as predicted.

    A proxy says for whom it asks (``X-Forwarded-For``), and the audit log has that. Without a log only
    labkit's own proxy is seen.
    """
    prediction = context.progress.prediction("W3")
    evidence = context.evidence()
    admin = context.admin.whoami().user
    by_admin = [each for each in evidence.asked if each.user == admin]
    proxied = [each for each in evidence.asked if each.proxied and each.user not in ("", ANONYMOUS)]
    if prediction is None:
        return without_prediction(
            bool(proxied),
            'Predict first: predict("W3", "…"), one of "allowed", "forbidden", "unauthorized".',
        )
    if not proxied:
        ask = text("labkit has one, and so has kubectl; ask at the proxy's own address.")
        if not evidence.logged:
            ask = text(
                "lab.proxy() or labkit proxy. This cluster's log cannot be read, so kubectl's proxy is not seen."
            )
        if not by_admin:
            return not_attempted(text("You predicted. Now ask through a proxy: {ask}", ask))
        return failed(
            "not-through-proxy",
            text(
                "calls as {user} over HTTPS: {count}, none of them through a proxy",
                admin,
                len(by_admin),
            ),
            "an answer that came through a proxy, at http://127.0.0.1:…",
            text("The proxy must stand between: {ask}", ask),
        )
    last = proxied[-1]
    truth = decision_of(last.status)
    why = text("The call carries no token, but the proxy adds its own credential to it.")
    if (outcome := wrong_guess("W3", last.path, {last.path: prediction}, truth, why)) is not None:
        return outcome
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
    asked = [each for each in context.evidence().asked if each.reads]
    tried = [
        each
        for each in asked
        if each.path in ENTRY_PATHS or re.fullmatch(GROUP_PATH + "(/v[^/]+)?", each.path)
    ]
    entries = [each for each in tried if each.status == 200]
    prediction = context.progress.prediction("W4")
    if prediction is None:
        return without_prediction(
            bool(entries), 'Predict first, which group holds roles: predict("W4", "…").'
        )
    if tried and not entries:
        return failed(
            "asked-as-another",
            text(
                "{path}: {status} to {user}",
                tried[-1].path,
                tried[-1].status,
                tried[-1].user or text("a bad credential"),
            ),
            "an answer to somebody who may read it",
            "Ask through the proxy, or as admin.",
        )
    if not entries:
        return not_attempted("You predicted. Now list /, /api, /apis, /api/v1 and one group.")
    seen = {each.path for each in entries}
    missing = [path for path in ENTRY_PATHS if path not in seen]
    groups = sorted(path for path in seen if re.fullmatch(GROUP_PATH + "/v[^/]+", path))
    if missing or not groups:
        wanted = [
            *missing,
            *([] if groups else [text("one group with its version, such as /apis/apps/v1")]),
        ]
        return failed(
            "missing-part",
            text("read so far: {paths}", ", ".join(sorted(seen)) or text("nothing")),
            text("also {missing}", listed(wanted, ", ")),
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
        return failed(
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
