"""Part 3, authentication and service accounts: W9 to W13."""

import json
import re
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

from labkit.client.tokens import request_token
from labkit.core.language import listed, text

from .base import CheckContext, NotPassed, Outcome, failed, not_attempted, passed
from .evidence import PodCommand
from .looking import (
    curl_status,
    in_pod,
    not_asked,
    require_prediction,
    without_prediction,
    wrong_prediction,
)
from .mistakes import of_guess
from .part2_inside_a_pod import NOT_FOUND, paths_of, require_root_and_api, require_user
from .pods import (
    CURL,
    account_of,
    answering,
    containers,
    elsewhere,
    has_curl,
    mounted_token,
    no_proxy,
    own_name,
    require_account,
    require_no_near_name,
    require_pod,
    require_running,
    require_token,
    run_in_each,
    runs_proxy,
)
from .predictions import NAME, SAME_OR_NOT, USER, YES_OR_NO
from .prepared import require_own
from .steps import step
from .two_tokens import compared, not_looked_at

POD = "default/curl-custom-sa"


@step(NAME)
def w9(context: CheckContext) -> Outcome:
    """The learner looked, and has identified the account of a pod that names none."""
    prediction = context.progress.prediction("W9")
    requests = [
        request
        for request in context.evidence().asked
        if request.reads and request.call.is_resource
    ]
    looked = [
        request
        for request in requests
        if request.status == 200 and request.call.full_resource in ("serviceaccounts", "pods")
    ]
    if prediction is None:
        raise without_prediction(
            bool(looked), 'Predict the account of a pod that names none: predict("W9", "…").'
        )
    if not looked and requests:
        raise failed(
            "asked-for-something-else",
            text("you asked to {request} ({status})", requests[-1].text, requests[-1].status),
            "the service accounts of all namespaces, or the pods",
            "An account is an object too: the resource is serviceaccounts.",
        )
    if not looked:
        raise not_attempted("You predicted. Now list the service accounts of all namespaces.")
    namespace = context.names.namespace("default")
    name = "default"
    pod = context.pod(namespace, "curl")
    if pod is not None and account_of(pod) != name:
        raise failed(
            "pod-as-another",
            text("pod default/curl names an account, {account}", account_of(pod)),
            "a pod that names none",
            "The question is what a pod gets that asks for none. Delete it, and create it anew.",
        )
    # default, default/default and the full user name all say the same.
    if str(prediction).strip().lower().replace("/", ":").rpartition(":")[2] != name:
        raise failed(
            of_guess("W9"),
            text("you predicted “{prediction}”; the account has another name", prediction),
            "a prediction that agrees with the pod's spec.serviceAccountName",
            "A pod that names no account gets one: the account that every namespace has.",
        )
    accounts = [account["metadata"] for account in context.items("/api/v1/serviceaccounts")]
    homes = {account["namespace"] for account in accounts if account["name"] == name}
    return passed(
        text(
            "{count} namespaces have an account {name}; curl runs as {namespace}/{name}.",
            len(homes),
            name,
            namespace,
        ),
        "Pods of one namespace that name no account share it, and every permission it is given.",
        asked_at=looked[0].at,
    )


def secrets_of_account(account: dict[str, Any]) -> list[str]:
    """The token Secrets that the cluster made for an account.

    Up to 1.23 they are listed in ``secrets``; a Secret made by hand is not. Other Secrets can be
    listed there too: OpenShift adds those with the registry's passwords.
    """
    beginning = f"{account.get('metadata', {}).get('name')}-token-"
    names = [str(entry.get("name")) for entry in account.get("secrets") or ()]
    return [name for name in names if name.startswith(beginning)]


@step(YES_OR_NO)
def w10(context: CheckContext) -> Outcome:
    """The account ``kikai`` exists, and the objects created with it are as predicted."""
    namespace = context.names.namespace("default")
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    account = context.find(f"{path}/kikai")
    if account is None:
        if others := elsewhere(context, "serviceaccounts", "kikai", namespace):
            raise failed(
                "another-namespace",
                text("an account kikai in {namespaces}", ", ".join(others)),
                text("an account kikai in the namespace {namespace}", namespace),
                "An account belongs to one namespace; pods of others cannot use it.",
            )
        require_no_near_name(context, text("service account"), path, "kikai")
        raise not_attempted("Create the service account kikai in the namespace default.")
    require_own(account, text("the account kikai"), "W10")
    prediction = require_prediction(context, "W10")
    secrets = secrets_of_account(account)
    if (prediction == "yes") != bool(secrets):
        known = text("the cluster made no Secret for it")
        if secrets:
            known = text("the cluster made {secrets}", ", ".join(secrets))
        seen = text("you predicted “{prediction}”; {known}", prediction, known)
        hint = text(
            "Up to 1.23 a token Secret was made for every account. In 1.24 and later none is, by default. Predict again."
        )
        raise wrong_prediction("W10", seen, hint)
    return passed(
        text(
            "account default/kikai exists; token Secrets made by the cluster: {count}.",
            len(secrets),
        ),
        "Today one asks for a token when one needs it, and it expires.",
    )


@step()
def w11(context: CheckContext) -> Outcome:
    """``curl-custom-sa`` runs as ``kikai``, and its ambassador responds."""
    hint = text("The account kikai lives in default, so the pod must too.")
    todo = text("Create it from the manifest above.")
    pod = require_pod(context, "W11", "curl-custom-sa", hint, todo)
    hint = text("A pod's spec names its account. It keeps it: delete the pod, and create it anew.")
    require_account(pod, POD, "kikai", "it runs as kikai", hint)
    require_running(pod, POD)
    # Asked after it runs: a pod that crashes has a mistake that comes first.
    if len(containers(pod)) < 2:
        expected = text("a second one, the ambassador, beside main")
        if runs_proxy(pod):
            expected = text("one to work in, beside the ambassador")
        raise failed(
            "one-container",
            text("one container: {containers}", ", ".join(containers(pod))),
            expected,
            "The containers in a pod's spec are fixed: delete the pod, and create it anew with both.",
        )
    require_token(pod, text("a token for the ambassador to send"))
    # The kubelet mounts a token when the pod starts. Deleting the account voids it, also if a new one has the
    # same name.
    answer = answering(context, POD)
    if curl_status(answer) == 401:
        raise failed(
            "token-of-old-account",
            text(
                "localhost:8001 answers 401 in {pod}: the mounted token is not accepted any more",
                POD,
            ),
            "the ambassador's call is accepted",
            "The account was made anew, and a token belongs to one account. Delete the pod, and create it again.",
        )
    # Without curl in any container the proxy cannot be asked from here, so its command has to do.
    if not answer and (has_curl(context, POD) or not runs_proxy(pod)):
        hint = text(
            "Does one of its containers run kubectl proxy? Containers of a pod share localhost."
        )
        raise no_proxy(POD, "the ambassador's kubectl proxy answers there", hint)
    return passed(
        text("pod {pod} runs as kikai; localhost:8001 answers in it.", own_name(pod)),
        "main needs no token, no CA and no TLS: its neighbour has them.",
    )


@step(SAME_OR_NOT)
def w12(context: CheckContext) -> Outcome:
    """Mounted token and the account's own token were compared rightly."""
    prediction = context.progress.prediction("W12")
    claims = [record["value"] for record in context.progress.records("W12") if "value" in record]
    if prediction is None:
        raise without_prediction(
            bool(claims), 'Predict first: predict("W12", "…"), either "identical" or "different".'
        )
    unseen = not_looked_at(context, context.evidence())
    if not claims and len(unseen) < 2:
        raise failed(
            "missing-part",
            "you have looked at a token, and recorded nothing",
            "the claim that answers each question",
            'Compare, and record which claim says what: lab.record("W12", {"who issued it": "…", …}).',
        )
    if not claims:
        raise not_attempted(
            'You predicted. Now compare, and record which claim says what: lab.record("W12", {"who issued it": "…", …}).'
        )
    mounted, owned = _tokens(context)
    if not mounted or not owned:
        raise failed(
            "no-token",
            "the mounted token or the account's own token cannot be had",
            text("pod {pod} running as kikai (W11)", POD),
            "Finish W11 first; a pod without automount has no token to compare.",
        )
    outcome = compared(str(prediction), claims[-1], mounted, owned)
    if unseen:
        raise failed(
            "missing-part",
            text("nobody has looked at {unseen}", listed(unseen)),
            "both tokens read and compared",
            "One is mounted in the pod; for the other, ask the API server to make a token of the account.",
        )
    return outcome


def _tokens(context: CheckContext) -> tuple[str, list[str]]:
    """The token mounted in the pod, and the account's own tokens.

    Its own are the one in its Secret, where the cluster made one, and a requested one.
    """
    mounted = mounted_token(context, POD)
    namespace = context.names.namespace("default")
    path = f"/api/v1/namespaces/{namespace}"
    account = context.find(f"{path}/serviceaccounts/kikai") or {}
    secrets = [context.find(f"{path}/secrets/{name}") or {} for name in secrets_of_account(account)]
    tokens = [
        b64decode(secret["data"]["token"]).decode()
        for secret in secrets
        if "token" in (secret.get("data") or {})
    ]
    # A requested token is refused if the account is missing; then the mounted one cannot be compared.
    answer = request_token(context.admin, namespace, "kikai")
    if answer.status == 201:
        tokens.append(str(answer.body["status"]["token"]))
    return mounted, tokens


@step(USER)
def w13(context: CheckContext) -> Outcome:
    """The ambassador authenticates the caller as ``kikai``, as predicted."""
    evidence = context.evidence()
    account = context.account("default", "kikai")
    as_kikai = [request for request in evidence.asked if request.user == account.user]
    inside = in_pod(context, evidence, "default", "curl-custom-sa")
    calls = [command for command in inside if "8001" in command.command]
    through = [
        request.at
        for request in as_kikai
        if not request.by_labkit
        and any(
            (command in calls or command.interactive) and command.covers(request.at)
            for command in inside
        )
    ]
    if not evidence.logged:
        through += [call.begun for call in calls if call.returncode == 0 and call.output.strip()]
    if context.progress.prediction("W13") is None:
        todo = text('Predict the user the server sees: predict("W13", "system:…").')
        raise without_prediction(bool(as_kikai or calls), todo)
    if not as_kikai and not calls:
        todo = text(
            "You predicted. Now call the ambassador, at localhost:8001, from the container beside it."
        )
        raise not_asked(evidence, evidence.ran, todo)
    user = _user_at_proxy(context)
    if user is None:
        hint = text("Check W11 again: the pod needs a container that runs kubectl proxy.")
        raise no_proxy(POD, "the ambassador answers there", hint)
    if not through:
        raise _not_through(bool(as_kikai), calls)
    hint = text("The proxy sends the token that is mounted in its own container. Predict again.")
    require_user(context, "W13", user, hint)
    # Without a log, the command lines are all that is known of the paths.
    paths = [path for call in calls for path in paths_of(call.command)]
    if evidence.logged:
        paths = [request.path for request in as_kikai]
    require_root_and_api(paths, text("through the ambassador"))
    return passed(
        text("through localhost:8001 the server sees {user}.", user),
        "An account of your own making is as good as the default one: it has a name of its own.",
        asked_at=min(through),
    )


def _not_through(as_kikai: bool, calls: Sequence[PodCommand]) -> NotPassed:
    """The verdict on W13 if no call came through the ambassador."""
    kind = "missing-part"
    seen = text("a call that got no answer")
    hint = text(
        "Call the ambassador where it listens, in the pod itself; it needs no token and no other host."
    )
    if as_kikai:
        kind = "not-through-proxy"
        seen = text("kikai asked, but not through the ambassador")
        hint = text("The point is that the caller needs no token: call localhost:8001 in the pod.")
    elif any("https://localhost" in call.command for call in calls):
        hint = text("The ambassador speaks plain HTTP: http://localhost:8001.")
    elif any(call.returncode == NOT_FOUND or "not found" in call.output for call in calls):
        hint = text("Install curl first: apt-get update && apt-get install -y curl.")
    expected = text("an answer through the ambassador, at localhost:8001 in the pod")
    return failed(kind, seen, expected, hint)


REVIEW = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})


def _user_at_proxy(context: CheckContext) -> str | None:
    """The user that the server sees behind ``localhost:8001``, None without an answer."""
    url = "http://localhost:8001/apis/authentication.k8s.io/v1/selfsubjectreviews"
    ask = f"{CURL} -X POST -H 'Content-Type: application/json' -d '{REVIEW}' {url}"
    for result in run_in_each(context, POD, ask):
        if match := re.search(r'"username":\s*"([^"]+)"', result.stdout):
            return match[1]
    # Servers before 1.28 have no SelfSubjectReview. The message of a 403 names the user as well.
    match = re.search(r'User \\"([^"\\]+)\\"', answering(context, POD, "/whoami"))
    return match[1] if match else None


STEPS = (w9, w10, w11, w12, w13)
