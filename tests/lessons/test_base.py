"""Outcomes, waiting, rules and predictions: what needs no cluster."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labkit import lessons
from labkit.core.errors import LabkitError, UsageError
from labkit.lessons import rules
from labkit.lessons.base import (
    CheckContext,
    NotPassed,
    Outcome,
    failed,
    not_attempted,
    passed,
    run_with_retries,
)
from labkit.lessons.library import library, step_of
from labkit.lessons.looking import curl_status
from labkit.lessons.part1_api_server import address
from labkit.lessons.pods import require_running, state
from labkit.lessons.predictions import decision_of, decisions
from labkit.lessons.progress import Progress
from labkit.lessons.steps import Step
from labkit.rbac.reviews import REVIEWS
from tests.lessons.paper import Answer, Paper
from tests.support.course import IDS, MISSING, SERIES, STEPS_ARE, TOTAL


def context(progress: Progress, patience_seconds: float = 0.0) -> CheckContext:
    nothing: Any = None
    return CheckContext(
        nothing, nothing, nothing, nothing, progress, patience_seconds=patience_seconds
    )


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress(tmp_path / "progress.json")


# -- what outcomes say ----------------------------------------------------------------------


def test_a_failure_is_a_headline_and_three_lines() -> None:
    outcome = with_step(failed("missing-part", "this", "that", "try so").outcome, "W17", "Bind it")
    assert repr(outcome).splitlines() == [
        "✘ W17 not yet: Bind it (something is still missing)",
        "  seen      this",
        "  expected  that",
        "  hint      try so",
    ]


def test_states_are_told_by_symbol_and_word() -> None:
    assert repr(with_step(passed("done"), "W1", "A")).startswith("✔ W1 passed")
    assert repr(with_step(not_attempted("begin").outcome, "W1", "A")).startswith(
        "• W1 not attempted"
    )


def with_step(outcome: Outcome, step: str, title: str) -> Outcome:
    return replace(outcome, step=step, title=title)


def test_html_announces_itself_and_escapes() -> None:
    page = with_step(failed("missing-part", "<b>", "&", "").outcome, "W17", "Bind it")._repr_html_()
    assert page.startswith('<div role="status">')
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "not yet" in page


def test_only_a_pass_is_true() -> None:
    assert passed("x")
    assert not failed("missing-part", "x", "y", "z").outcome
    assert not not_attempted("x").outcome


# -- waiting for clusters that need time ----------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def outcomes(*states: Outcome) -> Any:
    rest: Iterator[Outcome] = iter(states)
    last = [states[-1]]

    def check(_context: CheckContext) -> Outcome:
        last[0] = next(rest, last[0])
        return last[0]

    return check


def settle(progress: Progress, patience: float, *states: Outcome) -> tuple[Outcome, float]:
    clock = Clock()
    found = run_with_retries(
        outcomes(*states), context(progress, patience), clock=clock, sleep=clock.sleep
    )
    return found, clock.now


def test_where_writes_are_in_force_at_once_nothing_waits(progress: Progress) -> None:
    outcome, waited = settle(
        progress, 0.0, failed("missing-part", "a", "b", "c").outcome, passed("late")
    )
    assert not outcome
    assert waited == 0


def test_a_cluster_that_catches_up_is_waited_for(progress: Progress) -> None:
    outcome, _ = settle(
        progress,
        10.0,
        failed("missing-part", "a", "b", "c").outcome,
        failed("missing-part", "a", "b", "c").outcome,
        passed("late"),
    )
    assert outcome.seen == "late"


def test_a_verdict_that_stays_the_same_is_final(progress: Progress) -> None:
    outcome, waited = settle(progress, 60.0, failed("missing-part", "a", "b", "c").outcome)
    assert not outcome
    assert waited < 5


def test_a_pod_that_comes_along_is_waited_for(progress: Progress) -> None:
    starting = [failed("missing-part", f"step {number}", "b", "c").outcome for number in range(20)]
    outcome, _ = settle(progress, 10.0, *starting, passed("it runs"))
    assert outcome


@pytest.mark.parametrize(
    ("patience", "states", "waited"),
    [
        (60.0, ["a"], 3.3),
        (60.0, ["a", "b"], 3.6),
        (60.0, ["a", "b", "b", "c"], 4.2),
        (1.0, ["a"], 1.2),
        (0.3, ["a"], 0.3),
        (1.0, list("abcdefghi"), 1.2),
    ],
)
def test_waiting_ends_when_nothing_changes_or_patience_does(
    progress: Progress, patience: float, states: list[str], waited: float
) -> None:
    outcome, took = settle(
        progress, patience, *(failed("missing-part", state, "b", "c").outcome for state in states)
    )
    assert outcome.seen == states[min(len(states) - 1, round(took / 0.3))]
    assert took == pytest.approx(waited)


def test_what_is_not_attempted_is_not_waited_for(progress: Progress) -> None:
    assert settle(progress, 60.0, not_attempted("begin").outcome, passed("late")) == (
        not_attempted("begin").outcome,
        0.0,
    )


# -- keeping verdicts -----------------------------------------------------------------------


def test_a_pass_is_kept_when_the_picture_changes(
    progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress.mark("W15", "passed")
    monkeypatch.setitem(
        lessons.STEPS,
        "W15",
        _step(lambda _context: failed("missing-part", "allowed now", "b", "c").outcome),
    )
    outcome = lessons.check("w15", context(progress))
    assert outcome
    assert outcome.kept
    assert "allowed now" in outcome.seen


def test_a_dead_cluster_is_an_outcome_not_a_traceback(
    progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(_context: CheckContext) -> Outcome:
        raise LabkitError("Nothing answers.", todo="labkit up")

    monkeypatch.setitem(lessons.STEPS, "W15", _step(check))
    outcome = lessons.check("W15", context(progress))
    assert outcome.state == "failed"
    assert outcome.hint == "labkit up"

    def silent(_context: CheckContext) -> Outcome:
        raise LabkitError("Nothing listens.", why="the connection was refused", todo="labkit up")

    monkeypatch.setitem(lessons.STEPS, "W15", _step(silent))
    assert (
        lessons.check("W15", context(progress)).seen
        == "Nothing listens: the connection was refused"
    )


def test_a_first_guess_counts_when_it_was_right_and_came_before_the_answer(
    progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    def guessed(asked_at: float) -> object:
        progress.forget()
        progress.predict("W15", "forbidden")
        monkeypatch.setitem(
            lessons.STEPS, "W15", _step(lambda _context: passed("yes", asked_at=asked_at))
        )
        lessons.check("W15", context(progress))
        return progress.entry("W15")["guessed"]

    assert guessed(time.time() + 60) is True
    assert guessed(time.time() - 60) is False


def _step(check: Any) -> Any:
    return Step("W15", "A title", 1, check, ("one", "two", "three"))


def test_an_unknown_step_says_which_there_are() -> None:
    with pytest.raises(UsageError, match=f'There is no step "{MISSING}"') as caught:
        lessons.find(MISSING)
    assert caught.value.todo == STEPS_ARE


# -- help -----------------------------------------------------------------------------------


def test_hints_come_in_steps(progress: Progress) -> None:
    first, second, third, again = (lessons.hint("W17", progress) for _ in range(4))
    assert len({first.text, second.text, third.text}) == 3
    assert again.text == third.text
    assert 'hint("W17")' in second.then
    assert 'solution("W17")' in third.then
    assert progress.entry("W17")["hints"] == 3


@pytest.mark.parametrize("step", lessons.STEPS)
def test_every_step_has_three_hints_and_a_solution(step: str, progress: Progress) -> None:
    found = lessons.find(step)
    assert len(set(found.hints)) == 3
    assert found.seen
    assert found.by
    shown = lessons.solution(step, progress)
    assert step in shown.title
    assert "BEGIN SOLUTION" not in repr(shown)
    compile(shown.text, step, "exec")


@pytest.mark.parametrize("step", lessons.STEPS)
def test_the_files_that_a_hint_names_make_what_the_step_asks_for(step: str) -> None:
    for name in re.findall(
        r'lab\.(?:apply|prepare)\("([^"]+)"\)', " ".join(lessons.find(step).hints)
    ):
        lesson, _, begins = name.partition("…")[0].partition("/")
        made = {step_of(file) for file in library().files(lesson) if file.name.startswith(begins)}
        assert made == {step}, name


def test_the_index_is_the_walkthrough() -> None:
    assert [step for ids in SERIES for step in ids] == IDS
    for ids in SERIES:
        letter = ids[0][0]
        assert ids == [f"{letter}{number}" for number in range(1, len(ids) + 1)]


def test_the_board_lists_every_step_in_words(progress: Progress) -> None:
    progress.mark("W15", "passed")
    progress.mark("W16", "failed")
    board = lessons.board(progress)
    text = repr(board)
    assert text.splitlines()[0] == f"✔ 1 of {TOTAL} steps passed"
    assert "✔ passed · Ask without permission" in text
    assert "✘ not yet · Write a role" in text
    page = board._repr_html_()
    assert page.count('<th scope="row"') == TOTAL
    assert "04-roles.ipynb" in page


# -- rules, as RBAC reads them ----------------------------------------------------------------


def rule(verbs: str, groups: str, resources: str, **more: Any) -> dict[str, Any]:
    lists = {"verbs": verbs, "apiGroups": groups, "resources": resources}
    return {**{key: value.split(",") for key, value in lists.items()}, **more}


@pytest.mark.parametrize(
    ("given", "yes"),
    [
        ([rule("list", "", "services")], True),
        ([rule("*", "*", "*")], True),
        ([rule("get,list", "apps,", "pods,services")], True),
        ([rule("get", "", "services"), rule("list", "", "services")], True),
        ([rule("get", "", "services")], False),
        ([rule("list", "core", "services")], False),
        ([rule("list", "", "service")], False),
        ([rule("list", "", "services", resourceNames=["web"])], False),
        ([rule("list", "", "pods"), rule("get", "", "services")], False),
        ([], False),
    ],
)
def test_what_rules_grant(given: list[dict[str, Any]], yes: bool) -> None:
    assert rules.grants(given, "list", "", "services") is yes


def test_what_rules_grant_beyond() -> None:
    wanted = ("get", "list"), "", "services"
    assert rules.beyond([rule("get", "", "services"), rule("list", "", "services")], *wanted) == []
    more = rules.beyond([rule("get,list,watch", "", "services,pods")], *wanted)
    assert [surplus.text for surplus in more] == ['verb "watch"', 'resource "pods"']
    everything = rules.beyond([rule("*", "*", "*", nonResourceURLs=["*"])], *wanted)
    assert [surplus.text for surplus in everything] == [
        'verb "*"',
        'every API group ("*")',
        'every resource ("*")',
        'path "*"',
    ]


@pytest.mark.parametrize(
    ("verbs", "resources", "kind"),
    [
        ("get,list,watch", "services", "watch-added"),
        ("get,list", "services,pods", "resource-added"),
        ("get,list", "services,secrets", "secrets-added"),
        ("get,list", "services,services/status", "subresource-added"),
        ("delete", "services", "verb-added"),
        ("*", "services", "everything"),
        ("get", "*", "everything"),
    ],
)
def test_kind_of_a_surplus(verbs: str, resources: str, kind: str) -> None:
    surplus = rules.beyond([rule(verbs, "", resources)], ("get", "list"), "", "services")
    assert rules.kind_of_surplus(surplus[0]) == kind


# -- how a pod does --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pod", "seen"),
    [
        ({}, "Pending"),
        (
            {"status": {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}},
            "Running",
        ),
        (
            {
                "metadata": {"deletionTimestamp": "2027-01-15T08:00:00Z"},
                "status": {"phase": "Running"},
            },
            "Terminating",
        ),
        (
            {"status": {"containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]}},
            "ErrImagePull",
        ),
        (
            {"status": {"containerStatuses": [{"state": {"terminated": {"reason": "Completed"}}}]}},
            "Completed",
        ),
    ],
)
def test_a_pods_state_is_what_kubectl_prints(pod: dict[str, Any], seen: str) -> None:
    assert state(pod) == seen
    refusal = nullcontext() if seen == "Running" else pytest.raises(NotPassed)
    with refusal:
        require_running(pod, "default/curl")


# -- predictions and recorded answers ----------------------------------------------------------


@pytest.mark.parametrize("said", ["forbidden", "Forbidden", "403", 403, "no", "denied", False])
def test_many_words_mean_forbidden(said: object) -> None:
    assert decisions().read("W15", said) == "forbidden"


@pytest.mark.parametrize("said", ["allowed", "yes", 200, "ok", True])
def test_many_words_mean_allowed(said: object) -> None:
    assert decisions().read("W15", said) == "allowed"


def test_a_404_is_a_yes_to_the_question_of_permission() -> None:
    assert [decision_of(status) for status in (200, 404, 409, 401, 403)] == [
        "allowed",
        "allowed",
        "allowed",
        "unauthorized",
        "forbidden",
    ]


def test_predictions_by_label_or_for_all() -> None:
    asked = decisions("a", "b")
    assert asked.read("W19", "no") == {"a": "forbidden", "b": "forbidden"}
    assert asked.read("W19", {"A ": "yes"}) == {"a": "allowed"}


@pytest.mark.parametrize(
    "said", ["maybe", "", None, 404, ["forbidden"], {"c": "no"}, {"a": "perhaps"}, object()]
)
def test_what_is_no_possible_answer_is_refused_with_those_that_are(said: object) -> None:
    with pytest.raises(UsageError) as caught:
        decisions("a", "b").read("W19", said)
    assert '"a"' in str(caught.value.todo)


@pytest.mark.parametrize(
    ("stdout", "status"),
    [
        ('{"kind": "Status", "code": 403}', 403),
        ('HTTP/2 401\n\n{\n  "kind": "Status",\n  "message": "Unauthorized"\n}', 401),
        ('{"kind":"ServiceList","items":[]}', 200),
        ("bash: curl: command not found", None),
        ("", None),
    ],
)
def test_a_curl_in_a_pod_tells_its_status(stdout: str, status: int | None) -> None:
    assert curl_status(stdout) == status


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://127.0.0.1:6443", ("127.0.0.1", 6443)),
        ("https://localhost:6443/", ("127.0.0.1", 6443)),
        ("127.0.0.1:6443", ("127.0.0.1", 6443)),
        ("https://10.96.0.1", ("10.96.0.1", 443)),
        ("http://10.96.0.1", ("10.96.0.1", 80)),
        ("https://host:port", None),
        ("", None),
    ],
)
def test_addresses_as_people_write_them(text: str, found: tuple[str, int] | None) -> None:
    assert address(text) == found


@pytest.mark.parametrize(
    ("status", "why"),
    [(403, "the server said 403: you may not"), (503, "the server said 503: it restarts")],
)
def test_a_server_that_does_not_answer_is_no_proof_that_a_pod_is_missing(
    tmp_path: Path, status: int, why: str
) -> None:
    paper = Paper(tmp_path)
    path = "/api/v1/namespaces/default/pods/curl"
    paper.answers[path] = Answer(status, {"message": why.partition(": ")[2]})
    outcome = paper.check("W5")
    assert (outcome.state, outcome.kind) == ("failed", "cluster-silent")
    assert outcome.seen == f"The cluster could not be asked for {path}: {why}"


def test_an_unanswered_review_is_no_verdict_on_a_binding(tmp_path: Path) -> None:
    paper = Paper(tmp_path)
    paper.answers[REVIEWS] = Answer(429, {"message": "too many requests"})
    outcome = paper.check("W17")
    assert outcome.kind == "cluster-silent"
    assert "too many requests" in outcome.seen
    assert outcome.hint == "See how the cluster is doing: lab.status()."


def test_a_learner_confined_to_namespaces_gets_verdicts(tmp_path: Path) -> None:
    paper = Paper(tmp_path)
    paper.answers["/api/v1/pods"] = Answer(403, {"message": "no"})
    assert paper.check("W5").state == "not attempted"
