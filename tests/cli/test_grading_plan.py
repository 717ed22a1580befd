"""Defaults of the options of ``labkit grade``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from labkit.cli.grading import grade_command
from labkit.cli.grading_plan import GradingPlan


def plan(*arguments: str) -> GradingPlan:
    """Return the plan of these arguments, with click's own defaults."""
    context: Any = grade_command.make_context("grade", ["submitted", *arguments])
    return GradingPlan(**context.params)


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    """Provide a file that click finds."""
    path = tmp_path / "config"
    path.touch()
    return str(path)


def test_a_notebook_has_60_seconds_and_300_on_a_real_cluster(kubeconfig: str) -> None:
    assert plan().limits().seconds == 60
    assert plan("--backend", "embedded").limits().seconds == 60
    assert plan("--scheduler", "tls://h:1").limits().seconds == 60
    assert plan("--backend", "kind").limits().seconds == 300
    assert plan("--kubeconfig", kubeconfig).limits().seconds == 300
    assert plan("--backend", "kind", "--seconds", "7").limits().seconds == 7


def test_processor_time_ends_after_the_time_limit() -> None:
    limits = plan("--seconds", "7.5", "--kernel").limits()
    assert (limits.seconds, limits.cpu_seconds, limits.kernel) == (7.5, 8, True)
    assert plan().limits().kernel is False


def test_each_kind_of_cluster_has_its_folder_of_results(kubeconfig: str) -> None:
    assert [
        (found.on_real_cluster, found.cluster, str(found.results), str(found.overrides_table))
        for found in (plan(), plan("--backend", "kind"), plan("--kubeconfig", kubeconfig))
    ] == [
        (False, "embedded", "results", "results-overrides.csv"),
        (True, "kind", "results-kind", "results-kind-overrides.csv"),
        (True, "existing", "results-existing", "results-existing-overrides.csv"),
    ]
    assert plan("--out", "a/b").overrides_table == Path("a/b-overrides.csv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scheduler", "tls://h:1", "--backend", "kind"], "goes without --backend"),
        (["--scheduler", "tls://h:1", "--places", "2"], "goes without --backend"),
        (["--scheduler", "tls://h:1", "--trust"], "goes without --backend"),
        (["--extensions", "KUBECONFIG"], "goes with --due"),
        (["--overrides", "missing.csv"], "There is no missing.csv"),
        (["--overrides", "KUBECONFIG", "--overrides-template"], "There is a"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    arguments: list[str], message: str, kubeconfig: str
) -> None:
    with pytest.raises(click.UsageError, match=message):
        plan(*(kubeconfig if argument == "KUBECONFIG" else argument for argument in arguments))
