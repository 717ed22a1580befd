"""Scenarios of learners in part 3: service accounts."""

from __future__ import annotations

from base64 import b64encode

from labkit.client.pods import MOUNT
from labkit.core.errors import ExecFailed
from tests.lessons.paper import (
    ADMIN,
    CUSTOM,
    DEFAULT,
    Answer,
    Paper,
    account,
    by_lab,
    pod,
    scenario,
    token,
    waiting,
)

# -- W9 to W11: accounts ----------------------------------------------------------------------


@scenario
def w9_nothing(paper: Paper) -> None:
    paper.ask(ADMIN, "/api/v1/serviceaccounts", 403)


@scenario
def w9_asked_first(paper: Paper) -> None:
    paper.ask(ADMIN, "/api/v1/serviceaccounts")


@scenario
def w9_predicted(paper: Paper) -> None:
    paper.predict("W9", "default")
    paper.ask(ADMIN, "/api")
    paper.ask(ADMIN, "/api/v1/namespaces/a/serviceaccounts", method="POST")


@scenario
def w9_something_else(paper: Paper) -> None:
    paper.predict("W9", "default")
    paper.ask(ADMIN, "/api/v1/secrets")
    paper.ask(ADMIN, "/api/v1/namespaces/kikai/configmaps", 403)


@scenario
def w9_account(paper: Paper) -> None:
    paper.predict("W9", "default")
    paper.add(pod("curl", serviceAccountName="kikai"))
    paper.ask(ADMIN, "/api/v1/pods")


@scenario
def w9_right(paper: Paper) -> None:
    paper.add(pod("curl"), account("a", "default"), account("b", "default"), account("b", "other"))
    paper.predict("W9", "default/default")
    paper.ask(ADMIN, "/api/v1/pods")
    paper.ask(ADMIN, "/api/v1/serviceaccounts")


@scenario
def w9_wrong(paper: Paper) -> None:
    paper.predict("W9", "curl")
    paper.ask(ADMIN, "/api/v1/serviceaccounts")


@scenario
def w10_nothing(paper: Paper) -> None:
    pass


@scenario
def w10_elsewhere(paper: Paper) -> None:
    paper.add(account("kikai", "kikai"), account("darbo", "kikai"), account("a", "default"))


@scenario
def w10_a_name_with_a_suffix(paper: Paper) -> None:
    paper.add(account("default", "kikai-x7"), account("default", "default"))


@scenario
def w10_by_the_lab(paper: Paper) -> None:
    paper.add(by_lab(account("default", "kikai"), "W12"))


@scenario
def w10_right(paper: Paper) -> None:
    secrets = [{"name": "my-own"}, {"name": "kikai-dockercfg-x"}, {"name": "token-kikai-token-"}]
    paper.add(account("default", "kikai", secrets=secrets))
    paper.predict("W10", "no")


@scenario
def w10_unpredicted(paper: Paper) -> None:
    paper.add(account("default", "kikai"))


@scenario
def w10_unpredicted_there_are(paper: Paper) -> None:
    paper.add(account("default", "kikai", secrets=[{"name": "kikai-token-1"}]))


@scenario
def w10_wrong(paper: Paper) -> None:
    paper.add(account("default", "kikai"))
    paper.predict("W10", "yes")


@scenario
def w10_wrong_there_are(paper: Paper) -> None:
    paper.add(
        account("default", "kikai", secrets=[{"name": "kikai-token-1"}, {"name": "kikai-token-2"}])
    )
    paper.predict("W10", "no")


def custom(paper: Paper, *containers: str, **more: object) -> None:
    made = containers or ("main", "ambassador")
    paper.add(pod("curl-custom-sa", "default", *made, **{"serviceAccountName": "kikai", **more}))  # type: ignore[arg-type] # a table of keywords


@scenario
def w11_another_name(paper: Paper) -> None:
    paper.add(pod("curl"), pod("curl-kikai", serviceAccountName="kikai"))


@scenario
def w11_by_a_deployment(paper: Paper) -> None:
    owner = {"controller": True, "name": "curl-custom-sa-6d4f"}
    made = pod("curl-custom-sa-6d4f-x", serviceAccountName="kikai")
    paper.add({**made, "metadata": {**made["metadata"], "ownerReferences": [owner]}})


@scenario
def w11_nothing(paper: Paper) -> None:
    pass


@scenario
def w11_elsewhere(paper: Paper) -> None:
    paper.add(pod("curl-custom-sa", "kikai"))


@scenario
def w11_by_the_lab(paper: Paper) -> None:
    paper.add(by_lab(pod("curl-custom-sa"), "W11"))


@scenario
def w11_account(paper: Paper) -> None:
    custom(paper, serviceAccountName=None)


@scenario
def w11_pending(paper: Paper) -> None:
    custom(paper, state=waiting("ContainerCreating"))


@scenario
def w11_one_container(paper: Paper) -> None:
    custom(paper, "main")


@scenario
def w11_only_the_ambassador(paper: Paper) -> None:
    custom(paper, "ambassador", command="kubectl proxy")


@scenario
def w11_no_token(paper: Paper) -> None:
    custom(paper, token=False)


@scenario
def w11_an_old_token(paper: Paper) -> None:
    custom(paper)
    paper.printed["http://localhost:8001/version"] = '{"kind": "Status", "code": 401}'


@scenario
def w11_silent(paper: Paper) -> None:
    custom(paper)


@scenario
def w11_silent_proxy(paper: Paper) -> None:
    custom(paper, command="kubectl proxy")
    paper.printed["ambassador: command -v curl"] = "/usr/bin/curl"
    paper.printed["localhost"] = " "


@scenario
def w11_nobody_has_curl(paper: Paper) -> None:
    custom(paper, command="kubectl proxy")
    paper.printed["curl-custom-sa main:"] = ExecFailed(500, "", "No shell.")


@scenario
def w11_right(paper: Paper) -> None:
    custom(paper)
    paper.printed["curl-custom-sa main:"] = ExecFailed(500, "", "No shell.")
    paper.printed[
        "default/curl-custom-sa ambassador: curl -s -A labkit-check http://localhost:8001/version"
    ] = "{}"


@scenario
def w11_right_with_a_sidecar(paper: Paper) -> None:
    sidecars = [{"name": "first"}, {"name": "ambassador", "restartPolicy": "Always"}]
    custom(paper, "main", initContainers=sidecars)
    paper.printed["curl-custom-sa ambassador: curl"] = "{}"


# -- W12: two tokens --------------------------------------------------------------------------

CLAIMS = {"iss": "k", "sub": CUSTOM, "iat": 1}
ASK_TOKEN = "/api/v1/namespaces/default/serviceaccounts/kikai/token"


RIGHT = {
    "who issued it": "iss",
    "whom it is about": "sub",
    "whom it is meant for": "",
    "when it ends": "none",
    "which pod has it": "no claim",
}
"""The answers about a token that has neither an audience nor an end nor a pod."""


def tokens(
    paper: Paper,
    prediction: str | None = "different",
    named: object = None,
    mounted: object = None,
    look: bool = True,
) -> None:
    if prediction:
        paper.predict("W12", prediction)
    if named is not None:
        paper.record("W12", named)
    custom(paper)
    paper.add(account("default", "kikai"))
    first = token(
        **CLAIMS, jti="1", kubernetes={"io": {}, **({} if mounted is None else {"pod": mounted})}
    )
    own = token(**CLAIMS, jti="2", aud="b")
    paper.printed[f"cat {MOUNT}/token"] = f"{first}\n"
    paper.answers[ASK_TOKEN] = Answer(201, {"status": {"token": own}})
    if look:
        paper.run("default/curl-custom-sa", f"cat {MOUNT}/token")
        paper.ask(ADMIN, ASK_TOKEN, 201, method="POST")


@scenario
def w12_nothing(paper: Paper) -> None:
    pass


@scenario
def w12_recorded_first(paper: Paper) -> None:
    tokens(paper, None, ["iss"])


@scenario
def w12_predicted(paper: Paper) -> None:
    tokens(paper, look=False)


@scenario
def w12_looked(paper: Paper) -> None:
    tokens(paper, look=False)
    paper.run("default/curl-custom-sa", "bash")


@scenario
def w12_no_token(paper: Paper) -> None:
    tokens(paper, named=RIGHT)
    paper.printed.clear()


@scenario
def w12_no_token_of_its_own(paper: Paper) -> None:
    tokens(paper, named=RIGHT)
    paper.answers[ASK_TOKEN] = Answer(403, {})


@scenario
def w12_right(paper: Paper) -> None:
    tokens(paper, named={question.upper(): f" {claim} " for question, claim in RIGHT.items()})


@scenario
def w12_right_of_a_pod(paper: Paper) -> None:
    whole = {"whom it is meant for": "aud", "when it ends": "exp"}
    tokens(paper, named={**RIGHT, **whole, "which pod has it": "kubernetes.io.pod.name"})
    bound = token(**CLAIMS, aud="a", exp=9, **{"kubernetes.io": {"pod": {"name": "x"}}})
    paper.printed[f"cat {MOUNT}/token"] = bound


@scenario
def w12_right_as_labkit_saw_it(paper: Paper) -> None:
    tokens(paper, named=RIGHT, look=False)
    for where in ("default/curl-custom-sa", None):
        paper.facts.append({"kind": "token", "subject": CUSTOM, "pod": where})


@scenario
def w12_unseen(paper: Paper) -> None:
    tokens(paper, named=RIGHT, look=False)
    paper.facts.append({"kind": "token", "subject": DEFAULT, "pod": "default/curl"})
    paper.run("default/curl-custom-sa", "echo /token")
    paper.run("default/curl-custom-sa", "cat /etc/hosts")
    paper.run("default/curl", f"cat {MOUNT}/token")
    paper.ask(ADMIN, ASK_TOKEN, 403, method="POST")
    paper.ask(ADMIN, "/api/v1/namespaces/default/serviceaccounts/kikai")


@scenario
def w12_unseen_its_own(paper: Paper) -> None:
    tokens(paper, named=RIGHT, look=False)
    paper.run("default/curl-custom-sa", f"base64 {MOUNT}/token")
    paper.run("default/curl-custom-sa", "ls")


@scenario
def w12_unseen_the_mounted_one(paper: Paper) -> None:
    tokens(paper, named=RIGHT, look=False)
    paper.ask(ADMIN, "/api/v1/namespaces/default/secrets/kikai-token-1")
    paper.ask(ADMIN, "/api")


@scenario
def w12_wrong(paper: Paper) -> None:
    tokens(paper, "identical", RIGHT)


@scenario
def w12_the_wrong_claim(paper: Paper) -> None:
    tokens(paper, named={**RIGHT, "when it ends": "iat"})


@scenario
def w12_too_few(paper: Paper) -> None:
    tokens(paper, named={"who issued it": "iss"})


@scenario
def w12_a_list(paper: Paper) -> None:
    tokens(paper, named=["iss", "sub"])


@scenario
def w12_a_number(paper: Paper) -> None:
    tokens(paper, named=7)


@scenario
def w12_a_secret(paper: Paper) -> None:
    tokens(paper, "identical", RIGHT)
    own = paper.printed[f"cat {MOUNT}/token"]
    paper.objects[-1]["secrets"] = [{"name": "kikai-token-1"}, {"name": "kikai-token-2"}]
    data = {"token": b64encode(str(own).strip().encode()).decode()}
    secret = {
        "kind": "Secret",
        "metadata": {"name": "kikai-token-1", "namespace": "default"},
        "data": data,
    }
    paper.add(secret)


@scenario
def w12_a_secret_too_few(paper: Paper) -> None:
    w12_a_secret(paper)
    paper.record("W12", {"who issued it": "iss"})
    paper.answers[ASK_TOKEN] = Answer(403, {})


# -- W13: the ambassador ----------------------------------------------------------------------

AMBASSADOR = "curl -s http://localhost:8001/api"


def through(paper: Paper, prediction: str | None = CUSTOM) -> None:
    custom(paper)
    if prediction:
        paper.predict("W13", prediction)
    paper.printed["ambassador: curl -s -A labkit-check -X POST"] = f'{{"username": "{CUSTOM}"}}'


@scenario
def w13_nothing(paper: Paper) -> None:
    through(paper, None)
    paper.ask(ADMIN, "/api")


@scenario
def w13_asked_first(paper: Paper) -> None:
    through(paper, None)
    paper.run("default/curl-custom-sa", AMBASSADOR)


@scenario
def w13_predicted(paper: Paper) -> None:
    through(paper)
    paper.run("default/curl-custom-sa", "bash")
    paper.ask(ADMIN, "/api")


@scenario
def w13_in_a_shell(paper: Paper) -> None:
    through(paper)
    paper.logged = False
    paper.run("default/curl-custom-sa", "bash")
    paper.run("default/curl-custom-sa", "ls")


@scenario
def w13_silent(paper: Paper) -> None:
    through(paper)
    paper.printed.clear()
    paper.run("default/curl-custom-sa", AMBASSADOR)


@scenario
def w13_not_through(paper: Paper) -> None:
    through(paper)
    paper.run("default/curl-custom-sa", "curl https://kubernetes")
    paper.ask(CUSTOM, "/api")


@scenario
def w13_by_labkit(paper: Paper) -> None:
    through(paper)
    paper.run("default/curl-custom-sa", AMBASSADOR)
    paper.ask(CUSTOM, "/api", agent="labkit/1")


@scenario
def w13_https(paper: Paper) -> None:
    through(paper)
    paper.run("default/curl-custom-sa", "curl https://localhost:8001", "error", 35)


@scenario
def w13_no_curl(paper: Paper) -> None:
    through(paper)
    paper.run("default/curl-custom-sa", AMBASSADOR, code=127)


@scenario
def w13_no_curl_in_words(paper: Paper) -> None:
    through(paper)
    paper.run("default/curl-custom-sa", AMBASSADOR, "curl: not found", 1)


@scenario
def w13_no_answer(paper: Paper) -> None:
    through(paper)
    paper.run("default/curl-custom-sa", AMBASSADOR, code=7)


@scenario
def w13_only_api(paper: Paper) -> None:
    through(paper)
    paper.run("default/curl-custom-sa", AMBASSADOR)
    paper.ask(CUSTOM, "/api")


@scenario
def w13_right(paper: Paper) -> None:
    through(paper)
    for _ in range(2):
        paper.run("default/curl-custom-sa", AMBASSADOR)
        paper.ask(CUSTOM, "/")
        paper.ask(CUSTOM, "/api")


@scenario
def w13_right_in_a_shell(paper: Paper) -> None:
    through(paper)
    paper.run("default/curl-custom-sa", "sh")
    paper.ask(CUSTOM, "/")
    paper.ask(CUSTOM, "/api")


@scenario
def w13_right_without_a_log(paper: Paper) -> None:
    through(paper, "default:kikai")
    paper.logged = False
    paper.run("default/curl-custom-sa", AMBASSADOR, " ")
    paper.run("default/curl-custom-sa", AMBASSADOR, "x", 7)
    paper.run("default/curl-custom-sa", "curl -s localhost:8001; curl -s localhost:8001/api", "{}")


@scenario
def w13_right_by_a_refusal(paper: Paper) -> None:
    through(paper)
    paper.printed.clear()
    paper.printed["http://localhost:8001/whoami"] = f'User \\"{CUSTOM}\\" cannot get path'
    paper.run("default/curl-custom-sa", AMBASSADOR)
    paper.ask(CUSTOM, "/")
    paper.ask(CUSTOM, "/api")


@scenario
def w13_wrong(paper: Paper) -> None:
    through(paper, "system:anonymous")
    paper.run("default/curl-custom-sa", AMBASSADOR)
    paper.ask(CUSTOM, "/api")
