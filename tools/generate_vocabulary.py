"""Write what a request may name on every cluster, for questions that are asked without one.

    python -m tools.generate_vocabulary

It writes ``labkit/rbac/testing/served.json``: by API group and resource, whether objects lie in a namespace, and
the verbs. The kinds are those of the embedded server, which has them from Kubernetes 1.36.
"""

from __future__ import annotations

import json
from pathlib import Path

from kube_embedded import KINDS

OUT = Path(__file__).parents[1] / "labkit" / "rbac" / "testing" / "served.json"

Served = dict[str, dict[str, tuple[bool, tuple[str, ...]]]]


def served() -> Served:
    """By group and resource: whether it is namespaced, and its verbs."""
    found: dict[str, dict[str, tuple[bool, set[str]]]] = {}
    for kind in KINDS:
        group = found.setdefault(kind.group, {})
        for name, verbs in [("", kind.verbs), *kind.subresources.items()]:
            resource = f"{kind.plural}/{name}" if name else kind.plural
            group.setdefault(resource, (kind.namespaced, set()))[1].update(verbs)
    return {
        group: {
            name: (namespaced, tuple(sorted(verbs)))
            for name, (namespaced, verbs) in sorted(resources.items())
        }
        for group, resources in sorted(found.items())
    }


if __name__ == "__main__":
    rows = ",\n".join(
        f"{json.dumps(group)}: {json.dumps(resources)}" for group, resources in served().items()
    )
    OUT.write_text(f"{{\n{rows}\n}}\n", encoding="utf-8")
