"""Any input of a learner gives a value, or an error with a sentence and a way out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_embedded.tests.support.properties import examples
from labkit import Lab, check, exercise, hint, predict, solution
from labkit.core.errors import LabkitError, UsageError
from labkit.grading.exercises.exercise import Exercise
from labkit.lab import current

HABITS = (
    "pod/curl",
    "pods/kikai/test",
    "-n kikai test",
    "test -n kikai",
    "--namespace=kikai test",
    "-nkikai test",
    "kikai test",
    "kikai:default",
    "system:serviceaccount:kikai:default",
    "sa/default",
    "deploy/curl",
    "kikai/test -c main",
    "Kikai/Test",
    "kubectl get pods",
    "get pods -n",
    "exec 'a -- b' -- c",
    "~nobody/role.yaml",
    "role.yaml",
    "../../etc/passwd",
    "04-roles/../..",
    "W99",
    "w 1",
    "W1\n",
    "W³",
    "４",
    "eyJ.eyJ.x",
    "eyJhbGciOi",
    "Bearer eyJhbGciOi.eyJhbGciOi.abc",
    "b'eyJhbGciOi'",
    "ZXlKaGJHY2lPaQ==",
    "a: [",
    "a:\n\tb: c",
    "a: &a [*a]",
    "[" * 5000,
    "kind: Pod\napiVersion: v1\nmetadata: {name: x}\nspec: 2024-01-01",
    "kind: Pod\napiVersion: v1\nmetadata: {name: [x]}",
    "kind: Pod\napiVersion: v1\nmetadata: {name: x, namespace: {a: b}}",
    "kind: Pod\napiVersion: v1\nmetadata: {name: x, labels: !!binary aGk=}",
    "kind: [Pod]\napiVersion: {v1: 1}\nmetadata: {name: x}",
    "kind: Pod\napiVersion: a/b/c\nmetadata: {name: x}",
    "kind: List\napiVersion: v1\nitems: 5",
    "",
    " ",
    "/",
    "//",
    "\0",
    "a\0b",
    "kikai/\ud800",
    "한글/토큰",
    "🦆",
    "x" * 100_000,
    "x/" * 50_000,
    "%2e%2e/%00",
    "{{7*7}}",
    "'",
    '"',
    "$(",
    "\\",
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**5000),
    st.floats(),
    st.binary(max_size=20),
    st.just(b"kikai/test"),
    st.text(max_size=30),
    st.text(st.characters(), max_size=30),
    st.sampled_from(HABITS),
    st.builds(object),
    st.just(str),
    st.just(...),
    st.lists(
        st.one_of(st.none(), st.integers(), st.text(max_size=5), st.binary(max_size=5)), max_size=3
    ),
    st.sets(st.text(max_size=5), max_size=3),
    st.dictionaries(
        st.one_of(st.text(max_size=5), st.integers(), st.tuples(st.text(max_size=2))),
        st.text(max_size=5),
    ),
    st.builds(lambda: iter(["ls"])),
)
"""Wrong types, odd strings, kubectl's habits."""

NAMES = st.sampled_from(["x", "view", "kikai", "pv-reader"])
HEADS = st.fixed_dictionaries(
    {
        "apiVersion": st.sampled_from(["v1", "rbac.authorization.k8s.io/v1"]),
        "kind": st.sampled_from(["ConfigMap", "Pod", "RoleBinding", "ClusterRoleBinding", "Role"]),
        "metadata": st.fixed_dictionaries({"name": NAMES}, optional={"namespace": NAMES}),
    }
)
ODD_HEADS = st.fixed_dictionaries(
    {
        "apiVersion": st.one_of(st.just("v1"), ODD),
        "kind": st.one_of(st.just("Pod"), ODD),
        "metadata": st.one_of(
            ODD, st.fixed_dictionaries({"name": ODD}, optional={"namespace": ODD, "labels": ODD})
        ),
    }
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "data": ODD,
        "roleRef": st.one_of(
            ODD, st.fixed_dictionaries({"kind": st.just("ClusterRole"), "name": ODD})
        ),
        "subjects": st.one_of(
            ODD, st.lists(st.fixed_dictionaries({"kind": ODD, "namespace": ODD}), max_size=2)
        ),
        "rules": ODD,
        "spec": st.one_of(
            ODD,
            st.fixed_dictionaries({"containers": ODD}),
            st.fixed_dictionaries(
                {
                    "containers": st.lists(
                        st.fixed_dictionaries({"image": ODD}), min_size=1, max_size=2
                    )
                }
            ),
        ),
    },
)
MANIFEST = st.builds(lambda head, body: {**head, **body}, st.one_of(HEADS, ODD_HEADS), BODIES)
"""Objects, or nearly."""

STEPS = ("W1", "W2", "W6", "W7", "W9", "W12", "W13", "W15", "W16", "W19")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab("embedded", home=tmp_path_factory.mktemp("input") / "home", say=lambda _line: None)
    lab.rewind("W15")
    yield lab
    lab.stop()


@pytest.fixture(scope="module")
def guest(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Provide a learner on a shared cluster, where the lab changes names and images in requests."""
    home = tmp_path_factory.mktemp("guest") / "home"
    return Lab(
        "existing",
        kubeconfig=lab.kubeconfig,
        prefix="ann",
        home=home,
        force=True,
        say=lambda _line: None,
    )


@pytest.fixture(scope="module")
def paper(lab: Lab) -> Exercise:
    made: Exercise = exercise(lab, "ex4-roles", "ann")
    return made.start()


def answers(call: Callable[..., object], *args: object, **named: object) -> None:
    """Make a call, which can fail with an error of labkit that has a way out."""
    said = ""
    try:
        assert repr(call(*args, **named)) is not None
    except LabkitError as error:
        said = str(error)
    assert not said or "\n  try: " in said, said
    assert len(said) < 4000


def _is_no_step(value: object) -> bool:
    """Return whether a value is not a step: rewinds to existing steps are slow, and have tests elsewhere."""
    return not isinstance(value, int) and re.fullmatch(r"\W*[Ww]?\d{1,2}\W*", str(value)) is None


WORDS: dict[str, Callable[[Lab], Callable[..., object]]] = {
    "check": lambda _lab: check,
    "hint": lambda _lab: hint,
    "solution": lambda _lab: solution,
    "apply": lambda lab: lab.apply,
    "prepare": lambda lab: lab.prepare,
    "token": lambda lab: lab.token,
    "pod_token": lambda lab: lab.pod_token,
    "wait": lambda lab: lab.wait,
    "logs": lambda lab: lab.logs,
    "as_pod": lambda lab: lab.as_pod,
    "as_service_account": lambda lab: lab.as_service_account,
    "rewind": lambda lab: lambda step: lab.rewind(step) if _is_no_step(step) else "",
    "proxy": lambda lab: lambda port: lab.proxy(port).close(),
    "get": lambda lab: lab.admin.get,
}


@pytest.mark.parametrize("word", WORDS)
@given(value=ODD)
@settings(max_examples=examples(150))
def test_one_argument_of_any_kind(lab: Lab, word: str, value: object) -> None:
    current.use(lab)
    answers(WORDS[word](lab), value)


@pytest.mark.parametrize("word", WORDS)
def test_every_odd_string(lab: Lab, word: str) -> None:
    current.use(lab)
    for value in HABITS:
        answers(WORDS[word](lab), value)


@pytest.mark.parametrize("word", [word for word in WORDS if word not in ("rewind", "proxy", "get")])
@given(values=st.lists(ODD, max_size=4))
@settings(max_examples=30)
def test_any_number_of_arguments(lab: Lab, word: str, values: list[object]) -> None:
    current.use(lab)
    answers(WORDS[word](lab), *values)


@given(value=ODD)
@settings(max_examples=examples(150))
def test_a_token_is_sent_or_refused(lab: Lab, value: Any) -> None:
    answers(lambda: lab.as_token(value).get("/api"))


@given(
    step=st.one_of(st.sampled_from(STEPS), ODD),
    value=st.one_of(ODD, st.dictionaries(st.text(max_size=5), ODD)),
)
@settings(max_examples=examples(300))
def test_what_is_predicted_or_recorded_can_be_checked(lab: Lab, step: Any, value: Any) -> None:
    current.use(lab)
    lab.progress.forget()
    answers(predict, step, value)
    answers(lab.record, step, value)
    answers(check, step)


@given(
    pod=st.one_of(st.just("kikai/test"), ODD), command=ODD, container=ODD, stdin=ODD, seconds=ODD
)
@settings(max_examples=examples(200))
def test_any_command(
    lab: Lab, pod: Any, command: Any, container: Any, stdin: Any, seconds: Any
) -> None:
    answers(lab.exec, pod, command)
    answers(lab.exec, "kikai/test", "true", container=container)
    answers(lab.exec, "kikai/test", "cat", stdin=stdin)
    answers(lab.exec, "kikai/test", "true", timeout_seconds=seconds)
    answers(lab.wait, "kikai/test", seconds)
    answers(lab.logs, "kikai/test", container)


@given(what=st.one_of(MANIFEST, st.lists(st.one_of(MANIFEST, ODD), max_size=3)))
@settings(max_examples=examples(200))
def test_any_object(lab: Lab, what: Any) -> None:
    answers(lab.apply, what)


@given(what=MANIFEST)
@settings(max_examples=examples(200))
def test_any_object_on_a_shared_cluster(guest: Lab, what: Any) -> None:
    answers(guest.apply, what)


@given(line=ODD)
@settings(max_examples=40)
def test_any_line_of_kubectl(lab: Lab, line: Any) -> None:
    answers(lab.kubectl, line)


@given(first=ODD, name=st.one_of(st.just("ex4-roles"), ODD), me=ODD, rest=st.lists(ODD, max_size=1))
@settings(max_examples=examples(150))
def test_an_exercise_of_any_name(
    lab: Lab, first: Any, name: Any, me: Any, rest: list[object]
) -> None:
    answers(exercise, lab, name, me, *rest)
    answers(exercise, first, name, me)
    answers(exercise, first)


@pytest.mark.parametrize("word", ["show", "check", "start"])
@given(task=st.lists(ODD, max_size=2))
@settings(max_examples=60)
def test_a_task_of_any_name(paper: Exercise, word: str, task: list[object]) -> None:
    answers(getattr(paper, word), *task)


@given(values=st.lists(ODD, min_size=1, max_size=2))
@settings(max_examples=10)
def test_a_score_takes_nothing(paper: Exercise, values: list[object]) -> None:
    with pytest.raises(UsageError, match=r"\(\) got the wrong arguments"):
        paper.score(*values)
