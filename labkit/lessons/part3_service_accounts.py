"""Part 3, authentication and service accounts: W9 to W13."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any

from labkit.client.tokens import request_token
from labkit.core.language import listed, text
from labkit.lessons.base import CheckContext, Outcome, failed, first, not_attempted, passed
from labkit.lessons.looking import IN_A_SHELL, curl_status, in_pod, unpredicted, without_prediction
from labkit.lessons.mistakes import of_guess
from labkit.lessons.part2_inside_a_pod import ROOT_AND_API, paths_of, unasked_paths
from labkit.lessons.pods import (
    CURL,
    account_of,
    answering,
    containers,
    has_curl,
    made_by_workload,
    mounted_token,
    near_name,
    no_pod,
    no_proxy,
    not_running,
    own_name,
    runs_as_another,
    runs_proxy,
    without_token,
)
from labkit.lessons.predictions import NAME, SAME_OR_NOT, USER, YES_OR_NO, is_user
from labkit.lessons.prepared import made_by_lab
from labkit.lessons.steps import step
from labkit.lessons.two_tokens import compared, not_looked_at

POD = "default/curl-custom-sa"


@step(NAME)
def w9(context: CheckContext) -> Outcome:
    """The learner looked, and knows which account a pod gets that asks for none."""
    prediction = context.progress.prediction("W9")
    looked = [
        each
        for each in context.evidence().asked
        if each.status == 200
        and each.reads
        and each.call.full_resource in ("serviceaccounts", "pods")
    ]
    if prediction is None:
        return without_prediction(
            bool(looked), 'Predict the account of the pod curl: predict("W9", "…").'
        )
    if not looked:
        reads = [each for each in context.evidence().asked if each.reads and each.call.is_resource]
        if reads:
            return failed(
                "asked-for-something-else",
                text("you asked to {request} ({status})", reads[-1].text, reads[-1].status),
                "the service accounts of all namespaces, or the pods",
                "An account is an object too: the resource is serviceaccounts.",
            )
        return not_attempted("You predicted. Now list the service accounts of all namespaces.")
    namespace, name = context.names.namespace("default"), "default"
    pod = context.pod(namespace, "curl")
    if pod is not None and account_of(pod) != name:
        return failed(
            "pod-as-another",
            text("pod default/curl names an account, {account}", account_of(pod)),
            "a pod that names none",
            "The question is what a pod gets that asks for none. Delete it, and create it anew.",
        )
    if str(prediction).strip().lower().replace("/", ":").rpartition(":")[2] != name:
        return failed(
            of_guess("W9"),
            text("you predicted “{prediction}”; pod default/curl runs as another", prediction),
            "a prediction that agrees with the pod's spec.serviceAccountName",
            "A pod that names no account gets one: the account that every namespace has.",
        )
    accounts = context.items("/api/v1/serviceaccounts")
    homes = {each["metadata"]["namespace"] for each in accounts if each["metadata"]["name"] == name}
    return passed(
        text(
            "{count} namespaces have an account {name}; curl runs as {namespace}/{name}.",
            len(homes),
            name,
            namespace,
        ),
        "Pods of one namespace share it, and so share every permission it is given.",
        asked_at=looked[0].at,
    )


def secrets_of_account(account: dict[str, Any]) -> list[str]:
    """The token Secrets that the cluster made for an account.

    Up to 1.23 they are listed in ``secrets``; a Secret made by hand is not. Other Secrets may be
    listed there too: OpenShift adds those with the registry's passwords.
    """
    beginning = f"{account.get('metadata', {}).get('name')}-token-"
    names = [str(each.get("name")) for each in account.get("secrets") or ()]
    return [name for name in names if name.startswith(beginning)]


@step(YES_OR_NO)
def w10(context: CheckContext) -> Outcome:
    """The account ``kikai`` exists, and what came with it is as predicted."""
    namespace = context.names.namespace("default")
    account = context.find(f"/api/v1/namespaces/{namespace}/serviceaccounts/kikai")
    prediction = context.progress.prediction("W10")
    if account is None:
        others = [
            each["metadata"]["namespace"]
            for each in context.items("/api/v1/serviceaccounts")
            if each["metadata"]["name"] == "kikai"
        ]
        if others:
            return failed(
                "another-namespace",
                text("an account kikai in {namespaces}", ", ".join(others)),
                text("an account kikai in the namespace {namespace}", namespace),
                "An account belongs to one namespace; pods of others cannot use it.",
            )
        own = [
            str(each["metadata"]["name"])
            for each in context.items(f"/api/v1/namespaces/{namespace}/serviceaccounts")
        ]
        todo = text("Create the service account kikai in the namespace default.")
        near = near_name(text("service account"), "kikai", own)
        return not_attempted(todo) if near is None else near
    if (given := made_by_lab(account, text("the account kikai"), "W10")) is not None:
        return given
    if (missing := unpredicted(context, "W10")) is not None:
        return missing
    made = secrets_of_account(account)
    if (prediction == "yes") != bool(made):
        known = (
            text("the cluster made {secrets}", ", ".join(made))
            if made
            else text("the cluster made no Secret for it")
        )
        return failed(
            of_guess("W10"),
            text("you predicted “{prediction}”; {known}", prediction, known),
            "a prediction that agrees with the server",
            "Up to 1.23 a token Secret was made for every account; since 1.24 none is. Predict again.",
        )
    return passed(
        text(
            "account default/kikai exists; token Secrets made by the cluster: {count}.", len(made)
        ),
        "Today one asks for a token when one needs it, and it expires.",
    )


@step()
def w11(context: CheckContext) -> Outcome:
    """``curl-custom-sa`` runs as ``kikai``, and its ambassador answers."""
    namespace = context.names.namespace("default")
    pod = context.pod(namespace, "curl-custom-sa")
    if pod is None:
        hint = text("The account kikai lives in default, so the pod must too.")
        todo = text("Create it from the manifest above.")
        return no_pod(context, "curl-custom-sa", namespace, hint, todo)
    if (given := made_by_lab(pod, POD, "W11")) is not None:
        return given
    hint = text("A pod's spec names its account. It keeps it: delete the pod, and create it anew.")
    another = runs_as_another(pod, POD, "kikai", "it runs as kikai", hint)
    if (
        trouble := first(made_by_workload(pod, "curl-custom-sa"), another, not_running(pod, POD))
    ) is not None:
        return trouble
    if len(containers(pod)) < 2:
        proxy = runs_proxy(pod)
        return failed(
            "one-container",
            text("one container: {containers}", ", ".join(containers(pod))),
            "one to work in, beside the ambassador"
            if proxy
            else "a second one, the ambassador, beside main",
            "A pod that exists gets no further container: delete it, and create it anew with both.",
        )
    if (without := without_token(pod, text("a token for the ambassador to send"))) is not None:
        return without
    answer = answering(context, POD)
    if curl_status(answer) == 401:
        return failed(
            "token-of-old-account",
            text(
                "localhost:8001 answers 401 in {pod}: the mounted token is not accepted any more",
                POD,
            ),
            "the ambassador's call is accepted",
            "The account was made anew, and a token belongs to one account. Delete the pod, and create it again.",
        )
    if not answer and not (runs_proxy(pod) and not has_curl(context, POD)):
        hint = text(
            "Does one of its containers run kubectl proxy? Containers of a pod share localhost."
        )
        return no_proxy(POD, "the ambassador's kubectl proxy answers there", hint)
    return passed(
        text("pod {pod} runs as kikai; localhost:8001 answers in it.", own_name(pod)),
        "main needs no token, no CA and no TLS: its neighbour has them.",
    )


@step(SAME_OR_NOT)
def w12(context: CheckContext) -> Outcome:
    """Mounted token and the account's own token were compared rightly."""
    prediction = context.progress.prediction("W12")
    named = [each["value"] for each in context.progress.records("W12") if "value" in each]
    if prediction is None:
        return without_prediction(
            bool(named), 'Predict first: predict("W12", "…"), either "identical" or "different".'
        )
    unseen = not_looked_at(context, context.evidence())
    if not named and len(unseen) < 2:
        return failed(
            "missing-part",
            "you have looked at a token, and recorded nothing",
            "what the two have in common",
            'Compare, and record what is the same: lab.record("W12", [claim, …]).',
        )
    if not named:
        return not_attempted(
            'You predicted. Now compare, and record what is the same: lab.record("W12", [claim, …]).'
        )
    mounted, owned = _tokens(context)
    if not mounted or not owned:
        return failed(
            "no-token",
            "the mounted token or the account's own token cannot be had",
            text("pod {pod} running as kikai (W11)", POD),
            "Finish W11 first; a pod without automount has no token to compare.",
        )
    outcomes = [compared(str(prediction), named[-1], mounted, own) for own in owned]
    outcome = next((each for each in outcomes if each.passed), outcomes[0])
    if outcome.passed and unseen:
        return failed(
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
    base = f"/api/v1/namespaces/{namespace}"
    account = context.find(f"{base}/serviceaccounts/kikai") or {}
    secrets = [context.find(f"{base}/secrets/{name}") or {} for name in secrets_of_account(account)]
    owned = [
        b64decode(each["data"]["token"]).decode()
        for each in secrets
        if "token" in (each.get("data") or {})
    ]
    answer = request_token(context.admin, namespace, "kikai")
    return mounted, owned + ([str(answer.body["status"]["token"])] if answer.status == 201 else [])


@step(USER)
def w13(context: CheckContext) -> Outcome:
    """The ambassador makes the caller ``kikai``, as predicted."""
    prediction = context.progress.prediction("W13")
    evidence = context.evidence()
    account = context.account("default", "kikai")
    as_kikai = [each for each in evidence.asked if each.user == account.user]
    inside = in_pod(context, evidence, "default", "curl-custom-sa")
    ran = [each for each in inside if "8001" in each.command]
    through = [
        each.at
        for each in as_kikai
        if not each.by_labkit
        and any((run in ran or run.interactive) and run.covers(each.at) for run in inside)
    ]
    if not evidence.logged:
        through += [each.begun for each in ran if each.returncode == 0 and each.output.strip()]
    if prediction is None:
        todo = text('Predict the user the server sees: predict("W13", "system:…").')
        return without_prediction(bool(as_kikai or ran), todo)
    if not as_kikai and not ran and not through:
        unseen = not evidence.logged and any(each.interactive for each in evidence.ran)
        call = text("You predicted. Now call the ambassador from the container beside it.")
        return not_attempted(text("You predicted. {why}", IN_A_SHELL) if unseen else call)
    user = _user_at_proxy(context)
    if user is None:
        hint = text("Check W11 again: the pod needs a container that runs kubectl proxy.")
        return no_proxy(POD, "the ambassador answers there", hint)
    if not through:
        return failed(
            "not-through-proxy" if as_kikai else "missing-part",
            "kikai asked, but not through the ambassador"
            if as_kikai
            else "a call that got no answer",
            "an answer through the ambassador, at localhost:8001 in the pod",
            "The point is that the caller needs no token: call localhost:8001 in the pod."
            if as_kikai
            else "The ambassador speaks plain HTTP: http://localhost:8001."
            if any("https://localhost" in each.command for each in ran)
            else "Install curl first: apt-get update && apt-get install -y curl."
            if any(each.returncode == 127 or "not found" in each.output for each in ran)
            else "Call the ambassador where it listens, in the pod itself; it needs no token and no other host.",
        )
    if not is_user(context.names, prediction, user):
        return failed(
            of_guess("W13"),
            text("you predicted “{prediction}”; that is not whom the server saw", prediction),
            "a prediction that agrees with the server",
            "The proxy sends the token that is mounted in its own container. Predict again.",
        )
    ways = (
        [each.path for each in as_kikai]
        if evidence.logged
        else [p for each in ran for p in paths_of(each.command)]
    )
    if missing := [path for path in ROOT_AND_API if path not in ways]:
        return unasked_paths(missing, text("through the ambassador"))
    return passed(
        text("through localhost:8001 the server sees {user}.", user),
        "An account of your own making is as good as the default one: it has a name of its own.",
        asked_at=min(through),
    )


_REVIEW = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})


def _user_at_proxy(context: CheckContext) -> str | None:
    """The user that the server sees behind ``localhost:8001``, None without an answer."""
    namespace = context.names.namespace("default")
    pod = context.pod(namespace, "curl-custom-sa")
    url = "http://localhost:8001/apis/authentication.k8s.io/v1/selfsubjectreviews"
    ask = f"{CURL} -X POST -H 'Content-Type: application/json' -d '{_REVIEW}' {url}"
    for container in containers(pod or {}):
        result = context.exec(POD, ask, container=container)
        if found := re.search(r'"username":\s*"([^"]+)"', result.stdout):
            return found[1]
    refusal = answering(context, POD, "/whoami")
    found = re.search(r'User \\"([^"\\]+)\\"', refusal)
    return found[1] if found else None


STEPS = (w9, w10, w11, w12, w13)
