"""The same checkpoints on clusters that differ: an older era, shared names, no anonymous access."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kube_embedded.tests.support.some import some
from labkit import check, lessons, predict
from labkit.lab import current, words
from labkit.lab.lab import Lab
from tests.lessons.worker import Worker


@pytest.fixture
def old_lab(tmp_path: Path) -> Iterator[Lab]:
    """Provide a cluster of the write-up's time."""
    lab = Lab("embedded", home=tmp_path / "home", era="1.20", say=lambda _line: None)
    yield lab
    lab.stop()


def test_in_the_write_ups_time_a_secret_appears_and_tokens_are_identical(old_lab: Lab) -> None:
    assert "pods mount their account's token Secret" in repr(old_lab.status())
    predict("W10", "yes")
    old_lab.apply("03-service-accounts/W10-serviceaccount-kikai.yaml")
    assert check("W10").passed, repr(check("W10"))
    old_lab.apply("03-service-accounts/W11-pod-curl-custom-sa.yaml")
    predict("W12", "identical")
    old_lab.pod_token("default/curl-custom-sa")
    old_lab.admin.get("/api/v1/namespaces/default/secrets")
    old_lab.record("W12", {**LEGACY, "when it ends": "exp"})
    assert "when it ends: you recorded “exp”" in check("W12").seen
    old_lab.record("W12", LEGACY)
    outcome = check("W12")
    assert outcome.passed, repr(outcome)


LEGACY = {
    "who issued it": "iss",
    "whom it is about": "sub",
    "whom it is meant for": "none",
    "when it ends": "none",
    "which pod has it": "none",
}
"""The claims of a token from before 1.21, which has neither an audience nor an end nor a pod."""


def test_in_the_write_ups_time_a_requested_token_is_still_another_one(old_lab: Lab) -> None:
    old_lab.apply("03-service-accounts/W10-serviceaccount-kikai.yaml")
    old_lab.apply("03-service-accounts/W11-pod-curl-custom-sa.yaml")
    predict("W12", "different")
    old_lab.pod_token("default/curl-custom-sa").compare(old_lab.token("default/kikai"))
    old_lab.record("W12", LEGACY)
    outcome = check("W12")
    assert outcome.passed, repr(outcome)
    assert "never expires" in outcome.hint


def test_in_the_write_ups_time_todays_predictions_are_wrong(old_lab: Lab) -> None:
    predict("W10", "no")
    old_lab.apply("03-service-accounts/W10-serviceaccount-kikai.yaml")
    assert "the cluster made kikai-token-" in check("W10").seen
    old_lab.apply("03-service-accounts/W11-pod-curl-custom-sa.yaml")
    predict("W12", "different")
    old_lab.record("W12", LEGACY)
    assert "nobody has looked at" in check("W12").seen  # a token that one asks for is different


def test_where_strangers_are_turned_away_w2_expects_401_for_both(lab: Lab) -> None:
    """k3s and others switch anonymous access off."""
    context = replace(
        words.context(lab),
        as_anonymous=lambda: lab.as_token("no-one", "anonymous").without_observers(),
    )
    predict("W2", {"no token": "unauthorized", "bad token": "unauthorized"})
    lab.as_token("no-one", "anonymous").get("/api")
    lab.as_token("not-a-token").get("/api")
    assert lessons.check("W2", context).passed
    predict("W2", {"no token": "forbidden", "bad token": "unauthorized"})
    lab.progress.forget("W2")
    predict("W2", {"no token": "forbidden", "bad token": "unauthorized"})
    lab.as_token("no-one", "anonymous").get("/api")
    lab.as_token("not-a-token").get("/api")
    assert "switched off" in lessons.check("W2", context).hint


@pytest.mark.slow
def test_several_learners_share_a_cluster(shared_lab: Lab, tmp_path: Path) -> None:
    shared_lab.reset()
    guest = Lab(
        "existing",
        kubeconfig=shared_lab.kubeconfig,
        prefix="ann",
        home=tmp_path / "ann",
        force=True,
        say=lambda _line: None,
    )
    try:
        for lesson in lessons.LESSONS:
            worker = Worker(guest)
            for step in some(lesson.steps):
                outcome = worker.run(step.id)
                assert outcome.passed, repr(outcome)
        names = shared_lab.admin.get("/api/v1/namespaces").names
        assert {"ann-kikai", "ann-darbo"} <= set(names)
        assert "kikai" not in names
    finally:
        guest.stop()
        current.use(shared_lab)
