from __future__ import annotations

import json
from pathlib import Path

import pytest

from kube_embedded.machinery.kinds import KINDS
from kube_embedded.machinery.schema import Schemas, schemas
from kube_embedded.tests.support.some import some
from tools import generate_schema

FOLDER = Path(generate_schema.OUT)


def test_the_tables_are_those_the_command_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["generate_schema", "--out", str(tmp_path)])
    assert generate_schema.main() == 0
    for name in ("tables.json", "protobuf.json"):
        assert (tmp_path / name).read_text() == (FOLDER / name).read_text(), (
            f"{name} is out of date: python -m tools.generate_schema"
        )


def test_the_command_reads_openapi_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {
        "components": {
            "schemas": {
                "io.example.v1.Thing": {
                    "type": "object",
                    "properties": {
                        "size": {"type": "integer", "format": "int32", "default": 3},
                        "tags": {
                            "type": "array",
                            "items": {"type": "string"},
                            "x-kubernetes-list-type": "set",
                        },
                    },
                    "required": ["size"],
                    "x-kubernetes-group-version-kind": [
                        {"group": "example.io", "version": "v1", "kind": "Thing"}
                    ],
                }
            }
        }
    }
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    (source / "example.json").write_text(json.dumps(document))
    monkeypatch.setattr(
        "sys.argv", ["generate_schema", "--openapi", str(source), "--out", str(out)]
    )
    assert generate_schema.main() == 0
    struct = Schemas(json.loads((out / "tables.json").read_text())).of_kind(
        "example.io", "v1", "Thing"
    )
    assert struct is not None
    assert struct.fields["size"].default == 3
    assert struct.fields["tags"].list_type == "set"


def test_every_served_kind_has_a_schema() -> None:
    missing = [
        kind.kind
        for kind in KINDS
        if schemas().of_kind(kind.group, kind.version, kind.kind) is None
    ]
    assert missing == []


def test_every_struct_can_be_built() -> None:
    for name in some(json.loads((FOLDER / "tables.json").read_text())):
        struct = schemas()[name]
        for field in struct.fields.values():
            inner = field.type.element or field.type
            if inner.form == "struct":
                assert inner.struct_name in schemas(), f"{name}.{field.name}"
