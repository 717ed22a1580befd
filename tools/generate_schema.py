"""Generate the embedded server's schema tables from recordings or from a cluster's OpenAPI.

    python -m tools.generate_schema                     from tests/parity/data
    python -m tools.generate_schema --openapi DIR       from OpenAPI v3 documents (one JSON file each)

It writes ``kube_embedded/machinery/schema/tables.json`` and ``protobuf.json``. The order of fields,
pointers and names of Go types, which OpenAPI lacks, come from ``gotypes.json`` (see
``tools/read_go_types.py``); the empty optional fields of a type that is not in it are omitted.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "parity" / "data"
OUT = ROOT / "kube_embedded" / "machinery" / "schema"
META = "io.k8s.apimachinery.pkg.apis.meta.v1."
EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
PROPS = EXTENSIONS.removeprefix("io.k8s.") + "JSONSchemaProps"
SPECIAL = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "intstr",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "microtime",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "any",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Patch": "any",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "raw",
    EXTENSIONS + "JSON": "json",
    EXTENSIONS + "JSONSchemaPropsOrArray": f"|list={PROPS}",
    EXTENSIONS + "JSONSchemaPropsOrBool": f"|bool={PROPS}",
    EXTENSIONS + "JSONSchemaPropsOrStringArray": f"|names={PROPS}",
}
SCALARS = {
    ("string", None): "string",
    ("string", "byte"): "bytes",
    ("string", "date-time"): "time",
    ("integer", "int32"): "int32",
    ("integer", "int64"): "int64",
    ("integer", None): "int64",
    ("boolean", None): "bool",
    ("number", "double"): "float64",
    ("number", None): "float64",
    ("object", None): "any",
}
RESPELLED = {"uID": "uid", "aPIGroup": "apiGroup"}
"""The JSON names of fields whose protobuf names differ."""
PACKAGE_ALIAS = re.compile(r"\b(?:metav1|corev1|apiv1)\.")


def short(name: str) -> str:
    """``io.k8s.api.core.v1.Pod`` as ``core.v1.Pod``, meta types as ``meta.v1.X``."""
    if name.startswith(META):
        return "meta.v1." + name.removeprefix(META)
    return name.removeprefix("io.k8s.api.").removeprefix("io.k8s.")


def referred(ref: str) -> str:
    """The code of a referenced type."""
    name = ref.rpartition("/")[2]
    return SPECIAL.get(name) or "=" + short(name)


def type_code(schema: dict[str, Any]) -> str:
    """A type in a few characters: ``string``, ``[]=core.v1.Pod``, ``{}quantity``."""
    if "$ref" in schema:
        return referred(schema["$ref"])
    if "allOf" in schema:
        return type_code(schema["allOf"][0])
    if schema.get("type") == "array":
        return "[]" + type_code(schema["items"])
    if schema.get("type") == "object" and "additionalProperties" in schema:
        return "{}" + type_code(schema["additionalProperties"])
    return SCALARS[schema.get("type", "object"), schema.get("format")]


def go_name(go_type: str, package: str = "v1") -> str:
    """A Go type as ``reflect`` prints it: an API package is called by its version."""
    go_type = PACKAGE_ALIAS.sub("v1.", go_type).replace("[]byte", "[]uint8")
    return re.sub(r"(^|[\[\]*])([A-Z]\w*)(?=$|\])", rf"\1{package}.\2", go_type)


def field_row(
    name: str, schema: dict[str, Any], required: bool, go: list[Any] | None, package: str = "v1"
) -> list[Any]:
    """``[name, type code, flags, more?]``: see ``kube_embedded.machinery.schema``."""
    code = type_code(schema)
    flags: str = ("" if required else "o") if go is None else go[2]
    if required:
        flags += "r"
    if schema.get("x-kubernetes-map-type") == "atomic":
        flags += "a"
    if schema.get("x-kubernetes-map-type") == "granular" and "allOf" in schema:
        flags += "g"
    more: dict[str, Any] = {}
    if schema.get("default") not in (None, {}, "", 0) or (
        schema.get("default") is False and "p" in flags
    ):
        more["d"] = schema["default"]
    if "default" in schema and schema["default"] == {}:
        flags += "s"
    if "o" in flags and schema.get("default") == "":
        flags += "e"
    if "enum" in schema:
        more["e"] = schema["enum"]
    for key, source in (
        ("l", "x-kubernetes-list-type"),
        ("k", "x-kubernetes-list-map-keys"),
        ("m", "x-kubernetes-patch-merge-key"),
        ("x", "x-kubernetes-patch-strategy"),
    ):
        if source in schema and schema[source] != "atomic":
            more[key] = schema[source]
    if go is not None:
        if len(go) > 4:
            more["i"] = go[4]
        if len(go) > 3 and go[3] != name[:1].upper() + name[1:]:
            more["n"] = go[3]
        named = go_name(go[1], package)
        if named not in ("string", "bool", "int32", "int64", "[]string") and not (
            code.startswith("=") and named == ".".join(code.rsplit(".", 2)[-2:])
        ):
            more["g"] = named
    if name in ("kind", "apiVersion") and (go is None or len(go) < 4):
        more["i"] = "TypeMeta"
    row: list[Any] = [name, code, flags]
    if more:
        row.append(more)
    return row


def tables(schemas: dict[str, Any], go: dict[str, list[list[Any]]]) -> dict[str, Any]:
    """Every struct by its short name."""
    found: dict[str, Any] = {}
    for name, schema in sorted(schemas.items()):
        properties = schema.get("properties")
        if properties is None or name in SPECIAL:
            continue
        facts = {row[0]: row for row in go.get(name, [])}
        order: list[str] = [
            field for field in ("kind", "apiVersion") if field in properties and field not in facts
        ]
        order += [field for field in facts if field in properties]
        order += sorted(field for field in properties if field not in order)
        required = schema.get("required", [])
        row: dict[str, Any] = {
            "f": [
                field_row(
                    field,
                    properties[field],
                    field in required,
                    facts.get(field, None if not facts else [field, "string", "o"]),
                    name.rsplit(".", 2)[-2],
                )
                for field in order
            ]
        }
        if "x-kubernetes-group-version-kind" in schema:
            row["k"] = [
                [item["group"], item["version"], item["kind"]]
                for item in schema["x-kubernetes-group-version-kind"]
            ]
        if schema.get("x-kubernetes-map-type") == "atomic":
            row["a"] = 1
        found[short(name)] = row
    return found


def messages(protobuf: dict[str, Any]) -> dict[str, Any]:
    """Every protobuf message: ``{number: [name, type, repeated]}``, with the names that JSON has."""
    found: dict[str, Any] = {}
    for name, fields in sorted(protobuf.items()):
        package = name.rpartition(".")[0]
        found[name] = {
            number: [
                RESPELLED.get(field, field),
                qualified(kind, package),
                1 if label == "repeated" else 0,
            ]
            for number, (field, kind, label) in fields.items()
        }
    return found


def qualified(kind: str, package: str) -> str:
    """A protobuf type with the package of a message that is named without one."""
    if kind.startswith("map<"):
        key, _, value = kind[4:-1].partition(",")
        return f"map<{key.strip()},{qualified(value.strip(), package)}>"
    kind = kind.lstrip(".")
    return f"{package}.{kind}" if kind[:1].isupper() else kind


def read_openapi(folder: Path) -> dict[str, Any]:
    """The schemas of all OpenAPI v3 documents in a folder."""
    found: dict[str, Any] = {}
    for path in sorted(folder.glob("*.json")):
        found.update(json.loads(path.read_text()).get("components", {}).get("schemas", {}))
    return found


def write(path: Path, rows: dict[str, Any]) -> None:
    """One row a line, so that a diff can be read."""
    lines = [
        f"{json.dumps(name)}:{json.dumps(row, separators=(',', ':'))}" for name, row in rows.items()
    ]
    path.write_text("{" + ",\n".join(lines) + "}\n")


def main() -> int:
    """Write both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--openapi", type=Path, help="folder of OpenAPI v3 documents")
    parser.add_argument("--out", type=Path, default=OUT, help="where the tables go")
    options = parser.parse_args()
    if options.openapi:
        schemas = read_openapi(options.openapi)
    else:
        schemas = json.loads((DATA / "schemas.json").read_text())["schemas"]
        for more in ("schemas-more.json", "schemas-extensions.json"):
            schemas |= json.loads((DATA / more).read_text())
    go = json.loads((DATA / "gotypes.json").read_text())
    protobuf = json.loads((DATA / "protobuf.json").read_text())["messages"]
    protobuf |= json.loads((DATA / "protobuf-more.json").read_text())
    options.out.mkdir(parents=True, exist_ok=True)
    write(options.out / "tables.json", tables(schemas, go))
    write(options.out / "protobuf.json", messages(protobuf))
    print(f"{len(schemas)} schemas, {len(protobuf)} messages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
