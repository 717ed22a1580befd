"""Read from the Go structs of the Kubernetes API what OpenAPI lacks.

    python -m tools.read_go_types API APIMACHINERY AGGREGATOR > tests/parity/data/gotypes.json
    python -m tools.read_go_types --protobuf API AGGREGATOR > tests/parity/data/protobuf-more.json

For each struct of the schemas: the order of its fields, which are pointers, which are omitted
when empty, and the named Go types in error messages. The checkouts are those
of ``k8s.io/api``, ``k8s.io/apimachinery`` and ``k8s.io/kube-aggregator`` (bare ones will do);
``CHECKOUT@BRANCH`` reads a branch.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "tests" / "parity" / "data"
STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r'^\t(?:(\w+)\s+)?(\*?[\w.\[\]*]+)\s+`(?:.*?)json:"([^"]*)"')
MESSAGE = re.compile(r"^message (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
PROTO_FIELD = re.compile(
    r"^  (optional |repeated |)(map<[^>]*>|[\w.]+) (\w+) = (\d+)", re.MULTILINE
)
AGGREGATED = "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1"
AGGREGATED_FOLDER = "pkg/apis/apiregistration/v1"
MORE_MESSAGES = (
    "admissionregistration/v1",
    "autoscaling/v2",
    "coordination/v1",
    "discovery/v1",
    "flowcontrol/v1",
    "node/v1",
    "scheduling/v1",
    "storage/v1",
)
"""Packages of served kinds that ``protobuf.json`` does not have."""


def read_schemas() -> dict[str, Any]:
    """All recorded components."""
    found: dict[str, Any] = json.loads((DATA / "schemas.json").read_text())["schemas"]
    found.update(json.loads((DATA / "schemas-more.json").read_text()))
    return found


def package_files() -> dict[str, tuple[int, str]]:
    """Schema prefix to (which checkout, folder of its Go package)."""
    found: dict[str, tuple[int, str]] = {}
    for name in read_schemas():
        prefix = name.rpartition(".")[0]
        if prefix.startswith("io.k8s.api."):
            found[prefix] = (0, prefix.removeprefix("io.k8s.api.").replace(".", "/"))
        elif prefix == "io.k8s.apimachinery.pkg.apis.meta.v1":
            found[prefix] = (1, "pkg/apis/meta/v1")
        elif prefix == AGGREGATED:
            found[prefix] = (2, AGGREGATED_FOLDER)
    return found


def fields_of(body: str, structs: dict[str, str]) -> list[list[Any]]:
    """The JSON fields of a struct, inlined ones in place.

    Returns:
        ``[json name, Go type, flags, Go name, embedded struct?]`` for each: flag ``p`` a pointer,
        ``o`` left out when empty, ``z`` left out when zero.
    """
    rows: list[list[Any]] = []
    for line in body.splitlines():
        match = FIELD.match(line)
        if match is None:
            continue
        go_name, go_type, tag = match.groups()
        name, *options = tag.split(",")
        if name == "-":
            continue
        if not name:
            inner = structs.get(go_type.lstrip("*"))
            if inner is not None:
                rows += [
                    [*row[:4], ".".join([go_type, *row[4:]])] for row in fields_of(inner, structs)
                ]
            continue
        flags = "p" if go_type.startswith("*") else ""
        flags += "o" if "omitempty" in options else ""
        flags += "z" if "omitzero" in options else ""
        rows.append([name, go_type.lstrip("*"), flags, go_name or go_type])
    return rows


def show(checkout: str, path: str) -> str:
    """A file of a checkout's newest commit, or of a branch."""
    folder, _, branch = checkout.partition("@")
    command = ["git", "-C", folder, "show", f"{branch or 'HEAD'}:{path}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def messages(checkout: str, aggregator: str) -> dict[str, dict[str, list[str]]]:
    """The protobuf messages of served groups, in the form of ``protobuf.json``."""
    found: dict[str, dict[str, list[str]]] = {}
    places = [
        (checkout, folder, "k8s.io.api." + folder.replace("/", ".")) for folder in MORE_MESSAGES
    ]
    places.append(
        (aggregator, AGGREGATED_FOLDER, AGGREGATED.replace("io.k8s.", "k8s.io.").replace("-", "_"))
    )
    for source, folder, package in places:
        text = show(source, f"{folder}/generated.proto")
        for name, body in MESSAGE.findall(text):
            found[f"{package}.{name}"] = {
                number: [field, kind, (label or "").strip()]
                for label, kind, field, number in PROTO_FIELD.findall(body)
            }
    return found


def main() -> int:
    """Print the facts as JSON."""
    if sys.argv[1] == "--protobuf":
        lines = [
            f"{json.dumps(name)}: {json.dumps(fields)}"
            for name, fields in sorted(messages(*sys.argv[2:4]).items())
        ]
        print("{" + ",\n".join(lines) + "}")
        return 0
    checkouts = sys.argv[1:4]
    schemas = read_schemas()
    facts: dict[str, list[list[Any]]] = {}
    for prefix, (which, folder) in sorted(package_files().items()):
        text = show(checkouts[which], f"{folder}/types.go")
        structs = dict(STRUCT.findall(text))
        for name, body in structs.items():
            schema = schemas.get(f"{prefix}.{name}")
            if schema is None or "properties" not in schema:
                continue
            rows = [row for row in fields_of(body, structs) if row[0] in schema["properties"]]
            missing = set(schema["properties"]) - {row[0] for row in rows} - {"apiVersion", "kind"}
            if missing:
                print(f"{prefix}.{name}: no Go field for {sorted(missing)}", file=sys.stderr)
            facts[f"{prefix}.{name}"] = rows
    lines = [f"{json.dumps(name)}: {json.dumps(rows)}" for name, rows in sorted(facts.items())]
    print("{" + ",\n".join(lines) + "}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
