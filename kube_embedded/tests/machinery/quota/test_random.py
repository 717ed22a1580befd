"""Whatever is created, changed and deleted: a quota's status is what a naive count of the objects says."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kube_embedded.tests.support.cluster import ClusterApi

LAB = "/api/v1/namespaces/lab"
HARD = {"configmaps": 4, "pods": 3, "services": 2, "count/pods": 4}
NAMES = ("a", "b", "c", "d", "e")

name = st.sampled_from(NAMES)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("configmap"), name),
        st.tuples(st.just("pod"), name),
        st.tuples(st.just("service"), name),
        st.tuples(st.just("type"), name, st.sampled_from(("ClusterIP", "NodePort"))),
        st.tuples(st.just("finish"), name),
        st.tuples(st.just("delete"), st.sampled_from(("configmaps", "pods", "services")), name),
        st.tuples(st.just("clear"), st.sampled_from(("configmaps", "pods"))),
    ),
    max_size=25,
)


def do(api: ClusterApi, operation: tuple[Any, ...]) -> None:
    """One request, allowed or not."""
    what, *rest = operation
    admin = api.admin
    if what == "configmap":
        admin.post(f"{LAB}/configmaps", {"metadata": {"name": rest[0]}})
    elif what == "pod":
        container = {"name": "c", "image": "x"}
        admin.post(
            f"{LAB}/pods", {"metadata": {"name": rest[0]}, "spec": {"containers": [container]}}
        )
    elif what == "service":
        admin.post(
            f"{LAB}/services", {"metadata": {"name": rest[0]}, "spec": {"ports": [{"port": 80}]}}
        )
    elif what == "type":
        admin.patch(f"{LAB}/services/{rest[0]}", {"spec": {"type": rest[1]}})
    elif what == "finish":
        admin.patch(f"{LAB}/pods/{rest[0]}/status", {"status": {"phase": "Succeeded"}})
    elif what == "delete":
        admin.delete(f"{LAB}/{rest[0]}/{rest[1]}")
    else:
        admin.delete(f"{LAB}/{rest[0]}")


def counted(api: ClusterApi) -> dict[str, int]:
    """What is there."""
    items = {
        plural: api.admin.get(f"{LAB}/{plural}").body["items"]
        for plural in ("configmaps", "pods", "services")
    }
    return {
        "configmaps": len(items["configmaps"]),
        "count/pods": len(items["pods"]),
        "pods": len(items["pods"]),
        "services": len(items["services"]),
    }


@settings(max_examples=60)
@given(operations)
def test_the_status_is_the_count(steps: list[tuple[Any, ...]]) -> None:
    api = ClusterApi()
    api.namespace("lab")
    hard = {resource: str(bound) for resource, bound in HARD.items()}
    api.must(
        api.admin.post(f"{LAB}/resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": hard}})
    )
    for step in steps:
        do(api, step)
        used = api.must(api.admin.get(f"{LAB}/resourcequotas/q"))["status"]["used"]
        assert {resource: int(amount) for resource, amount in used.items()} == counted(api)
        assert all(int(used[resource]) <= bound for resource, bound in HARD.items())
