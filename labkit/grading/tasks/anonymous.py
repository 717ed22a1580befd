"""Task 1.4: whom the server takes a caller without credentials for.

It is code, because the right answer depends on how the server treats such callers.
"""

from kube_embedded.rbac.subjects import ANONYMOUS, UNAUTHENTICATED

from .checks import GradedCluster, config_map_says, may_not
from .seed import Seed
from .task import Variant, asks, namespace


def anonymous_stays_out(seed: Seed) -> Variant:
    """The responses to a caller without credentials, which must not change."""
    space = seed.name("gate")
    name = seed.name("seen")

    def user(context: GradedCluster) -> str:
        return (
            "unauthorized"
            if context.anonymous.get("/api/v1/namespaces").status == 401
            else ANONYMOUS
        )

    return Variant(
        asks("1.4", name=name, space=space),
        (
            config_map_says(
                space, name, "user", "The config map tells the user name of the message.", user, 1
            ),
            may_not(ANONYMOUS, "list", "namespaces", points=1),
            may_not(ANONYMOUS, "list", "secrets", points=1),
        ),
        (namespace(space),),
        f'answer = lab.as_anonymous().get("/api/v1/namespaces")\n'
        f'user = answer.message.split("\\"")[1] if answer.status == 403 else "unauthorized"\n'
        f'lab.admin.post("/api/v1/namespaces/{space}/configmaps", '
        f'{{"metadata": {{"name": "{name}"}}, "data": {{"user": user}}}})',
        strangers=(ANONYMOUS, UNAUTHENTICATED),
    )
