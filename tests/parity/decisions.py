"""One random policy and 5,000 access reviews about it, with their reasons."""

from __future__ import annotations

import json

from tests.parity.compare import Difference
from tests.parity.model import load
from tests.parity.section import Section
from tests.parity.transport import Call, Credential, Transport

ADMIN = Credential(admin=True)
HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}


def post(transport: Transport, path: str, body: object) -> tuple[int, object]:
    """Create one object as the administrator."""
    answer = transport.send(ADMIN, Call("POST", path, HEADERS, json.dumps(body).encode()))
    return answer.status, answer.decoded()


def run(transport: Transport) -> Section:
    """Create the policy, make every review, and compare the decisions.

    ``allowed`` must agree. Where several bindings grant a request, the reason names
    whichever the real server met first, so a reason only has to name a binding when the
    recorded one does.

    Raises:
        RuntimeError: An object of the policy could not be created.
    """
    recording = load("decisions")
    for item in recording["objects"]:
        status, body = post(transport, item["path"], item["body"])
        if status not in (201, 409):
            raise RuntimeError(f"POST {item['path']} gave {status}: {body}")
    found: list[Difference] = []
    agreed = {"allowed": 0, "reason": 0}
    allowed_agree = refused_agree = 0
    for number, item in enumerate(recording["decisions"]):
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": item["spec"],
        }
        _, body = post(transport, "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        got = body.get("status", {}) if isinstance(body, dict) else {}
        got = got if isinstance(got, dict) else {"text": got}
        expected, label = item["status"], f"decisions/{number:04}"
        same = got.get("allowed") == expected["allowed"]
        agreed["allowed"] += same
        allowed_agree += same and expected["allowed"]
        refused_agree += same and not expected["allowed"]
        if not same:
            found.append(Difference(label, "allowed", "", expected["allowed"], got.get("allowed")))
        agreed["reason"] += expected.get("reason", "") == got.get("reason", "")
        if bool(expected.get("reason")) != bool(got.get("reason")):
            found.append(
                Difference(label, "reason", "", expected.get("reason", ""), got.get("reason", ""))
            )
    total = len(recording["decisions"])
    return Section(
        "decisions",
        "SubjectAccessReviews about one random policy.",
        total,
        tuple(found),
        agreed,
        sum(item["status"]["allowed"] for item in recording["decisions"]),
        allowed_agree,
        refused_agree,
    )
