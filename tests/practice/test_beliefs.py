"""The wrong ideas, and the pool of questions that tells them apart."""

from __future__ import annotations

import gzip
import json
from random import Random

import pytest

from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.objects import Object
from kube_embedded.tests.support.cluster import ClusterApi
from labkit.core.yaml_file import read_yaml
from labkit.lessons import STEPS
from labkit.lessons.asides import ASIDES
from labkit.lessons.mistakes import mistakes
from labkit.practice import pool as stored
from labkit.practice.chooser import TRAITS
from labkit.practice.pool import PATH, pool
from labkit.rbac.explain import grants
from tools.drill import traits
from tools.drill.__main__ import SEED, chosen, questions
from tools.drill.authorizers import AUTHORIZERS, answers, truth
from tools.drill.policies import Draft, draft

IDEAS = read_yaml(stored.__file__, "beliefs.yaml")


def test_each_idea_has_an_authorizer_a_step_and_a_kind_of_mistake() -> None:
    assert list(IDEAS) == list(AUTHORIZERS)
    assert len(IDEAS) >= 15
    for idea in IDEAS.values():
        assert idea["mistake"] in mistakes()
        assert idea["step"] in STEPS or idea["step"] in ASIDES
        assert idea["source"].startswith("https://kubernetes.io/docs/")


def test_no_two_ideas_answer_alike() -> None:
    asked = pool()["questions"]
    for number in range(len(IDEAS)):
        for other in range(number):
            differing = [
                each for each in asked if (number in each["wrong"]) != (other in each["wrong"])
            ]
            assert len(differing) > 40, (number, other)


def test_the_pool_is_small_and_each_question_there_once() -> None:
    text = PATH.read_bytes()
    assert len(gzip.compress(text)) < 300_000
    asked = pool()["questions"]
    assert len(asked) >= 30 * 30
    assert len({(each["text"], each["ask"], each.get("note")) for each in asked}) == len(asked)
    assert len({each["id"] for each in asked}) == len(asked)
    assert all(each["text"].count("\n") < 12 and len(set(each["why"])) == 3 for each in asked)
    assert all(each["wrong"] or each["traits"] for each in asked)
    assert {number for each in asked for number in each["traits"]} == set(range(TRAITS))
    assert 0.3 < sum(each["allowed"] for each in asked) / len(asked) < 0.7
    assert {each["form"] for each in asked} == {"YAML", "kubectl", "graph"}


def test_before_and_after_are_ten_questions_of_the_same_kinds() -> None:
    sets = {
        name: sorted(
            (each["allowed"], each["wrong"])
            for each in pool()["questions"]
            if each.get("set") == name
        )
        for name in ("before", "after")
    }
    assert sets["before"] == sets["after"]
    assert len(sets["before"]) == 10
    assert len({number for _, wrong in sets["before"] for number in wrong}) >= 13


def test_each_idea_has_two_counter_examples_that_are_about_it_alone() -> None:
    by_id = {each["id"]: each for each in pool()["questions"]}
    for number, idea in enumerate(pool()["beliefs"]):
        assert len(idea["examples"]) == 2
        assert all(by_id[each]["wrong"] == [number] for each in idea["examples"])


@pytest.mark.slow
def test_the_same_seed_makes_the_same_questions() -> None:
    assert json.dumps(questions(3, 60), default=str) == json.dumps(questions(3, 60), default=str)
    assert json.dumps(questions(3, 60), default=str) != json.dumps(questions(4, 60), default=str)
    assert all(each["wrong"] or each["traits"] for each in chosen(1, questions(3, 2000)))


def test_the_chooser_knows_how_many_traits_there_are() -> None:
    assert len(traits.TRAITS) == TRAITS


def compare_with_a_server(drafts: int, seed: int) -> None:
    """The truths of these drafts agree with the answers of an embedded server with their policies."""
    r = Random(seed)
    api = ClusterApi()
    for _ in range(drafts):
        drawn = draft(r)
        right = truth(drawn.policy, drawn.question)
        assert right == any(grants(drawn.policy, drawn.question))
        assert right == served(api, drawn), drawn


def served(api: ClusterApi, drawn: Draft) -> bool:
    """Return the server's answer; its policy is deleted afterwards."""
    paths = []
    for obj in drawn.objects:
        metadata = obj["metadata"]
        place = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
        path = f"/apis/rbac.authorization.k8s.io/v1{place}/{obj['kind'].lower()}s"
        if place:
            api.admin.post("/api/v1/namespaces", {"metadata": {"name": metadata["namespace"]}})
        assert api.admin.post(path, dict(obj)).status == 201
        paths.append(f"{path}/{metadata['name']}")
    reply = api.admin.post(
        "/apis/authorization.k8s.io/v1/subjectaccessreviews", review(drawn.question)
    )
    for path in paths:
        assert api.admin.delete(path).status == 200
    return bool(reply.body["status"]["allowed"])


def review(question: Attributes) -> Object:
    """The question as a SubjectAccessReview."""
    asked = {
        key: getattr(question, key)
        for key in ("verb", "group", "resource", "subresource", "namespace", "name")
    }
    return {
        "spec": {
            "user": question.user.name,
            "groups": list(question.user.groups),
            "resourceAttributes": asked,
        }
    }


def test_generated_truths_equal_the_servers_answers() -> None:
    compare_with_a_server(150, 1)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2000, pytest.param(20_000, marks=pytest.mark.soak)])
def test_thousands_of_generated_truths_equal_the_servers_answers(count: int) -> None:
    compare_with_a_server(count, 2)


def test_the_pool_keeps_what_each_authorizer_answers() -> None:
    known = {each["id"]: each for each in pool()["questions"]}
    same = 0
    for question in questions(SEED, 1200):
        if kept := known.get(question["id"]):
            drawn = question["draft"]
            right = truth(drawn.policy, drawn.question)
            wrong = [
                number
                for number, answer in enumerate(answers(drawn.policy, drawn.question).values())
                if answer != right
            ]
            assert (kept["allowed"], kept["wrong"]) == (right, wrong)
            same += 1
    assert same > 20
