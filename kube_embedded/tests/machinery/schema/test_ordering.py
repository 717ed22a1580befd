"""Fields in the order in which Go prints them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kube_embedded.machinery.schema.ordering import by_name, in_order


def written(obj: dict[str, Any]) -> str:
    return json.dumps(obj, separators=(",", ":")).replace('"', "")


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        (
            {"spec": {}, "metadata": {"namespace": "b", "name": "a"}, "apiVersion": "v1", "kind": "Pod"},
            "{kind:Pod,apiVersion:v1,metadata:{name:a,namespace:b},spec:{}}",
        ),
        (
            {"kind": "Pod", "apiVersion": "v1", "spec": {"containers": [{"image": "i", "name": "n"}]}},
            "{kind:Pod,apiVersion:v1,spec:{containers:[{name:n,image:i}]}}",
        ),
        # The keys of a map are sorted.
        (
            {"kind": "ConfigMap", "apiVersion": "v1", "data": {"b": "1", "a": "2"}},
            "{kind:ConfigMap,apiVersion:v1,data:{a:2,b:1}}",
        ),
        # Fields that the schema does not know come last, and what is known stays in order.
        (
            {"zz": 1, "kind": "Pod", "aa": 2, "apiVersion": "v1", "metadata": {"uid": "u", "name": "a"}},
            "{kind:Pod,apiVersion:v1,metadata:{name:a,uid:u},zz:1,aa:2}",
        ),
        # An unknown kind, or none: only the first level has an order.
        (
            {"spec": {"b": 1, "a": 2}, "apiVersion": "example.com/v1", "kind": "Crow"},
            "{kind:Crow,apiVersion:example.com/v1,spec:{b:1,a:2}}",
        ),
        ({"metadata": {"uid": "u", "name": "a"}}, "{metadata:{uid:u,name:a}}"),
        # What has the wrong type stays as it is.
        (
            {"kind": "Pod", "apiVersion": "v1", "spec": {"containers": "none"}, "metadata": []},
            "{kind:Pod,apiVersion:v1,metadata:[],spec:{containers:none}}",
        ),
    ],
)  # fmt: skip
def test_fields_have_their_order(obj: dict[str, Any], text: str) -> None:
    assert written(in_order(obj)) == text


def test_all_levels_can_be_sorted_by_name() -> None:
    assert written(by_name({"b": {"d": 1, "c": [{"f": 1, "e": 2}]}, "a": 2})) == (
        "{a:2,b:{c:[{e:2,f:1}],d:1}}"
    )
