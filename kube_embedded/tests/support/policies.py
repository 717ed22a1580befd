"""Random rules, policies and questions, with few words, so that they often match."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

VERBS = st.sampled_from(["get", "list", "create", "escalate"])
GROUPS = st.sampled_from(["", "apps"])
RESOURCES = st.sampled_from(["pods", "secrets", "deployments"])
SUBRESOURCES = st.sampled_from(["", "log", "exec"])
NAMES = st.sampled_from(["a", "b"])
NAMESPACES = st.sampled_from(["n1", "n2"])
USERS = st.sampled_from(["u1", "u2", "system:serviceaccount:n1:sa", "system:serviceaccount:n2:sa"])
TEAMS = st.sampled_from(["g1", "g2"])
PATHS = st.sampled_from(["/", "/logs", "/logs/a", "/metrics"])


def some(strategy: st.SearchStrategy[str], least: int = 1) -> st.SearchStrategy[list[str]]:
    return st.lists(strategy, min_size=least, max_size=2, unique=True)


RESOURCE_RULES = st.fixed_dictionaries(
    {
        "verbs": some(st.one_of(VERBS, st.just("*"))),
        "apiGroups": some(st.one_of(GROUPS, st.just("*"))),
        "resources": some(
            st.one_of(
                RESOURCES,
                st.just("*"),
                st.builds(
                    "{}/{}".format,
                    st.one_of(RESOURCES, st.just("*")),
                    st.sampled_from(["log", "exec", "*"]),
                ),
            )
        ),
    },
    optional={"resourceNames": some(st.one_of(NAMES, st.just("")), 0)},
)
PATH_RULES = st.fixed_dictionaries(
    {
        "verbs": some(st.one_of(VERBS, st.just("*"))),
        "nonResourceURLs": some(st.one_of(PATHS, st.sampled_from(["*", "/logs/*", "/l*"]))),
    }
)
RULES = st.lists(st.one_of(RESOURCE_RULES, PATH_RULES), max_size=3)
SUBJECTS = st.one_of(
    st.fixed_dictionaries({"kind": st.just("User"), "name": USERS}),
    st.fixed_dictionaries({"kind": st.just("Group"), "name": TEAMS}),
    st.fixed_dictionaries(
        {"kind": st.just("ServiceAccount"), "name": st.just("sa")},
        optional={"namespace": NAMESPACES},
    ),
)


def role(namespaced: bool) -> st.SearchStrategy[dict[str, Any]]:
    place = {"namespace": NAMESPACES} if namespaced else {}
    metadata = st.fixed_dictionaries({"name": st.sampled_from(["r1", "r2", "r3"]), **place})
    return st.fixed_dictionaries({"metadata": metadata, "rules": RULES})


def bound(namespaced: bool) -> st.SearchStrategy[dict[str, Any]]:
    place = {"namespace": NAMESPACES} if namespaced else {}
    kinds = ["Role", "ClusterRole"] if namespaced else ["ClusterRole"]
    ref = st.fixed_dictionaries(
        {"kind": st.sampled_from(kinds), "name": st.sampled_from(["r1", "r2", "ghost"])}
    )
    metadata = st.fixed_dictionaries({"name": st.sampled_from(["b1", "b2", "b3", "b4"]), **place})
    return st.fixed_dictionaries(
        {"metadata": metadata, "roleRef": ref, "subjects": st.lists(SUBJECTS, max_size=3)}
    )


def place(obj: dict[str, Any]) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


POLICIES = st.fixed_dictionaries(
    {
        "clusterroles": st.lists(role(False), max_size=3, unique_by=place),
        "roles": st.lists(role(True), max_size=4, unique_by=place),
        "clusterrolebindings": st.lists(bound(False), max_size=3, unique_by=place),
        "rolebindings": st.lists(bound(True), max_size=4, unique_by=place),
    }
)
ASKS = st.one_of(
    st.fixed_dictionaries(
        {
            "verb": VERBS,
            "group": GROUPS,
            "resource": RESOURCES,
            "subresource": SUBRESOURCES,
            "namespace": st.one_of(NAMESPACES, st.just("")),
            "name": st.one_of(NAMES, st.just("")),
        }
    ),
    st.fixed_dictionaries({"verb": VERBS, "path": PATHS}),
)
