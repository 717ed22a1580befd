"""What containers may ask for, and what their volumes must say; word for word."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi

PODS = "/api/v1/namespaces/lab/pods?dryRun=All"
AT = "spec.containers[0].resources"


@pytest.fixture(scope="module")
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def causes(api: ClusterApi, container: Any, *volumes: Any) -> list[tuple[str, str]]:
    spec = {"containers": [{"name": "c", "image": "x", **container}], "volumes": list(volumes)}
    reply = api.admin.post(PODS, {"metadata": {"name": "p"}, "spec": spec})
    assert reply.status == 422, reply
    return [(cause["field"], cause["message"]) for cause in reply.body["details"]["causes"]]


@pytest.mark.parametrize(
    ("resources", "found"),
    [
        ({"requests": {"cpu": "2"}, "limits": {"cpu": "1"}},
         [(f"{AT}.requests", 'Invalid value: "2": must be less than or equal to cpu limit of 1')]),
        ({"requests": {"a.b/c": "1"}},
         [(f"{AT}.limits", "Required value: Limit must be set for non overcommitable resources")]),
        ({"requests": {"a.b/c": "1"}, "limits": {"a.b/c": "2"}},
         [(f"{AT}.requests", 'Invalid value: "1": must be equal to a.b/c limit of 2')]),
        ({"limits": {"a.b/c": "1.5"}},
         [(f"{AT}.limits[a.b/c]", 'Invalid value: "1500m": must be an integer'),
          (f"{AT}.requests[a.b/c]", 'Invalid value: "1500m": must be an integer')]),
        ({"limits": {"hugepages-2Mi": "2Mi"}}, [(AT, "Forbidden: HugePages require cpu or memory")]),
        ({"limits": {"cpu": "1", "hugepages-2Mi": "3Mi"}, "requests": {"hugepages-2Mi": "3Mi"}},
         [(f"{AT}.limits[hugepages-2Mi]",
           'Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi'),
          (f"{AT}.requests[hugepages-2Mi]",
           'Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi')]),
        ({"requests": {"storage": "1"}},
         [(f"{AT}.requests[storage]", 'Invalid value: "storage": must be a standard resource for containers')]),
        ({"requests": {"cpu": "-1"}},
         [(f"{AT}.requests[cpu]", 'Invalid value: "-1": must be greater than or equal to 0')]),
    ],
)  # fmt: skip
def test_resources(api: ClusterApi, resources: Any, found: list[tuple[str, str]]) -> None:
    assert causes(api, {"resources": resources}) == found


def test_a_divisor_fits_its_resource(api: ClusterApi) -> None:
    variable = {
        "name": "a",
        "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "2"}},
    }
    assert causes(api, {"env": [variable]}) == [
        (
            "spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor",
            'Invalid value: "limits.cpu": only divisor\'s values 1m and 1 are supported with the cpu resource',
        )
    ]


def test_mounts_that_reach_the_host(api: ClusterApi) -> None:
    mount = {"name": "v", "mountPath": "/x", "mountPropagation": "Bidirectional"}
    assert causes(api, {"volumeMounts": [mount]}, {"name": "v", "emptyDir": {}}) == [
        (
            "spec.containers[0].volumeMounts.mountPropagation",
            "Forbidden: Bidirectional mount propagation is available only to privileged containers",
        )
    ]


@pytest.mark.parametrize(
    ("volume", "found"),
    [
        ({"gitRepo": {}}, [("gitRepo.repository", "Required value")]),
        ({"azureFile": {"shareName": "s"}}, [("azureFile.secretName", "Required value")]),
        ({"nfs": {"server": "s", "path": "p"}}, [("nfs.path", 'Invalid value: "p": must be an absolute path')]),
        ({"projected": {"sources": [{"serviceAccountToken": {"path": ""}}]}}, [("projected.path", "Required value")]),
        ({"projected": {"sources": [{"configMap": {"name": "a", "items": [{"key": "x", "path": "p"}]}},
                                    {"secret": {"name": "b", "items": [{"key": "x", "path": "p"}]}}]}},
         [("projected", 'Invalid value: "b": conflicting duplicate paths')]),
        ({"emptyDir": {}, "hostPath": {"path": "/x"}},
         [("hostPath", "Forbidden: may not specify more than 1 volume type")]),
    ],
)  # fmt: skip
def test_volumes(api: ClusterApi, volume: Any, found: list[tuple[str, str]]) -> None:
    assert causes(api, {}, {"name": "v", **volume}) == [
        (f"spec.volumes[0].{field}", why) for field, why in found
    ]
