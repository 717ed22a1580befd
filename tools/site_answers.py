"""Record the landing page's two answers: a server of labkit's own refuses a request, and allows it after a binding."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from labkit.client.answer import Answer
from labkit.core.language import shown
from labkit.lab.lab import Lab
from labkit.lab.stages import stages
from labkit.ui import XRay

ROOM = """
{apiVersion: v1, kind: Namespace, metadata: {name: museum}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: mina, namespace: museum}}
"""
BINDING = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: secret-reader, namespace: museum}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: secret-reader, namespace: museum}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: secret-reader}
subjects: [{kind: ServiceAccount, name: mina, namespace: museum}]
"""
ALLOWED = "The list of Secrets. The binding secret-reader gives mina the Role secret-reader."


def record() -> tuple[list[dict[str, Any]], str]:
    """Ask for the Secrets of a namespace before a binding and after it.

    Returns:
        Both answers for the page's script, and the refusal's picture as the end of its link.

    Raises:
        AssertionError: The server did not refuse the first request, or not allow the second.
    """
    with tempfile.TemporaryDirectory(prefix="lk-") as directory:
        lab = Lab("embedded", home=Path(directory) / "labkit")
        try:
            lab.apply(ROOM)
            mina = lab.as_service_account("museum/mina")
            path = "/api/v1/namespaces/museum/secrets"
            refused = mina.get(path)
            picture = XRay(refused, lab).link("/").partition("#")[2]
            lab.apply(BINDING)
            allowed = mina.get(path)
            assert (refused.status, allowed.status) == (403, 200)
            # The stations are read from the server's audit log.
            recorded = [_for_page(refused, refused.message), _for_page(allowed, ALLOWED)]
        finally:
            lab.stop()
    return recorded, picture


def _for_page(answer: Answer, says: str) -> dict[str, Any]:
    stations = [{"title": shown(each["title"]), "state": each["state"]} for each in stages(answer)]
    return {"status": answer.status, "says": says, "stages": stations}
