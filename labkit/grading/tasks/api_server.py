"""Exercise 1: objects and discovery over the plain API."""

from __future__ import annotations

from typing import Any

from labkit.grading.probes import Finding, Probe, ProbeContext, exists, may_not
from labkit.grading.seed import Seed
from labkit.grading.task import ExerciseSpec, Task, Variant, namespace

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
            exists(
                f"/api/v1/namespaces/{space}", f"The namespace {space} is there.", hint="POST to /api/v1/namespaces."
            ),
            exists(
                f"/api/v1/namespaces/{space}",
                f"It has the label team={team}.",
                where=wrong,
                hint="Labels stand in metadata.labels.",
            ),
        ),
        answer=f'metadata = {{"name": "{space}", "labels": {{"team": "{team}"}}}}\n'
        'lab.admin.post("/api/v1/namespaces", {"metadata": metadata})',
    )


def server_version(seed: Seed) -> Variant:
    """What the server says of itself, kept in a config map."""
    space, name = seed.name("facts"), seed.name("report")

    def look(context: ProbeContext) -> Finding:
        version = context.admin.get("/version").body["gitVersion"]
        said = context.config_map_value(space, name, "version")
        return Finding(said == version, f"The config map says {said or 'nothing'}.")

    return Variant(
        f"Ask the API server for its version. Put its `gitVersion` under the key `version` into a config map "
        f"`{name}` in the namespace `{space}`, which is there already.",
        (
            Probe(
                f"The config map {name} tells the server's version.",
                look,
                2,
                "GET /version answers without any rights.",
            ),
        ),
        (namespace(space),),
        f'version = lab.admin.get("/version").body["gitVersion"]\n'
        f'lab.admin.post("/api/v1/namespaces/{space}/configmaps", '
        f'{{"metadata": {{"name": "{name}"}}, "data": {{"version": version}}}})',
    )


def discovered_resources(seed: Seed) -> Variant:
    """How many resource types a group has, read from discovery."""
    space, name, group = seed.name("census"), seed.name("count"), seed.one("group", GROUPS)

    def look(context: ProbeContext) -> Finding:
        resources = context.admin.get(f"/apis/{group}/v1").body["resources"]
        count = str(sum("/" not in entry["name"] for entry in resources))
        said = context.config_map_value(space, name, "count")
        return Finding(said == count, f"The config map says {said or 'nothing'}.")

    return Variant(
        f"How many resource types does the group `{group}/v1` have, subresources (those with a `/`) not counted? "
        f"Put the number under the key `count` into a config map `{name}` in `{space}`.",
        (Probe("The count is what discovery says.", look, 2, f"GET /apis/{group}/v1 lists them."),),
        (namespace(space),),
        f'found = lab.admin.get("/apis/{group}/v1").body["resources"]\n'
        f'count = str(sum("/" not in entry["name"] for entry in found))\n'
        f'lab.admin.post("/api/v1/namespaces/{space}/configmaps", '
        f'{{"metadata": {{"name": "{name}"}}, "data": {{"count": count}}}})',
    )


def anonymous_stays_out(seed: Seed) -> Variant:
    """What somebody without credentials gets, and that it stays so."""
    space, name = seed.name("gate"), seed.name("seen")

    def look(context: ProbeContext) -> Finding:
        said = context.config_map_value(space, name, "user")
        answer = context.anonymous.get("/api/v1/namespaces")
        user = "unauthorized" if answer.status == 401 else "system:anonymous"
        return Finding(said == user, f"The config map says {said or 'nothing'}.")

    return Variant(
        "List the namespaces without any credentials. As whom does the server's message say it took you? Put that "
        f"user name under the key `user` into a config map `{name}` in `{space}` (write `unauthorized` if the "
        "server answers 401). Leave the caller without credentials as powerless as they are.",
        (
            Probe("The config map tells the user name of the message.", look, 1, "lab.as_anonymous().get(…).message"),
            may_not("system:anonymous", "list", "namespaces", points=1),
            may_not("system:anonymous", "list", "secrets", points=1),
        ),
        (namespace(space),),
        f'answer = lab.as_anonymous().get("/api/v1/namespaces")\n'
        f'user = answer.message.split("\\"")[1] if answer.status == 403 else "unauthorized"\n'
        f'lab.admin.post("/api/v1/namespaces/{space}/configmaps", '
        f'{{"metadata": {{"name": "{name}"}}, "data": {{"user": user}}}})',
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
