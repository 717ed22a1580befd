"""Grading on kind, as ``labkit grade --backend kind`` does it. What needs no Docker is in test_real_cluster.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labkit.backends.engine import call
from labkit.grading.graders.grader import Grader
from labkit.grading.graders.real_cluster import RealClusterGrader, disagreements, lab_for
from labkit.grading.intake.submissions import find
from tests.grading.support import grade, solved_cells, submit

IMAGE = os.environ.get("LABKIT_KIND_IMAGE", "")

pytestmark = [
    pytest.mark.kind,
    pytest.mark.skipif(
        not IMAGE, reason="LABKIT_KIND_IMAGE names no node image, so kind cannot create a cluster"
    ),
]


def test_a_solved_and_an_untouched_submission_agree(
    grader: Grader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"labkit-test-{os.getpid()}"
    monkeypatch.setenv("LABKIT_KIND_CLUSTER", name)
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "home"))
    submit(
        tmp_path / "s", "ann", "ex3-service-accounts", solved_cells("ex3-service-accounts", "ann")
    )
    submit(tmp_path / "s", "nil", "ex3-service-accounts", ["1"])
    embedded = grade(grader, tmp_path / "s")
    with lab_for("kind", lambda _line: None, image=IMAGE) as lab, RealClusterGrader(lab) as real:
        here = {result.learner: result for result in real.grade(find(tmp_path / "s"))}
    for learner, result in here.items():
        assert not disagreements(result, embedded[learner])
        assert result.complete, f"{result.outcome}\n{result.output}"
        assert not result.score.unjudged
    assert here["ann"].passed, here["ann"].output
    assert here["nil"].score.points == 0
    assert name not in call(["kind", "get", "clusters"]).stdout.split()
