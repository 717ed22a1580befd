"""The server does what the official pages claim, except where docs/upstream.md says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi, rule
from kube_embedded.tests.support.requests import request_body, signing_request
from tests.documentation import pages, variants

UPSTREAM = (Path(__file__).parents[2] / "docs" / "upstream.md").read_text(encoding="utf-8")
APPROVED = {"type": "Approved", "status": "True", "reason": "Asked", "message": "."}
GROUP = "certificates.k8s.io"
REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"


@pytest.mark.parametrize("entry", variants.questions(), ids=variants.name)
def test_a_claim(entry: dict[str, Any]) -> None:
    api = ClusterApi()
    api.namespace("bakery")
    for manifest in variants.documents(entry.get("given", "")):
        reply = variants.apply(api, manifest)
        assert reply.status in (200, 201), reply
    for question in entry["ask"]:
        expected, reply = variants.ask(api, question)
        assert reply.status == expected, (question, reply)
        if "message" in entry:
            assert reply.message == entry["message"]


def test_each_contradiction_is_written_up_and_each_of_these_is_asked() -> None:
    wrong = {entry["wrong"] for entry in variants.questions() if "wrong" in entry}
    written = {line[3:] for line in UPSTREAM.splitlines() if line.startswith("## ")}
    assert wrong | {"Who may approve a certificate"} == written


def test_each_question_names_a_page_that_is_walked() -> None:
    assert {entry["path"] for entry in variants.questions()} <= set(pages.PAGES)


def test_who_approves_a_certificate_needs_the_signer_too() -> None:
    api = ClusterApi()
    api.must(api.admin.post(REQUESTS, request_body("mill", signing_request("mill"))))
    api.role("approver", rule("patch update", "certificatesigningrequests/approval", GROUP))
    api.bind("approver", "ClusterRole/approver", "User/hana")
    hana = api.user("hana")
    approval = {"status": {"conditions": [APPROVED]}}
    assert hana.patch(f"{REQUESTS}/mill/approval", approval).status == 403
    signer = "kubernetes.io/kube-apiserver-client"
    api.role("signer", rule("approve", "signers", GROUP, names=signer))
    api.bind("signer", "ClusterRole/signer", "User/hana")
    assert hana.patch(f"{REQUESTS}/mill/approval", approval).status == 200
