"""Exercise 3: tokens, asked for and taken apart."""

from labkit.client.tokens import Token
from labkit.core.language import text

from .checks import PODS, GradedCluster, token_in_secret
from .seed import Seed
from .task import ExerciseSpec, Task, Variant, account, asks, namespace, pod


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
    space = seed.name("mint")
    who = seed.name("issuer")
    kept = seed.name("kept")
    audience = f"https://{seed.name('vault')}.example"

    def judge(token: Token, _context: GradedCluster) -> str:
        found = token.claims.get("aud")
        return (
            ""
            if found == [audience]
            else text("Its audience is {found}, not {audience}.", f"{found}", audience)
        )

    return Variant(
        asks("3.1", who=who, space=space, audience=audience, kept=kept),
        (
            token_in_secret(
                space, kept, who, text("A token of {who} for {audience}.", who, audience), judge
            ),
        ),
        (namespace(space), account(space, who)),
        _ask(space, who, f'{{"audiences": ["{audience}"]}}') + _keep(space, kept),
    )


def short_token(seed: Seed) -> Variant:
    """A token with a life as short as asked."""
    space = seed.name("brief")
    who = seed.name("mayfly")
    kept = seed.name("slip")
    minutes = 10 + seed.number("minutes", 40)

    def judge(token: Token, _context: GradedCluster) -> str:
        life = int(token.claims.get("exp", 0)) - int(token.claims.get("iat", 0))
        return (
            ""
            if life == 60 * minutes
            else text("It lives for {life} s, not for {right} s.", life, 60 * minutes)
        )

    return Variant(
        asks("3.2", who=who, space=space, minutes=minutes, kept=kept),
        (
            token_in_secret(
                space,
                kept,
                who,
                text("A token of {who} for {minutes} minutes.", who, minutes),
                judge,
            ),
        ),
        (namespace(space), account(space, who)),
        _ask(space, who, f'{{"expirationSeconds": {60 * minutes}}}') + _keep(space, kept),
    )


def bound_token(seed: Seed) -> Variant:
    """A token that dies with a pod."""
    space = seed.name("tied")
    who = seed.name("holder")
    name = seed.name("anchor")
    kept = seed.name("rope")

    def judge(token: Token, context: GradedCluster) -> str:
        running = context.find(f"/api/v1/namespaces/{space}/pods/{name}")
        if token.bound_to != f"pod {name}":
            return text(
                "It is bound to {found}, not to the pod {name}.",
                token.bound_to or text("nothing"),
                name,
            )
        uid = token.flat.get("kubernetes.io.pod.uid")
        same = running is not None and uid == running["metadata"]["uid"]
        return "" if same else text("The pod it is bound to is not the one that runs now.")

    return Variant(
        asks("3.3", name=name, space=space, who=who, kept=kept),
        (
            token_in_secret(
                space, kept, who, text("A token bound to the pod {name}.", name), judge, needs=PODS
            ),
        ),
        (namespace(space), account(space, who), pod(space, name, serviceAccountName=who)),
        f'token = lab.read_pod_token("{space}/{name}")\n' + _keep(space, kept),
    )


def legacy_secret(seed: Seed) -> Variant:
    """A token Secret of the old kind, by hand."""
    space = seed.name("attic")
    who = seed.name("elder")
    kept = seed.name("scroll")
    expected = text("The Secret {kept} holds a token of {who} without an end.", kept, who)

    def judge(token: Token, _context: GradedCluster) -> str:
        if "exp" in token.claims:
            return text("It has an end.")
        found = token.bound_to or text("no Secret")
        return (
            ""
            if found == f"secret {kept}"
            else text("It lies in {found}, not in {kept}.", found, kept)
        )

    return Variant(
        asks("3.4", kept=kept, space=space, who=who),
        (token_in_secret(space, kept, who, expected, judge),),
        (namespace(space), account(space, who)),
        f'lab.apply({{"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token", '
        f'"metadata": {{"name": "{kept}", "namespace": "{space}", '
        f'"annotations": {{"kubernetes.io/service-account.name": "{who}"}}}}}})',
    )


SERVICE_ACCOUNTS = ExerciseSpec(
    "ex3-service-accounts",
    (
        Task("3.1", token_for_audience),
        Task("3.2", short_token),
        Task("3.3", bound_token),
        Task("3.4", legacy_secret),
    ),
)
