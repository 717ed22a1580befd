"""Exercise 1: objects and discovery over the plain API."""

from __future__ import annotations

from typing import Any

from labkit.grading.probes import Finding, Ground, Probe, exists, may_not
from labkit.grading.seed import Draw
from labkit.grading.task import Brief, Exercise, Task, namespace

GROUPS = ("rbac.authorization.k8s.io", "authorization.k8s.io", "authentication.k8s.io", "apps", "batch")


def labelled_namespace(draw: Draw) -> Brief:
    """A namespace with a label, made over the API."""
    space, team = draw.name("space"), draw.one("team", ("red", "green", "blue", "amber"))

    def wrong(obj: dict[str, Any]) -> str:
        found = (obj["metadata"].get("labels") or {}).get("team")
        return "" if found == team else f"Its label team is {found or 'missing'}, not {team}."

    return Brief(
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


def server_version(draw: Draw) -> Brief:
    """What the server says of itself, kept in a config map."""
    space, name = draw.name("facts"), draw.name("report")

    def look(ground: Ground) -> Finding:
        version = ground.admin.get("/version").body["gitVersion"]
        said = ground.said(space, name, "version")
        return Finding(said == version, f"The config map says {said or 'nothing'}.")

    return Brief(
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


def discovered_resources(draw: Draw) -> Brief:
    """How many resource types a group has, read from discovery."""
    space, name, group = draw.name("census"), draw.name("count"), draw.one("group", GROUPS)

    def look(ground: Ground) -> Finding:
        resources = ground.admin.get(f"/apis/{group}/v1").body["resources"]
        count = str(sum("/" not in entry["name"] for entry in resources))
        said = ground.said(space, name, "count")
        return Finding(said == count, f"The config map says {said or 'nothing'}.")

    return Brief(
        f"How many resource types does the group `{group}/v1` have, subresources (those with a `/`) not counted? "
        f"Put the number under the key `count` into a config map `{name}` in `{space}`.",
        (Probe("The count is what discovery says.", look, 2, f"GET /apis/{group}/v1 lists them."),),
        (namespace(space),),
        f'found = lab.admin.get("/apis/{group}/v1").body["resources"]\n'
        f'count = str(sum("/" not in entry["name"] for entry in found))\n'
        f'lab.admin.post("/api/v1/namespaces/{space}/configmaps", '
        f'{{"metadata": {{"name": "{name}"}}, "data": {{"count": count}}}})',
    )


def anonymous_stays_out(draw: Draw) -> Brief:
    """What somebody without credentials gets, and that it stays so."""
    space, name = draw.name("gate"), draw.name("seen")

    def look(ground: Ground) -> Finding:
        said = ground.said(space, name, "user")
        answer = ground.anonymous.get("/api/v1/namespaces")
        user = "unauthorized" if answer.status == 401 else "system:anonymous"
        return Finding(said == user, f"The config map says {said or 'nothing'}.")

    return Brief(
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


API_SERVER = Exercise(
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
