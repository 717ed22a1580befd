import base64
import json

import pytest

from kube_embedded.tests.apiserver.handlers.reading import TABLE, Reading

LAB = "/api/v1/namespaces/lab/configmaps"


@pytest.fixture
def five(api: Reading) -> Reading:
    for number in range(5):
        api.put("configmaps", f"lab/c{number}", metadata={"labels": {"odd": str(number % 2)}})
    api.put("configmaps", "other/x")
    return api


def test_a_list(five: Reading) -> None:
    body = five.get(LAB)
    assert list(body) == ["kind", "apiVersion", "metadata", "items"]
    assert (body["kind"], body["apiVersion"], body["metadata"]) == (
        "ConfigMapList",
        "v1",
        {"resourceVersion": "6"},
    )
    assert [item["metadata"]["name"] for item in body["items"]] == ["c0", "c1", "c2", "c3", "c4"]
    assert "kind" not in body["items"][0]
    assert "apiVersion" not in body["items"][0]


def test_a_missing_namespace_has_an_empty_list(five: Reading) -> None:
    assert five.get("/api/v1/namespaces/nope/configmaps")["items"] == []


def test_all_namespaces(five: Reading) -> None:
    assert five.names("/api/v1/configmaps") == ["c0", "c1", "c2", "c3", "c4", "x"]


def test_an_objects_bytes_are_kept_until_it_changes(five: Reading) -> None:
    first = five.call("GET", LAB).body
    assert five.call("GET", LAB).body == first
    five.put("configmaps", "lab/c0", data={"new": "1"})
    assert five.get(LAB)["items"][0]["data"] == {"new": "1"}


def test_fields_are_in_gos_order_and_maps_sorted(api: Reading) -> None:
    api.put("configmaps", "lab/c", data={"b": "1", "a": "2"}, immutable=True)
    body = api.get(f"{LAB}/c")
    assert list(body) == ["kind", "apiVersion", "metadata", "immutable", "data"]
    assert list(body["metadata"]) == ["name", "namespace", "resourceVersion", "creationTimestamp"]
    assert list(body["data"]) == ["a", "b"]


def test_html_is_escaped_as_go_does(api: Reading) -> None:
    api.put("configmaps", "lab/c", data={"a": "<b>&\u2028"})
    for target in (f"{LAB}/c", LAB, f"{LAB}/c?pretty=1"):
        assert rb"\u003cb\u003e\u0026\u2028" in api.call("GET", target).body
    assert api.get(f"{LAB}/c")["data"] == {"a": "<b>&\u2028"}


def test_pretty_json_ends_without_a_newline(api: Reading) -> None:
    api.put("configmaps", "lab/c")
    body = api.call("GET", f"{LAB}/c", {"user-agent": "curl/8.14"}).body
    assert body.startswith(
        b'{\n  "kind": "ConfigMap",\n  "apiVersion": "v1",\n  "metadata": {\n    "name": "c",'
    )
    assert body.endswith(b"}")
    assert api.call("GET", f"{LAB}/c").body.endswith(b"}\n")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("labelSelector=odd%3D1", ["c1", "c3"]),
        ("labelSelector=odd+in+(0)", ["c0", "c2", "c4"]),
        ("fieldSelector=metadata.name%3Dc2", ["c2"]),
        ("fieldSelector=metadata.name%21%3Dc2&labelSelector=odd%3D0", ["c0", "c4"]),
        ("limit=-1", ["c0", "c1", "c2", "c3", "c4"]),
        ("limit=2&resourceVersion=0", ["c0", "c1", "c2", "c3", "c4"]),
        ("resourceVersion=2&resourceVersionMatch=Exact", ["c0", "c1"]),
        ("resourceVersion=2&resourceVersionMatch=NotOlderThan", ["c0", "c1", "c2", "c3", "c4"]),
    ],
)
def test_what_is_chosen(five: Reading, query: str, names: list[str]) -> None:
    assert five.names(f"{LAB}?{query}") == names


def test_pages(five: Reading) -> None:
    first = five.get(f"{LAB}?limit=2")
    assert first["metadata"]["remainingItemCount"] == 3
    token = first["metadata"]["continue"]
    decoded = json.loads(base64.urlsafe_b64decode(token + "=="))
    assert decoded == {"v": "meta.k8s.io/v1", "rv": 6, "start": "c1\0"}
    second = five.get(f"{LAB}?limit=2&continue={token}")
    assert [item["metadata"]["name"] for item in second["items"]] == ["c2", "c3"]
    assert second["metadata"]["remainingItemCount"] == 1
    last = five.get(f"{LAB}?limit=2&continue={second['metadata']['continue']}")
    assert [item["metadata"]["name"] for item in last["items"]] == ["c4"]
    assert last["metadata"] == {"resourceVersion": "6"}


def test_pages_show_one_moment(five: Reading) -> None:
    token = five.get(f"{LAB}?limit=2")["metadata"]["continue"]
    five.put("configmaps", "lab/c11")
    five.delete("configmaps", "lab/c3")
    body = five.get(f"{LAB}?continue={token}")
    assert [item["metadata"]["name"] for item in body["items"]] == ["c2", "c3", "c4"]
    assert body["metadata"]["resourceVersion"] == "6"


def test_selected_pages_do_not_count_the_rest(five: Reading) -> None:
    body = five.get(f"{LAB}?limit=1&labelSelector=odd%3D1")
    assert [item["metadata"]["name"] for item in body["items"]] == ["c1"]
    assert "remainingItemCount" not in body["metadata"]
    token = body["metadata"]["continue"]
    assert five.names(f"{LAB}?labelSelector=odd%3D1&continue={token}") == ["c3"]


def test_an_expired_token_tells_how_to_go_on() -> None:
    api = Reading(history_length=2)
    for number in range(4):
        api.put("configmaps", f"lab/c{number}")
    token = api.get(f"{LAB}?limit=2")["metadata"]["continue"]
    for _ in range(3):
        api.put("configmaps", "lab/c9")
    status = api.get(f"{LAB}?limit=2&continue={token}")
    assert (status["code"], status["reason"]) == (410, "Expired")
    assert status["message"].startswith("The provided continue parameter is too old")
    assert api.names(f"{LAB}?continue={status['metadata']['continue']}") == ["c2", "c3", "c9"]


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("limit=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        (
            "limit=99999999999999999999",
            400,
            'strconv.ParseInt: parsing "99999999999999999999": value out of range',
        ),
        (
            "labelSelector=a%3D%3D%3D",
            400,
            "unable to parse requirement: found '=', expected: identifier",
        ),
        ("resourceVersion=999", 504, "Timeout: Too large resource version: 999, current: 6"),
        (
            "resourceVersion=abc",
            400,
            'invalid resource version: resourceVersion: Invalid value: "abc": '
            'strconv.ParseUint: parsing "abc": invalid syntax',
        ),
        (
            "resourceVersionMatch=Exact",
            422,
            'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: '
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            "resourceVersionMatch=Exact&resourceVersion=0",
            422,
            'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: '
            'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        ),
        (
            "resourceVersionMatch=Newest&resourceVersion=1",
            422,
            'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Unsupported value: "Newest": '
            'supported values: "Exact", "NotOlderThan", ""',
        ),
        (
            "sendInitialEvents=true",
            422,
            'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: '
            "sendInitialEvents is forbidden for list",
        ),
        (
            "continue=garbage",
            400,
            r"invalid continue token: continue key is not valid: invalid character '\u0081' "
            "looking for beginning of value",
        ),
        (
            "continue=!",
            400,
            "invalid continue token: continue key is not valid: illegal base64 data at input byte 0",
        ),
        (
            "continue=e30",
            400,
            "invalid continue token: continue key is not valid: server does not recognize this encoded version ",
        ),
        (
            "continue=e30&resourceVersion=5",
            400,
            "specifying resource version is not allowed when using continue",
        ),
    ],
)
def test_refusals(five: Reading, query: str, code: int, message: str) -> None:
    assert five.failure(f"{LAB}?{query}") == (code, message)


def test_a_token_cannot_leave_its_namespace(five: Reading) -> None:
    raw = json.dumps({"v": "meta.k8s.io/v1", "rv": 6, "start": "../other/a"}).encode()
    token = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    code, message = five.failure(f"{LAB}?continue={token}")
    assert code == 400
    assert "continue key is not valid" in message


def test_too_large_a_revision_is_to_be_tried_again(five: Reading) -> None:
    response = five.call("GET", f"{LAB}?resourceVersion=999")
    assert response.headers["Retry-After"] == "1"
    assert json.loads(response.body)["details"] == {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }


def test_metadata_alone(five: Reading) -> None:
    body = five.get(
        LAB, {"accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    )
    assert (body["kind"], body["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    assert list(body["items"][0]) == ["kind", "apiVersion", "metadata"]


def test_a_list_is_no_single_object(five: Reading) -> None:
    body = five.get(LAB, {"accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"})
    assert body["code"] == 406
    assert (
        body["message"]
        == "you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)"
    )


def test_a_collection_can_be_watched_too_says_its_406(five: Reading) -> None:
    status = five.get(LAB, {"accept": "text/html"})
    assert status["message"].endswith(
        "protobuf, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
    )
    assert five.get(f"{LAB}/c0", {"accept": "text/html"})["message"].endswith(
        "application/vnd.kubernetes.protobuf"
    )


def test_a_table(five: Reading) -> None:
    body = five.get(f"{LAB}?limit=1", TABLE)
    assert (body["kind"], body["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert body["metadata"]["remainingItemCount"] == 4
    assert [column["name"] for column in body["columnDefinitions"]] == ["Name", "Data", "Age"]
    (row,) = body["rows"]
    assert row["cells"] == ["c0", 0, "60m"]
    assert row["object"]["kind"] == "PartialObjectMetadata"


def test_what_a_row_carries(five: Reading) -> None:
    assert five.get(f"{LAB}?includeObject=None", TABLE)["rows"][0]["object"] is None
    assert (
        five.get(f"{LAB}?includeObject=Object", TABLE)["rows"][0]["object"]["kind"] == "ConfigMap"
    )
    status = five.get(f"{LAB}?includeObject=All", TABLE)
    assert status["message"].startswith(
        'Unable to convert to Table as requested: includeObject: Invalid value: "All"'
    )


def test_yaml(five: Reading) -> None:
    response = five.call("GET", f"{LAB}/c0", {"accept": "application/yaml"})
    assert response.headers["Content-Type"] == "application/yaml"
    assert response.body.decode() == (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n"
        '  creationTimestamp: "2026-01-01T00:00:00Z"\n  labels:\n    odd: "0"\n  name: c0\n  namespace: lab\n'
        '  resourceVersion: "1"\n'
    )


def test_endpoints_are_deprecated(api: Reading) -> None:
    response = api.call("GET", "/api/v1/endpoints")
    assert list(response.warnings) == [
        "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
    ]


def test_a_scale(api: Reading) -> None:
    selector = {"matchLabels": {"app": "web"}}
    api.put(
        "deployments.apps",
        "lab/web",
        spec={"replicas": 3, "selector": selector},
        status={"replicas": 2},
    )
    body = api.get("/apis/apps/v1/namespaces/lab/deployments/web/scale")
    assert (body["kind"], body["spec"], body["status"]) == (
        "Scale", {"replicas": 3}, {"replicas": 2, "selector": "app=web"},
    )  # fmt: skip
    table = api.get("/apis/apps/v1/namespaces/lab/deployments/web/scale", TABLE)
    assert table["rows"][0]["cells"] == ["web", 3, 2, "60m"]
