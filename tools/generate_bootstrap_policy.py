"""Generate the table of a new cluster's RBAC objects from a recording.

    python -m tools.generate_bootstrap_policy                     from tests/parity/data
    python -m tools.generate_bootstrap_policy RECORDING.json      from another recording

The recording holds the lists of cluster roles, cluster role bindings, roles and role
bindings of a new cluster. What all objects share (the bootstrapping label, the autoupdate
annotation, the RBAC API group) is left out of the table and added when the objects are
created. It writes ``labkit/rbac/default_policy.json``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECORDING = ROOT / "tests" / "parity" / "data" / "bootstrap.json"
OUT = ROOT / "kube_embedded" / "rbac" / "default_policy.json"
PREFIX = "/apis/rbac.authorization.k8s.io/v1/"
LABEL = "kubernetes.io/bootstrapping"
PLURALS = ("clusterroles", "clusterrolebindings", "roles", "rolebindings")


def compact(item: dict[str, Any]) -> dict[str, Any]:
    """The row of an object, without what all objects share."""
    metadata = item["metadata"]
    row = {"name": metadata["name"]}
    if "namespace" in metadata:
        row["namespace"] = metadata["namespace"]
    labels = {key: value for key, value in metadata["labels"].items() if key != LABEL}
    if labels:
        row["labels"] = labels
    if "roleRef" in item:
        row["role"] = f"{item['roleRef']['kind']}/{item['roleRef']['name']}"
        row["subjects"] = [
            "/".join(filter(None, (subject["kind"], subject.get("namespace"), subject["name"])))
            for subject in item.get("subjects") or ()
        ]
    else:
        row["rules"] = item["rules"]
    if "aggregationRule" in item:
        row["aggregationRule"] = item["aggregationRule"]
    return row


def render(recording: Path) -> str:
    """The table as text, one object a line."""
    steps = json.loads(recording.read_text())["steps"]
    lists = {step["request"]["path"]: step["response"]["body"]["items"] for step in steps[:4]}
    table = {plural: [compact(item) for item in lists[PREFIX + plural]] for plural in PLURALS}
    lines = [
        f'"{plural}":[\n' + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "]"
        for plural, rows in table.items()
    ]
    return "{" + ",\n".join(lines) + "}\n"


def main() -> int:
    """Read the recording, write the table."""
    OUT.write_text(render(Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDING))
    print(f"{OUT.relative_to(ROOT)}: {OUT.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
