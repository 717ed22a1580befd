"""Derive OpenAPI components from the Go types of API packages that no recording has.

    python -m tools.derive_schemas API_CHECKOUT --ref release-1.36 > tests/parity/data/schemas-more.json
    python -m tools.derive_schemas API_CHECKOUT --ref release-1.36 --check autoscaling/v1 node/v1

The markers above the fields say what kube-openapi makes of them. ``--check`` derives packages
that were recorded and prints where the result differs from the recording, as far as the tables
of the server depend on it (defaults that are Go's zero values do not count).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "tests" / "parity" / "data"
MORE = ("autoscaling/v2",)
STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"^type (\w+) (string|int32|int64|bool)$", re.MULTILINE)
FIELD = re.compile(r'^\t(?:(\w+)\s+)?([*\w.\[\]]+)\s+`(?:.*?)json:"([^"]*)"')
MARKER = re.compile(r"^\s*// \+(\w+)(?:=(\S+))?\s*$")
REF = "#/components/schemas/"
META = "io.k8s.apimachinery.pkg.apis.meta.v1."
SCALARS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "byte": {"type": "string", "format": "byte"},
}
PACKAGES = {
    "metav1.": META,
    "v1.": "io.k8s.api.core.v1.",
    "corev1.": "io.k8s.api.core.v1.",
    "resource.": "io.k8s.apimachinery.pkg.api.resource.",
    "runtime.": "io.k8s.apimachinery.pkg.runtime.",
}
TEXTS = ("io.k8s.api.core.v1.ResourceName", "io.k8s.api.core.v1.ConditionStatus")
"""Named texts of other packages."""


class Package:
    """One API package.

    Args:
        folder: Such as ``autoscaling/v2``.
        source: Its ``types.go``.
    """

    def __init__(self, folder: str, source: str) -> None:
        self.group, _, self.version = folder.rpartition("/")
        self.prefix = "io.k8s.api." + folder.replace("/", ".") + "."
        self.structs = dict(STRUCT.findall(source))
        self.named = dict(NAMED.findall(source))

    def schemas(self) -> dict[str, Any]:
        """The components of all structs."""
        return {self.prefix + name: self.schema(name, body) for name, body in sorted(self.structs.items())}

    def schema(self, name: str, body: str) -> dict[str, Any]:
        """The component of a struct."""
        properties: dict[str, Any] = {}
        required: list[str] = []
        top = "metav1.TypeMeta" in body
        if top:
            properties = {field: {"type": "string"} for field in ("apiVersion", "kind")}
        markers: dict[str, list[str]] = {}
        for line in body.splitlines():
            marker = MARKER.match(line)
            if marker is not None:
                markers.setdefault(marker[1], []).append(marker[2] or "")
                continue
            field = FIELD.match(line)
            if field is not None and field[3].split(",")[0] not in ("", "-"):
                json_name, *options = field[3].split(",")
                properties[json_name] = self.property(field[2], markers)
                optional = "optional" in markers or "omitempty" in options
                if "required" in markers or not optional:
                    required.append(json_name)
            if not line.strip().startswith("//"):
                markers = {}
        made: dict[str, Any] = {"type": "object", "properties": properties}
        if required:
            made["required"] = sorted(required)
        if top:
            made["x-kubernetes-group-version-kind"] = [{"group": self.group, "version": self.version, "kind": name}]
        return made

    def property(self, go_type: str, markers: dict[str, list[str]]) -> dict[str, Any]:
        """The schema of a field."""
        made = self.type_schema(go_type.lstrip("*"))
        if "$ref" in made and not go_type.startswith("*") and not made["$ref"].endswith((".Time", ".MicroTime")):
            made = {"allOf": [made], "default": {}}
        for marker, extension in (
            ("listType", "x-kubernetes-list-type"),
            ("patchMergeKey", "x-kubernetes-patch-merge-key"),
            ("patchStrategy", "x-kubernetes-patch-strategy"),
        ):
            if marker in markers:
                made[extension] = markers[marker][0]
        if "listMapKey" in markers:
            made["x-kubernetes-list-map-keys"] = markers["listMapKey"]
        return made

    def type_schema(self, go_type: str) -> dict[str, Any]:
        """The schema of a type."""
        if go_type == "[]byte":
            return dict(SCALARS["byte"])
        if go_type.startswith("[]"):
            return {"type": "array", "items": self.type_schema(go_type[2:])}
        if go_type in SCALARS or go_type in self.named:
            return dict(SCALARS[self.named.get(go_type, go_type)])
        for package, prefix in PACKAGES.items():
            if go_type.startswith(package):
                name = prefix + go_type.removeprefix(package)
                return dict(SCALARS["string"]) if name in TEXTS else {"$ref": REF + name}
        return {"$ref": REF + self.prefix + go_type}


def show(checkout: str, ref: str, path: str) -> str:
    """A file of a checkout."""
    command = ["git", "-C", checkout, "show", f"{ref}:{path}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def relevant(schema: dict[str, Any]) -> Any:
    """A component without what the server's tables do not keep."""
    found = json.loads(json.dumps(schema))
    for each in found["properties"].values():
        if each.get("default") in ("", 0, False):
            del each["default"]
        items = each.get("items", {})
        items.pop("default", None)
        if "allOf" in items:
            each["items"] = items["allOf"][0]
        if each.get("x-kubernetes-list-type") == "atomic":
            del each["x-kubernetes-list-type"]
        if "allOf" in each and "default" not in each:
            each["$ref"] = each.pop("allOf")[0]["$ref"]
    return found


def differences(checkout: str, ref: str, folder: str) -> list[str]:
    """Where a recorded package is derived otherwise."""
    recorded = json.loads((DATA / "schemas.json").read_text())["schemas"]
    derived = Package(folder, show(checkout, ref, f"{folder}/types.go")).schemas()
    found = []
    for name, schema in derived.items():
        if name not in recorded or "properties" not in recorded[name]:
            continue
        one, other = relevant(recorded[name]), relevant(schema)
        if sorted(one.get("required", [])) != sorted(other.get("required", [])):
            found.append(f"{name} required: {one.get('required')} {other.get('required')}")
        for field in {*one["properties"], *other["properties"]}:
            if one["properties"].get(field) != other["properties"].get(field):
                found.append(f"{name}.{field}: {one['properties'].get(field)} {other['properties'].get(field)}")
    return found


def main() -> int:
    """Print the components, or the differences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout")
    parser.add_argument("--ref", default="HEAD")
    parser.add_argument("--check", nargs="+", metavar="FOLDER")
    options = parser.parse_args()
    if options.check:
        found = [line for folder in options.check for line in differences(options.checkout, options.ref, folder)]
        print("\n".join(found) or "no difference")
        return 1 if found else 0
    made: dict[str, Any] = {}
    for folder in MORE:
        made |= Package(folder, show(options.checkout, options.ref, f"{folder}/types.go")).schemas()
    lines = [f"{json.dumps(name)}: {json.dumps(schema)}" for name, schema in made.items()]
    print("{" + ",\n".join(lines) + "}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
