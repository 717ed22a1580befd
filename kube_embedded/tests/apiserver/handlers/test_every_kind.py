"""Whatever an object holds, it can be read in every form."""

from random import Random
from typing import Any

import pytest

from kube_embedded.machinery.kinds import KINDS, Kind, stored_kind
from kube_embedded.machinery.schema.tables import Struct, Type, schemas
from kube_embedded.tests.apiserver.handlers.reading import TABLE, Reading

STORED = [kind for kind in KINDS if "list" in kind.verbs and kind.kind != "ComponentStatus"]
FORMS: tuple[dict[str, str], ...] = (
    {},
    TABLE,
    {"accept": "application/yaml"},
    {"accept": "application/vnd.kubernetes.protobuf"},
    {"accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"},
)
SCALARS: dict[str, tuple[Any, ...]] = {
    "string": ("", "a", "In", "x.y/z", "<&>"),
    "int32": (0, 1, 80),
    "int64": (0, 2**40),
    "bool": (True, False),
    "float64": (1.5, 2.0),
    "bytes": ("YQ==", ""),
    "time": ("2026-01-01T00:00:00Z",),
    "microtime": ("2026-01-01T00:00:00.000001Z",),
    "quantity": ("1", "5Gi", "100m"),
    "intstr": (1, "50%"),
    "raw": ({"a": 1},),
    "any": ({"f:a": {}},),
    "json": ({"a": 1}, [1], "x", 1, 0, False),
}


def some(random: Random, type_: Type, depth: int) -> Any:
    if type_.form == "struct":
        return some_struct(random, type_.struct, depth + 1)
    if type_.form == "list":
        return [
            some(random, type_.item, depth + 1)
            for _ in range(random.choice((0, 1, 2)) if depth < 7 else 0)
        ]
    if type_.form == "map":
        return {random.choice("ab"): some(random, type_.item, depth + 1)} if depth < 7 else {}
    if type_.form.startswith("|"):
        other: Any = random.choice((True, False)) if type_.form == "|bool" else ["a"]
        return (
            other
            if depth > 5 or random.random() < 0.5
            else some_struct(random, type_.struct, depth + 1)
        )
    return random.choice(SCALARS[type_.form])


def some_struct(random: Random, struct: Struct, depth: int) -> dict[str, Any]:
    share = 0.5 if depth < 4 else 0.25
    return {
        name: some(random, field.type, depth)
        for name, field in struct.fields.items()
        if name not in ("kind", "apiVersion", "metadata") and random.random() < share
    }


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.resource)
def test_random_objects_can_be_read(api: Reading, kind: Kind) -> None:
    stored = stored_kind(kind)
    struct = schemas().of_kind(stored.group, stored.version, stored.kind)
    assert struct is not None
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    collection = (
        f"{root}/namespaces/lab/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"
    )
    for seed in range(12):
        fields = some_struct(Random(seed), struct, 0)
        api.put(kind.resource, "lab/x" if kind.namespaced else "x", **fields)
        for form in FORMS:
            for target in (collection, f"{collection}/x"):
                assert api.call("GET", target, form).status in (200, 406), (seed, form)
            if "watch" in kind.verbs:
                stream = api.call("GET", f"{collection}?watch=1", form).stream
                assert stream is None or len(stream.read()) == 1
