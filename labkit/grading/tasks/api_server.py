"""Exercise 1: objects and discovery over the plain API."""

from typing import Any

from kube_embedded.rbac.subjects import ANONYMOUS, UNAUTHENTICATED
from labkit.core.language import text

from .checks import GradedCluster, config_map_says, exists, may_not
from .seed import Seed
from .task import ExerciseSpec, Task, Variant, asks, namespace

GROUPS = (
    "rbac.authorization.k8s.io",
    "authorization.k8s.io",
    "authentication.k8s.io",
    "apps",
    "batch",
)


def labelled_namespace(seed: Seed) -> Variant:
    """A namespace with a label, made over the API."""
    space = seed.name("space")
    team = seed.one("team", ("red", "green", "blue", "amber"))

    def wrong(obj: dict[str, Any]) -> str:
        found = (obj["metadata"].get("labels") or {}).get("team")
        return (
            ""
            if found == team
            else text("Its label team is {found}, not {team}.", found or text("nothing"), team)
        )

    return Variant(
        asks("1.1", space=space, team=team),
        (
            exists(f"/api/v1/namespaces/{space}", text("The namespace {space} is there.", space)),
            exists(
                f"/api/v1/namespaces/{space}",
                text("{space} has the label team={team}.", space, team),
                where=wrong,
            ),
        ),
        answer=f'metadata = {{"name": "{space}", "labels": {{"team": "{team}"}}}}\n'
        'lab.admin.post("/api/v1/namespaces", {"metadata": metadata})',
    )


def server_version(seed: Seed) -> Variant:
    """The server's information about itself, stored in a config map."""
    space = seed.name("facts")
    name = seed.name("report")

    def version(context: GradedCluster) -> str:
        return str(context.admin.get("/version").body["gitVersion"])

    return Variant(
        asks("1.2", name=name, space=space),
        (
            config_map_says(
                space,
                name,
                "version",
                text("The config map {name} tells the server's version.", name),
                version,
            ),
        ),
        (namespace(space),),
        f'version = lab.admin.get("/version").body["gitVersion"]\n'
        f'lab.admin.post("/api/v1/namespaces/{space}/configmaps", '
        f'{{"metadata": {{"name": "{name}"}}, "data": {{"version": version}}}})',
    )


def discovered_resources(seed: Seed) -> Variant:
    """How many resource types a group has, read from discovery."""
    space = seed.name("census")
    name = seed.name("count")
    group = seed.one("group", GROUPS)

    def count(context: GradedCluster) -> str:
        resources = context.admin.get(f"/apis/{group}/v1").body["resources"]
        return str(sum("/" not in entry["name"] for entry in resources))

    return Variant(
        asks("1.3", group=group, name=name, space=space),
        (config_map_says(space, name, "count", "The count is what discovery says.", count),),
        (namespace(space),),
        f'found = lab.admin.get("/apis/{group}/v1").body["resources"]\n'
        f'count = str(sum("/" not in entry["name"] for entry in found))\n'
        f'lab.admin.post("/api/v1/namespaces/{space}/configmaps", '
        f'{{"metadata": {{"name": "{name}"}}, "data": {{"count": count}}}})',
    )


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


API_SERVER = ExerciseSpec(
    "ex1-api-server",
    (
        *(Task("1.1", labelled_namespace), Task("1.2", server_version)),
        *(Task("1.3", discovered_resources), Task("1.4", anonymous_stays_out)),
    ),
)
