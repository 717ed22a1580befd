"""The code of ``solution`` works unchanged, in a cell and in a terminal."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import labkit
from kube_embedded.tests.support.slow import slow_but
from labkit import check, lessons, predict
from labkit.lab.lab import Lab
from labkit.lessons.steps import STATE
from tools import evidence

PREDICTED: dict[str, object] = {
    "T4": {"kikai by pods/*": "nothing", "kikai by *": "more", "darbo by pods/log": "the logs"},
    "W4": "rbac.authorization.k8s.io",
    "W9": "default",
    "W10": "no",
    "W19": {"kikai": "allowed", "darbo": "forbidden"},
    "W22": {
        "pods in kikai": "allowed",
        "pods in darbo": "forbidden",
        "persistent volumes": "forbidden",
    },
}
MADE = [step.id for step in lessons.STEPS.values() if step.by == STATE]
ASKED = ["W16", "W17", "W22", "W23", "T4"]
"""The steps that make objects and ask afterwards: their solutions are whole cells, which test_checkpoints runs."""
IN_TERMINAL = [step for step in [*MADE, *ASKED] if step != "W11"]
"""W11 needs a file of the learner's: kubectl has no flags for two containers."""


@pytest.mark.parametrize("step", MADE)
def test_the_manifests_of_a_solution_pass(lab: Lab, step: str) -> None:
    lab.rewind(step)
    code = lessons.solution(step, lab.progress).text
    with contextlib.redirect_stdout(io.StringIO()):
        exec(
            compile(code, step, "exec"),
            {"lab": lab, **{name: getattr(labkit, name) for name in labkit.__all__}},
        )
    if step == "W24":
        for resource in ("pods", "secrets"):
            lab.as_pod("kikai/test").get(f"/api/v1/{resource}")
    outcome = check(step)
    assert outcome.passed, repr(outcome)


@pytest.mark.skipif(
    shutil.which("kubectl") is None,
    reason="kubectl is not installed; the manifests cover the steps",
)
@pytest.mark.parametrize(
    "step", slow_but([*IN_TERMINAL, "W15", "W21", "W19", "W9"], *IN_TERMINAL[::2], "W15")
)
def test_the_terminal_lines_of_a_solution_pass(lab: Lab, step: str) -> None:
    lab.rewind(step)
    if lessons.STEPS[step].prediction is not None:
        predict(step, PREDICTED.get(step, "forbidden"))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(lab.home),
        "KUBECONFIG": str(lab.kubeconfig),
    }
    for line in lessons.STEPS[step].kubectl.splitlines():
        done = subprocess.run(
            ["sh", "-c", line], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0 or "orbidden" in done.stderr, done.stderr
    outcome = check(step)
    assert outcome.passed, repr(outcome)


def test_the_page_of_evidence_is_up_to_date() -> None:
    page = Path(evidence.PAGE).read_text(encoding="utf-8")
    assert page == evidence.page(), "run: make notebooks"
