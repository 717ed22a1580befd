"""All notebooks by their solutions, with wrong predictions and checks that fail before; one cluster for all of them."""

from __future__ import annotations

import pytest

from labkit.grading.exercises.notebooks import learner_notebook
from labkit.grading.tasks import EXERCISES
from labkit.grading.tasks.task import ExerciseSpec
from tests.browser.test_walk import LEARNER, checks, own, walk
from tests.grading.support import solved_notebook
from tests.page.site.lab import SiteNotebook, SitePage
from tools.notebooks import sources

pytestmark = [pytest.mark.page, pytest.mark.soak]


def test_a_learner_goes_through_all_parts_on_one_cluster(visitor: SiteNotebook) -> None:
    for source in sources():
        document = walk(source)
        visitor.begin(source.stem + "-walk", document)
        expected = {
            cell["id"]: not cell["id"].endswith(("-early", "-wrong")) for cell in checks(document)
        }
        visitor.run_all()
        verdicts = visitor.verdicts()
        if source.stem == "00-start":
            expected = dict.fromkeys(
                expected, False
            )  # it shows the result of a check before any work
        differs = {
            name: text
            for name, text in visitor.texts().items()
            if verdicts.get(name) != expected.get(name)
        }
        assert verdicts == expected, f"{source.stem}: {differs}"
        visitor.nothing_is_wrong()
    passed = "sum(Progress.default().passed(step) for step in step_ids())"
    names = (
        "from labkit.lessons.progress import Progress; from labkit.lessons.steps import step_ids"
    )
    assert visitor.run(f"{names}; print({passed})").endswith("30\n")


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_a_learner_solves_the_exercise_at_the_second_try(
    exercise: ExerciseSpec, site_page: SitePage
) -> None:
    site_page.begin(
        exercise.id, {**learner_notebook(exercise), "cells": own(learner_notebook(exercise))}
    )
    site_page.run_all()
    points, most = site_page.score()
    assert points < most
    site_page.write([cell["source"] for cell in own(solved_notebook(exercise, LEARNER))])
    site_page.run_all()
    assert site_page.score() == (most, most)
    site_page.nothing_is_wrong()
