"""Part 2, the API from inside a pod: W5 to W8."""

from __future__ import annotations

import re
from typing import Any

from labkit.client.pods import MOUNT
from labkit.lessons.base import Context, Outcome, failed, not_attempted, passed
from labkit.lessons.evidence import (
    answers,
    as_decision,
    commands,
    curl_status,
    decision_of,
    output,
    predicts_user,
    recorded_fact,
    with_status,
)
from labkit.lessons.part1_api_server import address
from labkit.lessons.pods import account_of, elsewhere, made_by_lab, mounted_token, not_running
from labkit.lessons.steps import step

POD = "default/curl"


@step(
    "Create the pod curl",
    4,
    "lab.apply takes YAML text, a dict, or the name of one of the lab's files.",
    'lab.apply("02-inside-a-pod") applies the manifest as it stands in the text.',
)
def w5(context: Context) -> Outcome:
    """The pod ``curl`` runs in ``default``, as the default account, and runs commands."""
    namespace = context.names.namespace("default")
    pod = context.pod(namespace, "curl")
    if pod is None:
        if strays := elsewhere(context, "curl", namespace):
            return failed(
                f"a pod curl in {', '.join(strays)}",
                f"a pod curl in the namespace {namespace}",
                "Leave metadata.namespace out, or set it to default.",
            )
        return not_attempted("Create the pod curl from the manifest of this step.")
    if (prepared := made_by_lab(pod, POD, "W5")) is not None:
        return prepared
    if (trouble := not_running(pod, POD)) is not None:
        return trouble
    if account_of(pod) != "default":
        return failed(
            f"pod {POD} runs as the account {account_of(pod)}",
            "it runs as default, the account of a pod that asks for none",
            "Delete the pod and create it without serviceAccountName.",
        )
    result = context.exec(POD, "echo ready")
    if result.stdout.strip() != "ready":
        return failed(
            f"a shell in {POD} says: {(result.stderr or result.stdout).strip() or 'nothing'}",
            "a container in which commands can run",
            "Use the image ubuntu: it has a shell.",
        )
    return passed(
        f"pod {POD} is Running, and a shell in it answers.",
        "You gave it no credentials. It has some all the same: that is the next steps' subject.",
    )


@step(
    "Find the API server from inside",
    4,
    "Kubernetes puts the address of every Service into a container's environment.",
    f'lab.exec("{POD}", "env | grep KUBERNETES_SERVICE") shows host and port.',
)
def w6(context: Context) -> Outcome:
    """The recorded address is the one the pod's environment and the Service name."""
    given = recorded_fact(context, "W6")
    if given is None:
        return not_attempted('Look inside the pod and record what you find: lab.record("W6", "host:port").')
    shown = context.exec(POD, "echo $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT").stdout.split()
    if len(shown) != 2:
        return failed(
            f"the environment of {POD} names no API server",
            "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT",
            "Create the pod as in W5.",
        )
    host, port = shown[0], int(shown[1])
    hosts = {host, *(f"kubernetes{rest}" for rest in _DNS)}
    said = address(given)
    if said and said[0] in hosts and said[1] == port:
        return passed(
            f"{given} is the Service kubernetes, {host} port {port}.",
            "A Service has a stable address; behind it stand the API servers that run now.",
        )
    hint = "In the pod: env | grep KUBERNETES_SERVICE shows host and port."
    if said and said == address(context.admin.get("/version").server):
        hint = f"That is the address from your machine (W1). {hint}"
    elif said and said[0] in hosts:
        hint = f"The host is right, the port is not {said[1]}. {hint}"
    return failed(f"you recorded {given}", "host and port of the Service kubernetes", hint)


_DNS = ("", ".default", ".default.svc", ".default.svc.cluster.local")


@step(
    "Trust the server",
    6,
    f"Three files are mounted at {MOUNT}; one of them is the CA.",
    f"curl -s --cacert {MOUNT}/ca.crt https://kubernetes",
)
def w7(context: Context) -> Outcome:
    """The TLS failure was seen, then the mounted CA was used; the answer is as predicted."""
    prediction = context.progress.prediction("W7")
    if prediction is None:
        return not_attempted(
            'Predict the answer of the last call: predict("W7", "…"), one of "allowed", "forbidden", "unauthorized".'
        )
    ran = commands(context, "W7")
    calls = [each for each in ran if "curl" in str(each.get("command")) and "https" in str(each)]
    if not calls:
        return not_attempted(f'You predicted. Now call: lab.exec("{POD}", "curl https://kubernetes").')
    if not any(each.get("returncode") == 60 for each in calls):
        return failed(
            "no recorded call that ended with curl's exit code 60 (certificate not trusted)",
            "first a call without the CA, to see that it fails",
            f'Run lab.exec("{POD}", "curl https://kubernetes") once without any option.',
        )
    trusted = [each for each in calls if each.get("returncode") == 0 and curl_status(each)]
    checked = [each for each in trusted if not _insecure(str(each.get("command")))]
    if trusted and not checked:
        return failed(
            "an answer fetched with -k, which skips the check",
            "an answer from a server whose certificate was checked",
            f"-k would talk to an impostor just as gladly. Use --cacert {MOUNT}/ca.crt.",
        )
    if not checked:
        return failed(
            "no recorded call that got an answer",
            "a call that trusts the cluster's CA",
            f"Add --cacert {MOUNT}/ca.crt to the same call.",
        )
    fresh = context.exec(POD, f"curl -s --cacert {MOUNT}/ca.crt https://kubernetes.default.svc")
    now = curl_status({"stdout": fresh.stdout})
    if now is None:
        return failed(
            f"the same call now: {fresh.stderr.strip() or f'exit code {fresh.returncode}'}",
            "an answer of the API server",
            'Is curl still installed? "apt-get update && apt-get install -y curl" brings it.',
        )
    if as_decision(prediction) != decision_of(now):
        return failed(
            f"you predicted “{as_decision(prediction)}”, the server said {with_status(decision_of(now))}",
            "a prediction that agrees with the server",
            "The CA tells you who the server is. It does not tell the server who you are. "
            "Predict again and check again.",
        )
    return passed(
        f"untrusted without the CA; with it {with_status(decision_of(now))}.",
        "TLS is settled in one direction: you know the server, it does not know you.",
    )


def _insecure(command: str) -> bool:
    return bool(re.search(r"(?<!\S)(-\w*k\w*|--insecure)(?!\S)", command))


@step(
    "Say who you are",
    6,
    "The user name of a service account is system:serviceaccount:NAMESPACE:NAME.",
    f'TOKEN=$(cat {MOUNT}/token), then curl with -H "Authorization: Bearer $TOKEN".',
)
def w8(context: Context) -> Outcome:
    """The mounted token authenticates, as the user the learner predicted."""
    prediction = context.progress.prediction("W8")
    if prediction is None:
        return not_attempted('Predict the user name that the server sees: predict("W8", "system:…").')
    if not answers(context, "W8") and not commands(context, "W8"):
        return not_attempted("You predicted. Now send the mounted token from inside the pod.")
    token = mounted_token(context, POD)
    if not token:
        return failed(
            f"no token at {MOUNT}/token in {POD}",
            "a pod with a mounted token",
            "Create the pod again as in W5, without automountServiceAccountToken: false.",
        )
    user = context.as_token(token).get("/api").as_user
    if not _authenticated(context, user):
        strangers = any("system:anonymous" in output(each) for each in commands(context, "W8"))
        return failed(
            "answers to system:anonymous only" if strangers else f"no answer given to {user}",
            f"an answer given to {user}",
            'The header is: -H "Authorization: Bearer $TOKEN", with TOKEN=$(cat …/token) before it.',
        )
    if not predicts_user(context, prediction, user):
        return failed(
            f"you predicted “{prediction}”, the server said {user}",
            "a prediction that agrees with the server",
            "system:serviceaccount:NAMESPACE:NAME, of the account the pod runs as. Predict again.",
        )
    return passed(
        f"the mounted token makes the pod {user}.",
        "token says who you are, ca.crt who the server is, namespace where you are.",
    )


def _authenticated(context: Context, user: str) -> bool:
    """Whether some recorded answer was given to this user."""
    if any(each.get("as_user") == user for each in answers(context, "W8")):
        return True
    return any(_names(each, user) for each in commands(context, "W8"))


def _names(record: Any, user: str) -> bool:
    """Whether a recorded command was answered as a user: a refusal names it, or the token was accepted."""
    sent = "Authorization" in str(record.get("command"))
    return user in output(record) or (sent and curl_status(record) == 200)


STEPS = (w5, w6, w7, w8)
