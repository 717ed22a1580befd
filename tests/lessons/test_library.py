"""The lessons' manifests: found by name, and in the order of the steps that create them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kube_embedded.tests.support.some import some
from labkit import lessons
from labkit.client.manifests import parse
from labkit.core.errors import UsageError
from labkit.lessons.library import library, step_of
from labkit.lessons.steps import position, step_id, step_ids
from tests.support.course import IDS, MISSING, STEPS_ARE

LIBRARY = library()


@pytest.mark.parametrize(
    ("step", "name"),
    [("W17", "W17"), ("w1", "W1"), (" 24 ", "W24"), (5, "W5"), ("W05", "W5"), ("05", "W5")],
)
def test_a_step_is_found_however_it_is_written(step: str | int, name: str) -> None:
    assert step_id(step) == name


@pytest.mark.parametrize("step", ["W0", MISSING, "x", "", "W-1", "W1.5", "W", "T99", "Ｗ1", "W１"])
def test_other_steps_are_refused(step: str) -> None:
    with pytest.raises(UsageError, match="There is no step") as refused:
        step_id(step)
    assert refused.value.todo == STEPS_ARE


def test_the_texts_have_the_order_of_the_lessons() -> None:
    assert step_ids() == tuple(lessons.STEPS)
    assert [position(step) for step in lessons.STEPS] == list(range(len(lessons.STEPS)))


def names(files: list[Path]) -> list[str]:
    return [file.name for file in files]


def before(step: str | None) -> list[Path]:
    return [file for _, file in LIBRARY.before(step)]


def test_a_lesson_or_a_file_is_found_by_name() -> None:
    assert LIBRARY.lessons() == [
        "01-api-server",
        "02-inside-a-pod",
        "03-service-accounts",
        "04-roles",
        "05-cluster-roles",
        "06-test-the-policy",
    ]
    assert (
        names(LIBRARY.files("02-inside-a-pod"))
        == names(LIBRARY.files("02"))
        == ["W05-pod-curl.yaml"]
    )
    assert LIBRARY.files("01-api-server") == []
    assert names(LIBRARY.files("04-roles/W16-roles-service-reader.yaml")) == [
        "W16-roles-service-reader.yaml"
    ]
    assert names(LIBRARY.files("04-roles/W16-roles-service-reader")) == [
        "W16-roles-service-reader.yaml"
    ]
    assert names(LIBRARY.files("05/tryout/W22-rolebinding-view")) == ["W22-rolebinding-view.yaml"]


@pytest.mark.parametrize(
    "name", ["07-nope", "04-roles/nope", "../../etc/passwd", "04-roles/../02-inside-a-pod", ""]
)
def test_what_is_not_there_is_said(name: str) -> None:
    with pytest.raises(UsageError):
        LIBRARY.files(name)


def test_before_a_step_are_all_earlier_files_in_order_without_experiments() -> None:
    assert LIBRARY.before("W1") == []
    assert names(before("W17")) == [
        "W05-pod-curl.yaml",
        "W10-serviceaccount-kikai.yaml",
        "W11-pod-curl-custom-sa.yaml",
        "W14-namespaces.yaml",
        "W14-pods-test.yaml",
        "W16-roles-service-reader.yaml",
    ]
    everything = names(before(None))
    steps = [step_of(file) for _, file in LIBRARY.before(None)]
    assert steps == sorted(steps, key=IDS.index)
    assert everything[-1] == LIBRARY.of_step(steps[-1])[-1].name
    assert [step for step, _ in LIBRARY.before("T1")][-1][0] == "W"
    assert not [name for name in everything if "W22" in name]


def test_what_a_step_takes_away_is_gone_before_the_next() -> None:
    gone = {"W23-clusterrolebinding-pv-test.yaml", "W24-clusterrolebinding-view-test.yaml"}
    assert gone <= set(names(before("T1")))
    assert not gone & {*names(before("T2")), *names(before(None))}
    assert "W20-clusterrole-pv-reader.yaml" in names(before("T2"))


def test_every_manifest_is_named_by_its_step_and_readable() -> None:
    for file in some(LIBRARY.root.rglob("*.yaml")):
        assert re.match(r"[A-Z]\d+-[a-z-]+\.yaml$", file.name)
        assert step_of(file) in lessons.STEPS
        assert parse(file.read_text(), file.name)


def test_the_write_ups_own_pods_and_role_are_word_for_word() -> None:
    by_name = {
        (e["kind"], e["metadata"].get("namespace"), e["metadata"]["name"]): e
        for e in reversed(LIBRARY.objects())
    }
    main = {"name": "main", "image": "ubuntu", "command": ["sleep", "9999999"]}
    ambassador = {"name": "ambassador", "image": "luksa/kubectl-proxy:1.6.2"}
    assert by_name["Pod", None, "curl"]["spec"] == {"containers": [main]}
    custom = by_name["Pod", None, "curl-custom-sa"]["spec"]
    assert custom == {"serviceAccountName": "kikai", "containers": [main, ambassador]}
    rules = [{"apiGroups": [""], "verbs": ["get", "list"], "resources": ["services"]}]
    assert by_name["Role", "kikai", "service-reader"]["rules"] == rules


def test_a_file_that_a_lesson_lacks_is_told_what_there_is() -> None:
    with pytest.raises(UsageError) as caught:
        LIBRARY.files("02-inside-a-pod/W16")
    assert caught.value.todo == "Its files are: W05-pod-curl.yaml, tryout/W08-aside-automount.yaml."
    with pytest.raises(UsageError) as caught:
        LIBRARY.files("01-api-server/W1")
    assert caught.value.todo == "It has none."
