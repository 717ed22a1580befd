"""Exercise 3: tokens, asked for and taken apart."""

from __future__ import annotations

from labkit.client.tokens import Token
from labkit.grading.tasks.checks import PODS, GradedCluster, token_in_secret
from labkit.grading.tasks.seed import Seed
from labkit.grading.tasks.task import ExerciseSpec, Task, Variant, account, namespace, pod


def _keep(space: str, name: str) -> str:
    return (
        f'lab.admin.post("/api/v1/namespaces/{space}/secrets", '
        f'{{"metadata": {{"name": "{name}"}}, "stringData": {{"token": token}}}})'
    )


def _ask(space: str, who: str, spec: str) -> str:
    return (
        f'answer = lab.admin.post("/api/v1/namespaces/{space}/serviceaccounts/{who}/token", '
        f'{{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {spec}}})\n'
        'token = answer.body["status"]["token"]\n'
    )


def token_for_audience(seed: Seed) -> Variant:
    """A token for somebody else than the API server."""
    space, who, kept = seed.name("mint"), seed.name("issuer"), seed.name("kept")
    audience = f"https://{seed.name('vault')}.example"

    def judge(token: Token, _context: GradedCluster) -> str:
        found = token.claims.get("aud")
        return "" if found == [audience] else f"Its audience is {found}, not {audience}."

    return Variant(
        f"Request a token of the account `{who}` in `{space}` for the audience `{audience}` alone. Keep it in a "
        f"Secret `{kept}` in `{space}` under the key `token`.",
        (token_in_secret(space, kept, who, f"A token of {who} for {audience}.", judge),),
        (namespace(space), account(space, who)),
        _ask(space, who, f'{{"audiences": ["{audience}"]}}') + _keep(space, kept),
    )


def short_token(seed: Seed) -> Variant:
    """A token with a life as short as asked."""
    space, who, kept = seed.name("brief"), seed.name("mayfly"), seed.name("slip")
    minutes = 10 + seed.number("minutes", 40)

    def judge(token: Token, _context: GradedCluster) -> str:
        life = int(token.claims.get("exp", 0)) - int(token.claims.get("iat", 0))
        return "" if life == 60 * minutes else f"It lives for {life} s, not for {60 * minutes} s."

    return Variant(
        f"Request a token of `{who}` in `{space}` that lives for exactly {minutes} minutes. Keep it in a Secret "
        f"`{kept}` in `{space}` under the key `token`.",
        (token_in_secret(space, kept, who, f"A token of {who} for {minutes} minutes.", judge),),
        (namespace(space), account(space, who)),
        _ask(space, who, f'{{"expirationSeconds": {60 * minutes}}}') + _keep(space, kept),
    )


def bound_token(seed: Seed) -> Variant:
    """A token that dies with a pod."""
    space, who, name, kept = seed.name("tied"), seed.name("holder"), seed.name("anchor"), seed.name("rope")

    def judge(token: Token, context: GradedCluster) -> str:
        running = context.find(f"/api/v1/namespaces/{space}/pods/{name}")
        if token.bound_to != f"pod {name}":
            return f"It is bound to {token.bound_to or 'nothing'}, not to the pod {name}."
        uid = token.flat.get("kubernetes.io.pod.uid")
        same = running is not None and uid == running["metadata"]["uid"]
        return "" if same else "The pod it is bound to is not the one that runs now."

    return Variant(
        f"The pod `{name}` in `{space}` runs as `{who}`. Keep a token that is bound to this very pod in a Secret "
        f"`{kept}` in `{space}` under the key `token`.",
        (token_in_secret(space, kept, who, f"A token bound to the pod {name}.", judge, needs=PODS),),
        (namespace(space), account(space, who), pod(space, name, serviceAccountName=who)),
        f'token = lab.read_pod_token("{space}/{name}")\n' + _keep(space, kept),
    )


def legacy_secret(seed: Seed) -> Variant:
    """A token Secret of the old kind, by hand."""
    space, who, kept = seed.name("attic"), seed.name("elder"), seed.name("scroll")

    def judge(token: Token, _context: GradedCluster) -> str:
        if "exp" in token.claims:
            return "It has an end."
        return (
            "" if token.bound_to == f"secret {kept}" else f"It lies in {token.bound_to or 'no Secret'}, not in {kept}."
        )

    return Variant(
        f"Until 1.23 every account had a token Secret. Make one by hand: a Secret `{kept}` in `{space}` that holds "
        f"a token of the account `{who}` without an end.",
        (token_in_secret(space, kept, who, f"The Secret {kept} holds a token of {who} without an end.", judge),),
        (namespace(space), account(space, who)),
        f'lab.apply({{"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token", '
        f'"metadata": {{"name": "{kept}", "namespace": "{space}", '
        f'"annotations": {{"kubernetes.io/service-account.name": "{who}"}}}}}})',
    )


SERVICE_ACCOUNTS = ExerciseSpec(
    "ex3-service-accounts",
    "Exercise 3: service accounts and tokens",
    "Ask for tokens with an audience, a life and a bond, and keep them.",
    (
        Task("3.1", "A token for another audience", token_for_audience),
        Task("3.2", "A short-lived token", short_token),
        Task("3.3", "A token bound to a pod", bound_token),
        Task("3.4", "A token Secret by hand", legacy_secret),
    ),
)
