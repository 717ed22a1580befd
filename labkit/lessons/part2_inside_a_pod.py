"""Part 2, the API from inside a pod: W5 to W8."""

from __future__ import annotations

import re
from collections.abc import Sequence

from labkit.client.pods import MOUNT
from labkit.client.request_info import read_call
from labkit.core.language import listed, text
from labkit.lessons.base import CheckContext, Outcome, failed, first, not_attempted, passed
from labkit.lessons.evidence import Asked, Evidence, PodCommand
from labkit.lessons.looking import (
    IN_A_SHELL,
    curl_status,
    in_pod,
    recorded_fact,
    without_prediction,
    wrong_guess,
)
from labkit.lessons.mistakes import of_guess
from labkit.lessons.part1_api_server import address, address_in
from labkit.lessons.pods import (
    CURL,
    account_of,
    made_by_workload,
    mounted_token,
    no_pod,
    not_running,
    own_name,
    runs_as_another,
)
from labkit.lessons.predictions import USER, decision_of, decisions, is_user, with_status
from labkit.lessons.prepared import made_by_lab
from labkit.lessons.steps import step
from labkit.rbac.subjects import ACCOUNT_PREFIX, ANONYMOUS

POD = "default/curl"


@step()
def w5(context: CheckContext) -> Outcome:
    """The pod ``curl`` runs in ``default``, as the default account, and runs commands."""
    namespace = context.names.namespace("default")
    pod = context.pod(namespace, "curl")
    if pod is None:
        hint = text("Leave metadata.namespace out, or set it to default.")
        todo = text("Create the pod curl from the manifest of this step.")
        return no_pod(context, "curl", namespace, hint, todo)
    if (prepared := made_by_lab(pod, POD, "W5")) is not None:
        return prepared
    another = runs_as_another(
        pod,
        POD,
        "default",
        "it runs as default, the account of a pod that asks for none",
        "Something in its spec asks for another account. Delete the pod, and create it without that.",
    )
    if (
        trouble := first(made_by_workload(pod, "curl"), not_running(pod, POD), another)
    ) is not None:
        return trouble
    result = context.exec(POD, "echo ready")
    if result.stdout.strip() != "ready":
        return failed(
            "no-shell",
            text(
                "a shell in {pod} says: {output}",
                POD,
                (result.stderr or result.stdout).strip() or text("nothing"),
            ),
            "a container in which commands can run",
            "Use the image ubuntu: it has a shell.",
        )
    return passed(
        text("pod {pod} is Running, and a shell in it answers.", own_name(pod)),
        "You gave it no credentials. It has some all the same: that is the next steps' subject.",
    )


@step()
def w6(context: CheckContext) -> Outcome:
    """The recorded address is the one the pod's environment and the Service name."""
    given = recorded_fact(context, "W6")
    if given is None:
        return not_attempted(
            'Look inside the pod and record what you find: lab.record("W6", "host:port").'
        )
    shown = context.exec(
        POD, "echo $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT"
    ).stdout.split()
    if len(shown) != 2:
        return failed(
            "no-shell",
            text("the environment of {pod} names no API server", POD),
            "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT",
            "Create the pod as in W5.",
        )
    given = address_in(given)
    host, port = shown[0], int(shown[1])
    hosts = {host, *(f"kubernetes{rest}" for rest in _DNS)}
    said = address(given)
    whole = re.fullmatch(r"https://.+|(tcp://)?[^/]+:\d+", str(given).strip().lower())
    if said and whole and said[0] in hosts and said[1] == port:
        return passed(
            text("{address} is the Service kubernetes, {host} port {port}.", given, host, port),
            "A Service has a stable address; behind it stand the API servers that run now.",
        )
    hint = text("The environment of the pod's container has both, host and port.")
    if said and said == address(context.admin.get("/version").server):
        hint = text("That is the address from your machine (W1). {hint}", hint)
    elif said and said[0] in hosts and not whole:
        hint = text("The host is right; say the port too, and no http://. {hint}", hint)
    elif said and said[0] in hosts:
        hint = text("The host is right, the port is not {port}. {hint}", said[1], hint)
    return failed(
        "address-elsewhere",
        text("you recorded {address}", given),
        "host and port of the Service kubernetes",
        hint,
    )


_DNS = ("", ".default", ".default.svc", ".default.svc.cluster.local")


@step(decisions())
def w7(context: CheckContext) -> Outcome:
    """The TLS failure was seen, then the mounted CA was used; the answer is as predicted.

    A failed handshake leaves no audit event, so the commands in the pod are the evidence.
    """
    prediction = context.progress.prediction("W7")
    evidence = context.evidence()
    ran = in_pod(context, evidence, "default", "curl")
    calls = [each for each in ran if _curls(each)]
    todo = text(
        'Predict the answer of the last call: predict("W7", "…"), one of "allowed", "forbidden", "unauthorized".'
    )
    if prediction is None:
        return without_prediction(bool(calls), todo)
    if not calls:
        return _no_call(evidence, ran)
    if all(each.returncode == 127 for each in calls):
        return failed(
            "missing-part",
            text("curl is not there: {output}", _last_line(calls[-1])),
            "a call with curl",
            text(
                'Install it: lab.exec("{pod}", "apt-get update && apt-get install -y curl").', POD
            ),
        )
    if not any(_untrusted(each) for each in calls):
        return failed(
            "missing-part",
            "no call that ended with curl's exit code 60 (certificate not trusted)",
            "first a call without the CA, to see that it fails",
            "Call the server once as it is, without any option of curl.",
        )
    answered = [each for each in calls if _answered(each, evidence)]
    checked = [each for each in answered if not _insecure(each.command)]
    if not checked:
        which = text("One of the mounted files says whom to trust, and curl has an option for it.")
        last = calls[-1]
        return failed(
            "certificate-unchecked" if answered else "missing-part",
            "an answer fetched with -k, which skips the check"
            if answered
            else text(
                "no call with the CA that got an answer; the last one, {command}: {output}",
                last.command[-200:],
                _last_line(last),
            ),
            "an answer from a server whose certificate was checked",
            text("-k would talk to an impostor just as gladly. {which}", which)
            if answered
            else which,
        )
    fresh = context.exec(POD, f"{CURL} --cacert {MOUNT}/ca.crt https://kubernetes.default.svc")
    now = curl_status(fresh.stdout)
    if now is None:
        return failed(
            "missing-part",
            text(
                "the same call now: {output}",
                fresh.stderr.strip() or text("exit code {code}", fresh.returncode),
            ),
            "an answer of the API server",
            'Is curl still installed? "apt-get update && apt-get install -y curl" brings it.',
        )
    why = text("The CA tells you who the server is. It does not tell the server who you are.")
    truth = decision_of(now)
    seen = [each for ran in checked for each in evidence.asked if ran.covers(each.at)]
    if seen and all(decision_of(each.status) != truth for each in seen):
        hint = (
            text("A token was sent, so it knows you: ask for https://kubernetes alone.")
            if seen[-1].user != ANONYMOUS
            else text("Everybody may read that path: ask for https://kubernetes alone.")
        )
        return failed(
            "asked-for-something-else",
            text("{path}: {status} to {user}", seen[-1].path, seen[-1].status, seen[-1].user),
            text("{answer}, without a token", with_status(truth)),
            hint,
        )
    if (
        outcome := wrong_guess("W7", text("the answer"), {"the answer": prediction}, truth, why)
    ) is not None:
        return outcome
    return passed(
        text("untrusted without the CA; with it {answer}.", with_status(truth)),
        "TLS is settled in one direction: you know the server, it does not know you.",
        asked_at=checked[0].begun,
    )


def _no_call(evidence: Evidence, ran: Sequence[PodCommand]) -> Outcome:
    """The outcome of W7 when nobody called the server over HTTPS in the pod."""
    if any(each.interactive for each in ran):
        seen = text("a shell in {pod}; what was typed there is not known", POD)
        return failed("call-unseen", seen, "the calls as commands of their own", IN_A_SHELL)
    if tried := [each for each in ran if each.runs("curl", "wget")]:
        return failed(
            "no-tls",
            text("you ran: {command}", tried[-1].command),
            "a call of https://kubernetes with curl",
            "HTTPS it must be.",
        )
    if elsewhere := [each for each in evidence.ran if _curls(each)]:
        return failed(
            "another-namespace",
            text("a call in {pod}", elsewhere[-1].pod),
            text("the same in {pod}", POD),
            "Another pod has another account.",
        )
    return not_attempted(
        text("You predicted. Now call https://kubernetes with curl, in the pod {pod}.", POD)
    )


_CALL = re.compile(r"\bcurl\b[^;&|\n]*(https|\$)")
_INDIRECT = re.compile(r"\bxargs\b[^;&|\n]*\bcurl\b|\(\)\s*\{[^}]*\bcurl\b")
"""A curl that ``xargs`` or a function of the shell runs."""


def _curls(ran: PodCommand) -> bool:
    """Whether a command calls something over HTTPS with curl."""
    if "https" not in ran.command:
        return False
    return bool((ran.runs("curl") and _CALL.search(ran.command)) or _INDIRECT.search(ran.command))


def _last_line(ran: PodCommand) -> str:
    lines = ran.output.strip().splitlines()
    return lines[-1] if lines else text("exit code {code}", ran.returncode)


_TRUSTING = re.compile(r"--cacert|--capath|CURL_CA_BUNDLE|SSL_CERT_FILE|SSL_CERT_DIR")
_HEADER = re.compile(r"(?:-H|--header|-A|--user-agent)[ =]*(?:'[^']*'|\"[^\"]*\"|\S+)")
"""A header on curl's command line, or the name that it gives itself."""

REFUSED_BY_SERVER = 22
"""curl's exit code with ``-f`` for an answer of 400 and more."""


def _untrusted(ran: PodCommand) -> bool:
    """Whether a curl failed for want of the CA; without an exit code, whether it had to."""
    if ran.returncode is not None:
        return ran.returncode == 60 or "SSL certificate problem" in ran.output
    return not _insecure(ran.command) and not _TRUSTING.search(ran.command)


def _answered(ran: PodCommand, evidence: Evidence) -> bool:
    """Whether a curl got an answer: the audit log has a request of that moment; without a log, it printed one."""
    if ran.returncode not in (None, 0, REFUSED_BY_SERVER):
        return False
    if not (_insecure(ran.command) or _TRUSTING.search(ran.command)):
        return False
    if evidence.logged:
        return any(ran.covers(each.at) for each in evidence.asked)
    return (
        curl_status(ran.output) is not None
        or ran.returncode == REFUSED_BY_SERVER
        or not ran.output.strip()
    )


def _insecure(command: str) -> bool:
    command = _HEADER.sub(" ", command)
    return bool(
        re.search(r"(?:^|[\s='\"])(-[a-zA-Z]*k[a-zA-Z]*|--insecure)(?=$|[\s'\";&|)])", command)
    )


@step(USER)
def w8(context: CheckContext) -> Outcome:
    """The mounted token authenticates, as the user the learner predicted."""
    prediction = context.progress.prediction("W8")
    evidence = context.evidence()
    ran = in_pod(context, evidence, "default", "curl")
    pod = context.pod(context.names.namespace("default"), "curl") or {}
    user = context.account("default", account_of(pod)).user
    asked = _asked_as(user, evidence, ran)
    sent = [each for each in ran if "Authorization" in each.command]
    called = [each for each in ran if _curls(each)]
    others = [
        each
        for each in evidence.asked
        if each.user.startswith(ACCOUNT_PREFIX) and not each.by_labkit
    ]
    if prediction is None:
        todo = text('Predict the user name that the server sees: predict("W8", "system:…").')
        return without_prediction(bool(asked or sent), todo)
    if not asked and not sent and not called and not others:
        unseen = any(each.interactive for each in ran) and not evidence.logged
        return not_attempted(
            text("You predicted. {why}", IN_A_SHELL)
            if unseen
            else "You predicted. Now send the mounted token from inside the pod."
        )
    if not mounted_token(context, POD):
        return failed(
            "no-token",
            text("no token at {mount}/token in {pod}", MOUNT, POD),
            "a pod with a mounted token",
            "Create the pod again as in W5, without automountServiceAccountToken: false.",
        )
    if not asked:
        strangers = any(ANONYMOUS in each.output for each in called)
        bad = any(each.status == 401 and not each.bare for each in evidence.asked)
        return failed(
            "asked-as-another" if others else "token-of-old-account" if bad else "missing-part",
            text("a call as {user}, with another account's token", others[-1].user)
            if others
            else "401: the token was not accepted"
            if bad
            else "answers to system:anonymous only"
            if strangers
            else "no call that was accepted with the token",
            "an answer given to the pod's own account",
            "A bearer token travels in the header Authorization, and the pod's own is mounted beside the CA.",
        )
    careful = [
        each for each in asked if not any(r.covers(each.at) for r in ran if _insecure(r.command))
    ]
    if not careful:
        return failed(
            "certificate-unchecked",
            "the token was sent with -k: to any server that answers, an impostor's too",
            "the token sent to a server whose certificate was checked",
            "Whoever gets the token is this account. W7 showed how to check the server first.",
        )
    if not is_user(context.names, prediction, user):
        return failed(
            of_guess("W8"),
            text("you predicted “{prediction}”; that is not whom the server saw", prediction),
            "a prediction that agrees with the server",
            "The name of an account's user holds its namespace and its own name. Predict again.",
        )
    if missing := [path for path in ROOT_AND_API if path not in {each.path for each in asked}]:
        return unasked_paths(missing, text("with the token, from inside the pod"))
    return passed(
        text("the mounted token makes the pod {user}.", user),
        "token says who you are, ca.crt who the server is, namespace where you are.",
        asked_at=careful[0].at,
    )


ROOT_AND_API = ("/", "/api")
"""The paths of W8 and W13: one is refused, one is open to everybody who is authenticated."""


def unasked_paths(missing: Sequence[str], how: str) -> Outcome:
    """The outcome when some of ``ROOT_AND_API`` were not asked for."""
    paths = listed(missing)
    return failed(
        "missing-part",
        text("no call for {paths} yet", paths),
        text("calls for {paths}", listed(ROOT_AND_API)),
        text("Ask {how}, for {paths} as well.", how, paths),
    )


def paths_of(command: str) -> list[str]:
    """The paths of the addresses in a command line."""
    return [
        path or "/"
        for path in re.findall(r"(?:https://kubernetes|localhost:8001)[\w.:]*(/[\w./-]*)?", command)
    ]


def _asked_as(user: str, evidence: Evidence, ran: list[PodCommand]) -> list[Asked]:
    """The requests that were made as a user; without an audit log, those whose output says so."""
    found = [each for each in evidence.asked if user and each.user == user]
    if not evidence.logged:
        found += [
            Asked(user, read_call("GET", path), 200, each.begun)
            for each in ran
            if "Authorization" in each.command
            and (user in each.output or curl_status(each.output) == 200)
            for path in paths_of(each.command)
        ]
    return found


STEPS = (w5, w6, w7, w8)
