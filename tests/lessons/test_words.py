"""The texts for learners except outcomes, word for word: lessons, board, help, predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labkit import lessons
from labkit.client.prefix import Names
from labkit.core.errors import UsageError
from labkit.lessons.base import CheckContext, failed, passed
from labkit.lessons.predictions import (
    NAME,
    SAME_OR_NOT,
    USER,
    YES_OR_NO,
    decisions,
    is_user,
    with_status,
)
from labkit.lessons.prepared import is_prepared
from labkit.lessons.progress import EXPORT, Progress
from labkit.lessons.steps import Step
from labkit.lessons.variants import CHANGES, FROM_SECRET, cells
from tests.lessons.paper import Answer, Paper, account, by_lab, pod
from tests.support.course import MISSING, NO_STEP, PARTS, TOTAL


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    """Provide empty progress at a fixed time, 1000 s after the epoch."""
    return Progress(tmp_path / "progress.json", clock=lambda: 1000.0)


def refusal(act: Any, *arguments: object) -> str:
    """Return an error's text and its way out."""
    with pytest.raises(UsageError) as error:
        act(*arguments)
    return f"{error.value.what} {error.value.todo}"


# -- lessons and steps ------------------------------------------------------------------------


def test_the_lessons_have_titles_and_a_line_each() -> None:
    assert [(each.notebook, each.title, each.subtitle) for each in lessons.LESSONS] == [
        (
            "01-api-server.ipynb",
            "The API server",
            "Everything in a cluster goes through one server.",
        ),
        (
            "02-inside-a-pod.ipynb",
            "The API from inside a pod",
            "What a container is given, so that it can talk to the cluster it runs in.",
        ),
        (
            "03-service-accounts.ipynb",
            "Authentication and service accounts",
            "How a process in a pod says who it is.",
        ),
        ("04-roles.ipynb", "Roles and role bindings", "Who may do what, in one namespace."),
        (
            "05-cluster-roles.ipynb",
            "Cluster roles and cluster role bindings",
            "Who may do what, everywhere.",
        ),
        (
            "06-test-the-policy.ipynb",
            "Test the policy",
            "A policy is code: ask it, break it, and find out what it is for.",
        ),
    ]
    assert [each.minutes for each in lessons.LESSONS] == [
        sum(step.minutes for step in (*each.steps, *each.asides)) for each in lessons.LESSONS
    ]


def test_a_step_that_is_not_there_is_refused() -> None:
    assert refusal(lessons.find, MISSING) == NO_STEP


def test_the_board_has_a_line_for_each_lesson_and_step(progress: Progress) -> None:
    empty = lessons.board(progress)
    assert (empty.passed, empty.title, empty.card().tone) == (
        [],
        f"0 of {TOTAL} steps passed",
        "plain",
    )
    progress.predict("W2", "x")
    progress.mark("W2", "passed", guessed=True)
    progress.mark("W1", "passed", guessed=None)
    progress.mark("W3", "failed")
    progress.mark("W4", "passed")
    progress.mark("W16", "passed", guessed=False)
    board = lessons.board(progress)
    assert board.passed == ["W1", "W2", "W4", "W16"]
    assert (board.title, board.card().tone) == (
        f"4 of {TOTAL} steps passed, 1 of 2 first guesses right",
        "good",
    )
    lines = [(row.label, row.value) for row in board.card().rows]
    assert len(lines) == PARTS + TOTAL
    assert lines[:5] == [
        ("01", "The API server: 3 of 4"),
        ("  W1", "✔ passed · Find the API server"),
        ("  W2", "✔ passed, right at first · Knock without credentials"),
        ("  W3", "✘ not yet · Let a proxy carry the credentials"),
        ("  W4", "✔ passed · List what the server serves"),
    ]
    page = board._repr_html_()
    for text in (
        f"4 of {TOTAL} steps passed, 1 of 2 first guesses right",
        "✘&nbsp;not yet",
        "•&nbsp;not attempted",
        "04-roles.ipynb",
    ):
        assert text in page


def test_hints_are_counted_and_say_what_comes_next(progress: Progress) -> None:
    one, two, three = lessons.find("W17").hints
    given = [lessons.hint("w17", progress) for _ in range(4)]
    assert [(each.title, each.text, each.then) for each in given] == [
        ("W17 hint 1 of 3", one, 'hint("W17") says more.'),
        ("W17 hint 2 of 3", two, 'hint("W17") says more.'),
        ("W17 hint 3 of 3", three, 'solution("W17") shows all.'),
        ("W17 hint 3 of 3", three, 'solution("W17") shows all.'),
    ]
    assert [(row.label, row.value) for row in given[0].card().rows] == [
        ("hint", one),
        ("then", given[0].then),
    ]
    assert progress.entry("W17") == {"hints": 3}


def test_a_solution_is_manifests_or_code_and_the_way_in_a_terminal(progress: Progress) -> None:
    made = lessons.solution("W24", progress)
    assert (made.title, made.then) == (
        "W24 solution: See every pod",
        "Any other way that works passes too.",
    )
    guess, _, begin, *_, end = made.text.partition("\n\n# Or in a terminal:\n")[0].splitlines()
    guessed = 'predict("W24", {"pods before": "forbidden", "secrets after": "forbidden"})'
    assert (guess, begin, end) == (guessed, 'lab.apply("""', '""")')
    assert "#" not in made.text.partition("\n\n# Or in")[0], "no comments of the files"
    assert "---" not in made.text, "one object"
    terminal = made.text.partition("# Or in a terminal:\n")[2].splitlines()
    assert terminal == [f"# {line}" for line in lessons.find("W24").kubectl.splitlines()]
    card = made.card()
    assert [(row.label, row.value) for row in card.rows] == [
        ("note", "Any other way that works passes too.")
    ]
    assert "kind: Secret" not in lessons.solution("W10", progress).text, "which is an experiment"
    assert lessons.solution("W14", progress).text.count("\n---\n") == 3
    assert "lab.apply" in lessons.solution("W17", progress).text
    assert "me.delete" in lessons.solution("W17", progress).text, "it asks, too"
    assert lessons.solution("W15", progress).text.startswith(lessons.worked()["W15"]["solution"])
    assert progress.entry("W24") == {"solution_shown": True}


def test_a_solution_has_no_experiments_unless_there_is_nothing_else(progress: Progress) -> None:
    tried = {
        step.id
        for step in lessons.STEPS.values()
        if "lab.apply" in lessons.solution(step.id, progress).text
    }
    assert {"W5", "W10", "W11", "W14", "W16", "W17", "W18", "W20", "W22", "W23", "W24"} <= tried


# -- predictions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "said", "text"),
    [
        (
            decisions(),
            "maybe",
            '“maybe” is no possible answer to W0. Predict "allowed", "forbidden" or "unauthorized".',
        ),
        (
            decisions(),
            {"a": "no"},
            '“{\'a\': \'no\'}” is no possible answer to W0. Predict "allowed", "forbidden" or "unauthorized".',
        ),
        (
            decisions("a", "b"),
            {"b": "x" * 61},
            f"“{'x' * 59}…” is no possible answer to W0. "
            'Predict "allowed", "forbidden" or "unauthorized" for each of "a" or "b".',
        ),
        (
            decisions("a", "b"),
            {"c": "no", "a": "no"},
            'W0 has no question “c”. It asks: "a" or "b".',
        ),
        (decisions("a"), {"x" * 60: "no"}, f'W0 has no question “{"x" * 60}”. It asks: "a".'),
        (
            USER,
            "a b",
            "“a b” is no answer to W0. Predict a user name, such as system:serviceaccount:NAMESPACE:NAME.",
        ),
        (
            USER,
            7,
            "“7” is no answer to W0. Predict a user name, such as system:serviceaccount:NAMESPACE:NAME.",
        ),
        (NAME, "a b", "“a b” is no answer to W0. Predict a name."),
        (YES_OR_NO, "perhaps", '“perhaps” is no possible answer to W0. Predict "yes" or "no".'),
        (
            SAME_OR_NOT,
            "perhaps",
            '“perhaps” is no possible answer to W0. Predict "identical" or "different".',
        ),
    ],
)
def test_what_is_no_answer_is_refused_in_words(act: Any, said: object, text: str) -> None:
    assert refusal(act.read, "W0", said) == text


WORDS = {
    "allowed": "allowed allow yes y ok 200 201 true can works permitted success",
    "forbidden": "forbidden forbid denied deny no n 403 false refused cannot",
    "unauthorized": "unauthorized unauthorised unauthenticated 401",
}


@pytest.mark.parametrize(
    ("word", "said"),
    [(word, each) for word, said in WORDS.items() for each in [*said.split(), f" {word.upper()} "]],
)
def test_each_decision_has_many_words(word: str, said: str) -> None:
    assert decisions().read("W15", said) == word
    assert decisions("a", "B").read("W15", {" b ": said}) == {"B": word}
    assert decisions("a", "b").read("W15", said) == {"a": word, "b": word}


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("200 ok", "allowed"),
        ("403 forbidden", "forbidden"),
        ("401 unauthorized", "unauthorized"),
        ("not authenticated", "unauthorized"),
    ],
)
def test_a_decision_may_be_two_words(said: str, word: str) -> None:
    assert decisions().read("W15", said) == word


@pytest.mark.parametrize(
    ("prediction", "word", "said"),
    [
        (YES_OR_NO, "yes", ["yes", "y", True, 1, "one", "a secret", "Secret"]),
        (YES_OR_NO, "no", ["no", "n", None, 0, False, "never", "nothing", []]),
        (SAME_OR_NOT, "identical", ["identical", "same", "equal", "the same", True, "yes"]),
        (
            SAME_OR_NOT,
            "different",
            ["different", "differ", "not identical", "not the same", "unequal", False, "no"],
        ),
    ],
)
def test_other_questions_have_their_own_words(
    prediction: Any, word: str, said: list[object]
) -> None:
    assert [prediction.read("W10", each) for each in said] == [word] * len(said)


@pytest.mark.parametrize(
    ("said", "is_one"),
    [
        ("system:serviceaccount:default:kikai", True),
        ("default/kikai", True),
        (" default:kikai ", True),
        ("ann@example.org", True),
        ("system:anonymous", True),
        ("a/b/c", False),
        ("two words", False),
        ("", False),
        ("-a:b", False),
    ],
)
def test_a_user_has_a_name_of_a_certain_form(said: str, is_one: bool) -> None:
    if is_one:
        assert USER.read("W8", said) == said.strip()
    else:
        refusal(USER.read, "W8", said)


@pytest.mark.parametrize(
    "said",
    ["system:serviceaccount:default:kikai", "default:kikai", "default/kikai", " default/kikai "],
)
def test_an_account_may_be_said_in_short(said: str) -> None:
    user = "system:serviceaccount:default:kikai"
    assert is_user(Names(), said, user)
    assert not is_user(Names(), said, f"{user}x")
    assert is_user(Names("ann"), said, "system:serviceaccount:ann-default:kikai")
    assert not is_user(Names(), "kikai", user)


def test_a_decision_has_its_status() -> None:
    said = [with_status(each) for each in ("allowed", "forbidden", "unauthorized")]
    assert said == ["allowed", "403 forbidden", "401 unauthorized"]


@pytest.mark.parametrize(
    ("step", "said", "line"),
    [
        ("w15", "no", "W15 noted: forbidden"),
        ("W2", {"no token": "no"}, "W2 noted: no token: forbidden"),
        ("W19", "no", "W19 noted: kikai: forbidden; darbo: forbidden"),
        ("W1", {"a", "b"}, "W1 noted: ['a', 'b']"),
        ("W1", 7, "W1 noted: 7"),
    ],
)
def test_a_prediction_is_noted_in_a_line(
    progress: Progress, step: str, said: object, line: str
) -> None:
    noted = lessons.predict(step, said, progress)
    assert noted.card().title == line
    assert noted.card().rows == []
    kept = progress.entry(step)
    assert kept["first_guess"] == {"value": kept["prediction"], "at": 1000.0}


def test_what_cannot_be_kept_is_refused(progress: Progress) -> None:
    text = "A value of the type object cannot be kept for a step. "
    text += 'Give text, a number, a list or a dict, such as "forbidden".'
    assert refusal(lessons.predict, "W1", object(), progress) == text
    assert refusal(lessons.record, "W1", object(), progress) == text
    circle: list[object] = []
    circle.append(circle)
    assert refusal(lessons.record, "W1", circle, progress).startswith(
        "A value of the type list cannot"
    )
    assert progress.all() == {}


# -- the progress ----------------------------------------------------------------------------


def test_a_check_keeps_what_it_said(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: Any = None
    context = CheckContext(nothing, nothing, nothing, nothing, progress)
    monkeypatch.setitem(
        lessons.STEPS, "W15", Step("W15", "A title", 1, lambda _: passed("yes"), ("", "", ""))
    )
    assert lessons.check("w15", context).title == "A title"
    assert progress.entry("W15") == {
        "attempts": 1,
        "state": "passed",
        "seen": "yes",
        "kind": "",
        "guessed": None,
        "passed_at": 1000.0,
    }


def test_a_guess_is_not_judged_before_the_step_is_passed(
    progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing: Any = None
    context = CheckContext(nothing, nothing, nothing, nothing, progress)
    monkeypatch.setitem(
        lessons.STEPS,
        "W15",
        Step("W15", "", 1, lambda _: failed("missing-part", "no", "yes", "").outcome, ("", "", "")),
    )
    lessons.check("W15", context)
    kept = {"attempts": 1, "state": "failed", "seen": "no", "kind": "missing-part"}
    assert progress.entry("W15") == kept


@pytest.mark.parametrize(
    ("guess", "later", "asked_at", "guessed"),
    [
        ("a", "a", 0.0, True),
        ("a", "a", 1000.0, True),
        ("a", "a", 1000.5, True),
        ("a", "a", 999.5, False),
        ("b", "a", 0.0, False),
        ("b", "a", 1000.5, False),
    ],
)
def test_a_first_guess_is_right_if_it_came_first(
    progress: Progress,
    monkeypatch: pytest.MonkeyPatch,
    guess: str,
    later: str,
    asked_at: float,
    guessed: bool,
) -> None:
    nothing: Any = None
    context = CheckContext(nothing, nothing, nothing, nothing, progress)
    step = Step("W15", "A title", 1, lambda _: passed("yes", asked_at=asked_at), ("", "", ""))
    monkeypatch.setitem(lessons.STEPS, "W15", step)
    progress.predict("W15", guess)
    progress.predict("W15", later)
    lessons.check("W15", context)
    assert progress.entry("W15")["guessed"] is guessed


def test_attempts_are_counted(progress: Progress) -> None:
    for state in ("not attempted", "failed", "failed", "not attempted"):
        progress.mark("w1", state, seen=state)
    assert progress.entry("W1") == {
        "attempts": 2,
        "state": "not attempted",
        "seen": "not attempted",
    }
    assert (progress.passed("W1"), progress.state("w1"), progress.state("W2")) == (
        False,
        "not attempted",
        "not attempted",
    )


def test_records_and_predictions_are_kept_by_step(progress: Progress) -> None:
    assert (progress.prediction("W1"), progress.records("W1"), progress.entry("W1")) == (
        None,
        [],
        {},
    )
    progress.record("w1", {"value": 1})
    progress.note("w1", hints=2)
    assert progress.records("W1") == [{"value": 1, "at": 1000.0}]
    assert progress.all() == {"W1": {"records": [{"value": 1, "at": 1000.0}], "hints": 2}}
    assert progress.path.read_text(encoding="utf-8").startswith('{\n "version": 1,\n "steps": {\n')
    assert progress.path.read_text(encoding="utf-8").endswith("}\n")
    progress.predict("w2", "é")
    assert "é" in progress.path.read_text(encoding="utf-8")
    progress.path.write_text('{"steps": []}', encoding="utf-8")
    assert progress.all() == {}


def test_an_export_has_passes_and_first_guesses_only(progress: Progress, tmp_path: Path) -> None:
    progress.predict("w1", "token=abc")
    progress.mark("W1", "passed", seen="x", guessed=True)
    progress.mark("W2", "failed", seen="x")
    progress.predict("W3", "no")
    exported = progress.exported()
    there = Progress(tmp_path / "there.json", clock=lambda: 2000.0)
    there.add(exported)
    guess = {"value": progress.entry("W1")["first_guess"]["value"], "at": 1000.0}
    assert there.all() == {
        "W1": {"state": "passed", "passed_at": 1000.0, "first_guess": guess},
        "W3": {"first_guess": {"value": "no", "at": 1000.0}},
    }


def test_an_export_replaces_nothing_that_is_kept(progress: Progress, tmp_path: Path) -> None:
    progress.predict("W1", "there")
    progress.mark("W1", "passed")
    progress.mark("W2", "passed")
    here = Progress(tmp_path / "here.json", clock=lambda: 2000.0)
    here.predict("W1", "here")
    here.mark("W1", "failed", seen="x")
    here.mark("W2", "passed", seen="y")
    here.note("W4", hints=1)
    here.add(progress.exported())
    own = here.all()
    assert (own["W1"]["state"], own["W1"]["passed_at"], own["W1"]["seen"]) == (
        "passed",
        1000.0,
        "x",
    )
    assert own["W1"]["first_guess"] == {"value": "here", "at": 2000.0}
    assert (own["W2"]["passed_at"], own["W2"]["seen"]) == (2000.0, "y")
    assert own["W4"] == {"hints": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *(
            (text, "This is no exported progress. Give an export, or a file of saved work.")
            for text in (
                "",
                "[]",
                "{}",
                f'{{"{EXPORT}": 1}}',
                f'{{"{EXPORT}": 1, "steps": []}}',
                f'{{"{EXPORT}": 1, "steps": {{"W1": 7}}}}',
            )
        ),
        (
            f'{{"{EXPORT}": 2, "steps": {{}}}}',
            "A newer labkit exported this progress. Update labkit here.",
        ),
    ],
)
def test_what_is_no_export_is_refused(progress: Progress, text: str, said: str) -> None:
    assert refusal(progress.add, text) == said
    assert progress.all() == {}


def test_steps_are_forgotten_by_name_or_all_at_once(progress: Progress) -> None:
    for step in ("W1", "W2", "W3"):
        progress.note(step, hints=1)
    progress.forget("w1", "w3", "w9")
    assert list(progress.all()) == ["W2"]
    progress.forget()
    assert progress.all() == {}


# -- the lab's own objects, other clusters ------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "made"), [("W1", False), ("W4", False), ("W5", True), ("W24", True), ("x", True)]
)
def test_what_the_lab_made_for_a_step_or_a_later_one_is_no_learner_s_work(
    step: str, made: bool
) -> None:
    assert is_prepared(by_lab(pod("a"), step), "W5") is made
    assert is_prepared(pod("a"), "W5") is False
    assert is_prepared({}, "W5") is False


OLD_SECRET = [{"name": "default-token-x"}]
OLD_VOLUMES = [{"name": "a"}, {"secret": {"secretName": "kikai-token-x"}}]


@pytest.mark.parametrize("old", [False, True])
def test_solved_cells_are_adapted_to_the_cluster(tmp_path: Path, old: bool) -> None:
    paper = Paper(tmp_path)
    secrets = OLD_SECRET if old else [{"name": "x-default-token-"}]
    paper.add(account("default", "default", secrets=[{}, *secrets]))
    paper.add(
        pod("curl-custom-sa", volumes=OLD_VOLUMES if old else [{"secret": {"secretName": "a"}}])
    )
    stranger: Any = Stranger(401 if old else 403)
    admin: Any = paper
    nothing: Any = None
    context = CheckContext(admin, nothing, lambda: stranger, nothing, paper.progress)
    for step, (_, changes) in CHANGES.items():
        worked = [*changes, "other"]
        assert cells(step, worked, context) == ([*changes.values(), "other"] if old else worked), (
            step
        )
    assert cells("W1", ["as it was"], context) == ["as it was"]
    if old:
        assert cells("W12", ['own = lab.token("default/kikai")'], context) == [FROM_SECRET]
        assert cells("W2", ['{"no token": "forbidden"}'], context) == [
            '{"no token": "unauthorized"}'
        ]
        assert cells("W7", ['predict("W7", "forbidden")'], context) == [
            'predict("W7", "unauthorized")'
        ]
        assert cells("W10", ['predict("W10", "no")'], context) == ['predict("W10", "yes")']


@pytest.mark.parametrize("status", [403, 404])
def test_where_nothing_is_there_nothing_is_adapted(tmp_path: Path, status: int) -> None:
    paper = Paper(tmp_path)
    for path in ("serviceaccounts/default", "pods/curl-custom-sa"):
        paper.answers[f"/api/v1/namespaces/default/{path}"] = Answer(status, {"message": "no"})
    admin: Any = paper
    nothing: Any = None
    context = CheckContext(admin, nothing, nothing, nothing, paper.progress)
    for step in ("W10", "W12"):
        assert cells(step, list(CHANGES[step][1]), context) == list(CHANGES[step][1])


class Stranger:
    """A server that answers every request with one status."""

    def __init__(self, status: int) -> None:
        self._status = status

    def get(self, _path: str) -> Answer:
        """Return an answer."""
        return Answer(self._status, {})
