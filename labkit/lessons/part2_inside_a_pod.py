"""Part 2, the API from inside a pod: W5 to W8."""

import re
from collections.abc import Container, Sequence

from kube_embedded.rbac.subjects import ACCOUNT_PREFIX, ANONYMOUS
from labkit.client.pods import MOUNT
from labkit.client.request_info import read_call
from labkit.core.language import listed, text

from .base import CheckContext, NotPassed, Outcome, failed, not_attempted, passed
from .evidence import Asked, Evidence, PodCommand
from .looking import (
    IN_A_SHELL,
    curl_status,
    in_pod,
    not_asked,
    recorded_fact,
    require_guess,
    without_prediction,
    wrong_prediction,
)
from .part1_api_server import address, address_in
from .pods import (
    CURL,
    account_of,
    mounted_token,
    own_name,
    require_account,
    require_pod,
    require_running,
)
from .predictions import USER, decision_of, decisions, is_user, with_status
from .steps import step

POD = "default/curl"

SERVICE_HOSTS = {
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
}
"""The names of the API server's Service: a pod's resolver searches its namespace, svc and the cluster's domain."""

HOST_AND_PORT = re.compile(r"https://.+|(tcp://)?[^/]+:\d+")
"""An address that says the port, or a scheme that implies it; KUBERNETES_PORT begins with ``tcp://``."""

CURL_HTTPS = re.compile(r"\bcurl\b[^;&|\n]*(https|\$)")
"""A curl of an address that is written out, or that a variable holds."""

INDIRECT_CURL = re.compile(r"\bxargs\b[^;&|\n]*\bcurl\b|\(\)\s*\{[^}]*\bcurl\b")
"""A curl that ``xargs`` or a function of the shell runs."""

TRUSTING = re.compile(r"--cacert|--capath|CURL_CA_BUNDLE|SSL_CERT_FILE|SSL_CERT_DIR")

NAMING = re.compile(r"(?:-H|--header|-A|--user-agent)[ =]*(?:'[^']*'|\"[^\"]*\"|\S+)")
"""A header on curl's command line, or the name that it gives itself; neither holds options."""

INSECURE = re.compile(r"(?:^|[\s='\"])(-[a-zA-Z]*k[a-zA-Z]*|--insecure)(?=$|[\s'\";&|)])")
"""The option ``-k``, also among other short options, such as ``-sk``."""

ADDRESS_PATH = re.compile(r"(?:https://kubernetes|localhost:8001)[\w.:]*(/[\w./-]*)?")

NOT_FOUND = 127
"""A shell's exit code if there is no such program."""

UNTRUSTED = 60
"""curl's exit code if it cannot verify the server's certificate."""

REFUSED_BY_SERVER = 22
"""curl's exit code with ``-f`` for an answer of 400 and more."""

ROOT_AND_API = ("/", "/api")
"""The paths of W8 and W13: one is refused, one is open to everybody who is authenticated."""


@step()
def w5(context: CheckContext) -> Outcome:
    """The pod ``curl`` runs in ``default``, as the default account, and runs commands."""
    hint = text("Leave metadata.namespace out, or set it to default.")
    todo = text("Create the pod curl from the manifest of this step.")
    pod = require_pod(context, "W5", "curl", hint, todo)
    require_running(pod, POD)
    require_account(
        pod,
        POD,
        "default",
        "it runs as default, the account of a pod that asks for none",
        "Something in its spec asks for another account. Delete the pod, and create it without that.",
    )
    # A distroless image runs and has no shell, and every further step runs commands in this pod.
    result = context.exec(POD, "echo ready")
    if result.stdout.strip() != "ready":
        output = (result.stderr or result.stdout).strip() or text("nothing")
        raise failed(
            "no-shell",
            text("a shell in {pod} says: {output}", POD, output),
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
    fact = recorded_fact(context, "W6")
    if fact is None:
        raise not_attempted(
            'Look inside the pod and record what you find: lab.record("W6", "host:port").'
        )
    # The kubelet sets them for each pod, so they are right on every cluster, whatever its Service network is.
    variables = "$KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT"
    environment = context.exec(POD, f"echo {variables}").stdout.split()
    if len(environment) != 2:
        raise failed(
            "no-shell",
            text("the environment of {pod} names no API server", POD),
            "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT",
            "Create the pod as in W5.",
        )
    host, port = environment
    fact = address_in(fact)
    recorded_host, recorded_port = address(fact) or ("", 0)
    known_host = recorded_host in {host, *SERVICE_HOSTS}
    complete = HOST_AND_PORT.fullmatch(str(fact).strip().lower())
    if known_host and complete and recorded_port == int(port):
        return passed(
            text("{address} is the Service kubernetes, {host} port {port}.", fact, host, port),
            "A Service has a stable address; behind it stand the API servers that run now.",
        )
    hint = text("The environment of the pod's container has both, host and port.")
    if (recorded_host, recorded_port) == address(context.admin.get("/version").server):
        hint = text("That is the address from your machine (W1). {hint}", hint)
    elif known_host and not complete:
        hint = text("The host is right; say the port too, and no http://. {hint}", hint)
    elif known_host:
        hint = text("The host is right, the port is not {port}. {hint}", recorded_port, hint)
    raise failed(
        "address-elsewhere",
        text("you recorded {address}", fact),
        "host and port of the Service kubernetes",
        hint,
    )


@step(decisions())
def w7(context: CheckContext) -> Outcome:
    """The TLS failure was seen, then the mounted CA was used; the answer is as predicted.

    A failed handshake leaves no audit event, so the commands in the pod are the evidence.
    """
    prediction = context.progress.prediction("W7")
    evidence = context.evidence()
    commands = in_pod(context, evidence, "default", "curl")
    calls = [command for command in commands if _curls(command)]
    if prediction is None:
        todo = text(
            'Predict the answer of the last call: predict("W7", "…"), one of "allowed", "forbidden", "unauthorized".'
        )
        raise without_prediction(bool(calls), todo)
    if not calls:
        raise _no_call(evidence, commands)
    _require_failure_first(calls)
    checked = _require_checked_answer(calls, evidence)
    truth = _decision_now(context)
    _require_no_token(checked, evidence, truth)
    why = text("The CA tells you who the server is. It does not tell the server who you are.")
    require_guess("W7", text("the answer"), {"the answer": prediction}, truth, why)
    return passed(
        text("untrusted without the CA; with it {answer}.", with_status(truth)),
        "TLS is settled in one direction: you know the server, it does not know you.",
        asked_at=checked[0].begun,
    )


def _require_failure_first(calls: Sequence[PodCommand]) -> None:
    """Require a call that failed because the server's certificate could not be verified."""
    if all(call.returncode == NOT_FOUND for call in calls):
        raise failed(
            "missing-part",
            text("curl is not there: {output}", _last_line(calls[-1])),
            "a call with curl",
            text(
                'Install it: lab.exec("{pod}", "apt-get update && apt-get install -y curl").', POD
            ),
        )
    if not any(map(_untrusted, calls)):
        raise failed(
            "missing-part",
            "no call that ended with curl's exit code 60 (certificate not trusted)",
            "first a call without the CA, to see that it fails",
            "Call the server once as it is, without any option of curl.",
        )


def _require_checked_answer(calls: Sequence[PodCommand], evidence: Evidence) -> list[PodCommand]:
    """Return the calls that were answered by a server whose certificate was checked."""
    answered = [call for call in calls if _answered(call, evidence)]
    # -k gets a response as well, so a response alone does not show that the CA was used.
    checked = [call for call in answered if not _insecure(call)]
    if checked:
        return checked
    expected = text("an answer from a server whose certificate was checked")
    which = text("One of the mounted files says whom to trust, and curl has an option for it.")
    if answered:
        raise failed(
            "certificate-unchecked",
            "an answer fetched with -k, which skips the check",
            expected,
            text("-k would talk to an impostor just as gladly. {which}", which),
        )
    last = calls[-1]
    seen = text(
        "no call with the CA that got an answer; the last one, {command}: {output}",
        last.command[-200:],
        _last_line(last),
    )
    raise failed("missing-part", seen, expected, which)


def _decision_now(context: CheckContext) -> str:
    """Return the server's current response to the call of W7."""
    # The check makes the request itself: anonymous access decides between 401 and 403, and the log has no body.
    call = f"{CURL} --cacert {MOUNT}/ca.crt https://kubernetes.default.svc"
    result = context.exec(POD, call)
    status = curl_status(result.stdout)
    if status is None:
        output = result.stderr.strip() or text("exit code {code}", result.returncode)
        raise failed(
            "missing-part",
            text("the same call now: {output}", output),
            "an answer of the API server",
            'Is curl still installed? "apt-get update && apt-get install -y curl" brings it.',
        )
    return decision_of(status)


def _require_no_token(checked: Sequence[PodCommand], evidence: Evidence, truth: str) -> None:
    """Require that one of the calls was answered as one without a credential is."""
    requests = [
        request for call in checked for request in evidence.asked if call.covers(request.at)
    ]
    if not requests or any(decision_of(request.status) == truth for request in requests):
        return
    last = requests[-1]
    hint = text("Everybody may read that path: ask for https://kubernetes alone.")
    if last.user != ANONYMOUS:
        hint = text("A token was sent, so it knows you: ask for https://kubernetes alone.")
    raise failed(
        "asked-for-something-else",
        text("{path}: {status} to {user}", last.path, last.status, last.user),
        text("{answer}, without a token", with_status(truth)),
        hint,
    )


def _no_call(evidence: Evidence, commands: Sequence[PodCommand]) -> NotPassed:
    """The verdict on W7 if the server was not called over HTTPS in the pod."""
    if any(command.interactive for command in commands):
        seen = text("a shell in {pod}; what was typed there is not known", POD)
        return failed("call-unseen", seen, "the calls as commands of their own", IN_A_SHELL)
    # Plain HTTP to port 443 gets a 400 from the server, which teaches nothing about certificates.
    if tries := [command for command in commands if command.runs("curl", "wget")]:
        return failed(
            "no-tls",
            text("you ran: {command}", tries[-1].command),
            "a call of https://kubernetes with curl",
            "HTTPS it must be.",
        )
    if strays := [command for command in evidence.ran if _curls(command)]:
        return failed(
            "another-namespace",
            text("a call in {pod}", strays[-1].pod),
            text("the same in {pod}", POD),
            "Another pod has another account.",
        )
    return not_attempted(
        text("You predicted. Now call https://kubernetes with curl, in the pod {pod}.", POD)
    )


def _curls(ran: PodCommand) -> bool:
    """Return whether a command calls something over HTTPS with curl."""
    if "https" not in ran.command:
        return False
    direct = ran.runs("curl") and CURL_HTTPS.search(ran.command)
    return bool(direct or INDIRECT_CURL.search(ran.command))


def _last_line(ran: PodCommand) -> str:
    lines = ran.output.strip().splitlines()
    return lines[-1] if lines else text("exit code {code}", ran.returncode)


def _untrusted(ran: PodCommand) -> bool:
    """Return whether a curl failed for want of the CA; without an exit code, whether it had to."""
    if ran.returncode is not None:
        # The last command of a line decides its exit code, so curl's own message counts as well.
        return ran.returncode == UNTRUSTED or "SSL certificate problem" in ran.output
    return not _insecure(ran) and not TRUSTING.search(ran.command)


def _answered(ran: PodCommand, evidence: Evidence) -> bool:
    """Return whether a curl got an answer.

    The audit log has a request of that moment; without a log, curl printed one.
    """
    if ran.returncode not in (None, 0, REFUSED_BY_SERVER):
        return False
    if not (_insecure(ran) or TRUSTING.search(ran.command)):
        return False
    if evidence.logged:
        return any(ran.covers(request.at) for request in evidence.asked)
    printed = curl_status(ran.output) is not None or not ran.output.strip()
    return printed or ran.returncode == REFUSED_BY_SERVER


def _insecure(ran: PodCommand) -> bool:
    """Return whether a curl skips the check of the server's certificate."""
    return bool(INSECURE.search(NAMING.sub(" ", ran.command)))


@step(USER)
def w8(context: CheckContext) -> Outcome:
    """The mounted token authenticates, as the user the learner predicted."""
    prediction = context.progress.prediction("W8")
    evidence = context.evidence()
    commands = in_pod(context, evidence, "default", "curl")
    pod = context.pod(context.names.namespace("default"), "curl") or {}
    user = context.account("default", account_of(pod)).user
    requests = _asked_as(user, evidence, commands)
    sent = [command for command in commands if "Authorization" in command.command]
    called = [command for command in commands if _curls(command)]
    # labkit's own callers have accounts' tokens too; only a call from elsewhere can be a mistaken token.
    others = [
        request
        for request in evidence.asked
        if request.user.startswith(ACCOUNT_PREFIX) and not request.by_labkit
    ]
    if prediction is None:
        todo = text('Predict the user name that the server sees: predict("W8", "system:…").')
        raise without_prediction(bool(requests or sent), todo)
    if not requests and not sent and not called and not others:
        todo = text("You predicted. Now send the mounted token from inside the pod.")
        raise not_asked(evidence, commands, todo)
    if not mounted_token(context, POD):
        raise failed(
            "no-token",
            text("no token at {mount}/token in {pod}", MOUNT, POD),
            "a pod with a mounted token",
            "Create the pod again as in W5, without automountServiceAccountToken: false.",
        )
    if not requests:
        raise _not_accepted(evidence, called, others)
    # The time of a request identifies the command that made it; the log does not name the command.
    unchecked = [command for command in commands if _insecure(command)]
    careful = [
        request
        for request in requests
        if not any(command.covers(request.at) for command in unchecked)
    ]
    if not careful:
        raise failed(
            "certificate-unchecked",
            "the token was sent with -k: to any server that answers, an impostor's too",
            "the token sent to a server whose certificate was checked",
            "Whoever gets the token is this account. W7 showed how to check the server first.",
        )
    hint = text(
        "The name of an account's user holds its namespace and its own name. Predict again."
    )
    require_user(context, "W8", user, hint)
    paths = {request.path for request in requests}
    require_root_and_api(paths, text("with the token, from inside the pod"))
    return passed(
        text("the mounted token makes the pod {user}.", user),
        "token says who you are, ca.crt who the server is, namespace where you are.",
        asked_at=careful[0].at,
    )


def _not_accepted(
    evidence: Evidence, called: Sequence[PodCommand], others: Sequence[Asked]
) -> NotPassed:
    """The verdict on W8 if no call was accepted with the pod's own token."""
    kind = "missing-part"
    seen = text("no call that was accepted with the token")
    if others:
        kind = "asked-as-another"
        seen = text("a call as {user}, with another account's token", others[-1].user)
    elif any(request.status == 401 and not request.bare for request in evidence.asked):
        kind = "token-of-old-account"
        seen = text("401: the token was not accepted")
    elif any(ANONYMOUS in call.output for call in called):
        seen = text("answers to system:anonymous only")
    return failed(
        kind,
        seen,
        "an answer given to the pod's own account",
        "A bearer token travels in the header Authorization, and the pod's own is mounted beside the CA.",
    )


def require_user(context: CheckContext, step: str, user: str, hint: str) -> None:
    """Require that the prediction of a step names the user that the server saw."""
    prediction = context.progress.prediction(step)
    if not is_user(context.names, prediction, user):
        seen = text("you predicted “{prediction}”; that is not whom the server saw", prediction)
        raise wrong_prediction(step, seen, hint)


def require_root_and_api(paths: Container[str], how: str) -> None:
    """Require calls for both of ``ROOT_AND_API``."""
    missing = listed(path for path in ROOT_AND_API if path not in paths)
    if missing:
        raise failed(
            "missing-part",
            text("no call for {paths} yet", missing),
            text("calls for {paths}", listed(ROOT_AND_API)),
            text("Ask {how}, for {paths} as well.", how, missing),
        )


def paths_of(command: str) -> list[str]:
    """The paths of the addresses in a command line."""
    return [path or "/" for path in ADDRESS_PATH.findall(command)]


def _asked_as(user: str, evidence: Evidence, commands: Sequence[PodCommand]) -> list[Asked]:
    """Return the requests that were made as a user; without an audit log, those whose output names the user."""
    requests = [request for request in evidence.asked if request.user == user]
    if evidence.logged:
        return requests
    for command in commands:
        output = command.output
        if "Authorization" in command.command and (user in output or curl_status(output) == 200):
            requests += [
                Asked(user, read_call("GET", path), 200, command.begun)
                for path in paths_of(command.command)
            ]
    return requests


STEPS = (w5, w6, w7, w8)
