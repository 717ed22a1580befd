"""Exercise 1: objects and discovery over the plain API."""

from __future__ import annotations

from typing import Any

from labkit.grading.tasks.checks import GradedCluster, config_map_says, exists, may_not
from labkit.grading.tasks.seed import Seed
from labkit.grading.tasks.task import ExerciseSpec, Task, Variant, namespace
from labkit.rbac.subjects import ANONYMOUS, UNAUTHENTICATED

GROUPS = ("rbac.authorization.k8s.io", "authorization.k8s.io", "authentication.k8s.io", "apps", "batch")


def labelled_namespace(seed: Seed) -> Variant:
    """A namespace with a label, made over the API."""
    space, team = seed.name("space"), seed.one("team", ("red", "green", "blue", "amber"))

    def wrong(obj: dict[str, Any]) -> str:
        found = (obj["metadata"].get("labels") or {}).get("team")
        return "" if found == team else f"Its label team is {found or 'missing'}, not {team}."

    return Variant(
        f"Create the namespace `{space}` with the label `team={team}`.",
        (
            exists(f"/api/v1/namespaces/{space}", f"The namespace {space} is there."),
            exists(f"/api/v1/namespaces/{space}", f"{space} has the label team={team}.", where=wrong),
        ),
        answer=f'metadata = {{"name": "{space}", "labels": {{"team": "{team}"}}}}\n'
        'lab.admin.post("/api/v1/namespaces", {"metadata": metadata})',
    )


def server_version(seed: Seed) -> Variant:
    """What the server says of itself, kept in a config map."""
    space, name = seed.name("facts"), seed.name("report")

    def version(context: GradedCluster) -> str:
        return str(context.admin.get("/version").body["gitVersion"])

    return Variant(
        f"Ask the API server for its version. Put its `gitVersion` under the key `version` into a config map "
        f"`{name}` in the namespace `{space}`, which is there already.",
        (config_map_says(space, name, "version", f"The config map {name} tells the server's version.", version),),
        (namespace(space),),
        f'version = lab.admin.get("/version").body["gitVersion"]\n'
        f'lab.admin.post("/api/v1/namespaces/{space}/configmaps", '
        f'{{"metadata": {{"name": "{name}"}}, "data": {{"version": version}}}})',
    )


def discovered_resources(seed: Seed) -> Variant:
    """How many resource types a group has, read from discovery."""
    space, name, group = seed.name("census"), seed.name("count"), seed.one("group", GROUPS)

    def count(context: GradedCluster) -> str:
        resources = context.admin.get(f"/apis/{group}/v1").body["resources"]
        return str(sum("/" not in entry["name"] for entry in resources))

    return Variant(
        f"How many resource types does the group `{group}/v1` have, subresources (those with a `/`) not counted? "
        f"Put the number under the key `count` into a config map `{name}` in `{space}`.",
        (config_map_says(space, name, "count", "The count is what discovery says.", count),),
        (namespace(space),),
        f'found = lab.admin.get("/apis/{group}/v1").body["resources"]\n'
        f'count = str(sum("/" not in entry["name"] for entry in found))\n'
        f'lab.admin.post("/api/v1/namespaces/{space}/configmaps", '
        f'{{"metadata": {{"name": "{name}"}}, "data": {{"count": count}}}})',
    )


def anonymous_stays_out(seed: Seed) -> Variant:
    """What somebody without credentials gets, and that it stays so."""
    space, name = seed.name("gate"), seed.name("seen")

    def user(context: GradedCluster) -> str:
        return "unauthorized" if context.anonymous.get("/api/v1/namespaces").status == 401 else ANONYMOUS

    return Variant(
        "List the namespaces without any credentials. As whom does the server's message say it took you? Put that "
        f"user name under the key `user` into a config map `{name}` in `{space}` (write `unauthorized` if the "
        "server answers 401). Leave the caller without credentials as powerless as they are.",
        (
            config_map_says(space, name, "user", "The config map tells the user name of the message.", user, 1),
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
    "Exercise 1: the API server",
    "Make objects and read facts over the plain API.",
    (
        Task("1.1", "A namespace with a label", labelled_namespace),
        Task("1.2", "The server's version", server_version),
        Task("1.3", "Counting resource types", discovered_resources),
        Task("1.4", "Without credentials", anonymous_stays_out),
    ),
)
