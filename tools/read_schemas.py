r"""Extract the components of some group versions from a server's OpenAPI documents, without descriptions.

    for it in autoscaling/v2 flowcontrol.apiserver.k8s.io/v1; do
        kubectl get --raw /openapi/v3/apis/$it > openapi/${it/\//_}.json; done
    python -m tools.read_schemas openapi > tests/parity/data/schemas-more.json

Components that ``schemas.json`` has are left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tools.generate_schema import DATA, read_openapi


def without_descriptions(value: Any) -> Any:
    """A document without descriptions."""
    if isinstance(value, dict):
        return {
            name: without_descriptions(inner)
            for name, inner in value.items()
            if not (name == "description" and isinstance(inner, str))
        }
    return [without_descriptions(inner) for inner in value] if isinstance(value, list) else value


def main() -> int:
    """Print the components as JSON, one a line."""
    known = json.loads((DATA / "schemas.json").read_text())["schemas"]
    found = {
        name: schema
        for name, schema in read_openapi(Path(sys.argv[1])).items()
        if name not in known
    }
    lines = [
        f"{json.dumps(name)}: {json.dumps(without_descriptions(found[name]))}"
        for name in sorted(found)
    ]
    print("{" + ",\n".join(lines) + "}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
