"""Forward and back: the cluster, its containers, the progress and the notebook's names at each place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from kube_embedded.tests.support.slow import slow_but
from kube_embedded.tests.support.some import some
from labkit import lessons
from labkit.core.redact import TOKEN
from labkit.lab import current
from labkit.lab.lab import Lab
from labkit.lessons.talk import talks
from labkit.presenter.play import Play

PASSING = {
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}": "UID",
    r"\d{4}-\d\d-\d\dT[\d:.]+Z": "TIME",
    r'"resourceVersion": "\d+"': '"resourceVersion": "VERSION"',
    r"kube-api-access-\w{5}": "VOLUME",
    r"containerd://\w+": "CONTAINER",
    r"10\.244\.0\.\d+": "POD-IP",
}
"""What is new whenever an object is created anew."""
LEFT_OUT = {"events", "leases", "selfsubjectreviews"}


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab("embedded", home=tmp_path_factory.mktemp("play") / "home", say=lambda _line: None)
    yield lab
    lab.stop()


@pytest.fixture
def lab(shared_lab: Lab) -> Iterator[Lab]:
    """Provide the cluster at its beginning."""
    observers = list(shared_lab.admin.observers)
    shared_lab.reset()
    shared_lab.progress.forget()
    current.use(shared_lab)
    yield shared_lab
    shared_lab.admin.observers[:] = observers


@pytest.fixture
def play(lab: Lab) -> Play:
    return Play(lab, lessons.LESSONS)


def objects(lab: Lab) -> dict[str, Any]:
    """Return every object of the cluster, without fields that differ each time an object is created."""
    admin = lab.admin.without_observers()
    groups = [
        group["preferredVersion"]["groupVersion"] for group in admin.get("/apis").body["groups"]
    ]
    found = {}
    for path in ["/api/v1", *(f"/apis/{group}" for group in groups)]:
        for resource in admin.get(path).body["resources"]:
            if (
                "list" in resource["verbs"]
                and "/" not in resource["name"]
                and resource["name"] not in LEFT_OUT
            ):
                text = json.dumps(
                    admin.get(f"{path}/{resource['name']}").body.get("items"), sort_keys=True
                )
                for pattern, word in PASSING.items():
                    text = re.sub(pattern, word, text)
                items = found[f"{path}/{resource['name']}"] = json.loads(text)
                for item in items or ():  # ordered by times that can be equal
                    item["metadata"].get("managedFields", []).sort(key=json.dumps)
    return found


def state(play: Play) -> dict[str, Any]:
    """Return the whole state of a place: objects, a container's packages, progress, names and lines."""
    lab = play.lab
    pod = lab.admin.without_observers().get("/api/v1/namespaces/default/pods/curl").status
    curl = lab.probe("default/curl", "which curl").returncode if pod == 200 else None
    names = sorted(play.cells._names)
    passed = {step: lab.progress.state(step) for step in lessons.STEPS}
    shown = [len(played.shown) for played in play.played]
    return {"objects": objects(lab), "curl": curl, "names": names, "passed": passed, "shown": shown}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "beats"), slow_but([(7, 0), (7, 1), (10, 3), (17, 1), (22, 4), (24, 0)], (7, 1))
)
def test_going_back_leaves_the_cluster_as_it_was_there(play: Play, step: int, beats: int) -> None:
    play.go(step, beats)
    before = state(play)
    play.go(*((step + 2, 1) if step < 23 else (24, 2)))
    assert state(play) != before
    play.go(step, beats)
    assert play.place == (step, beats)
    assert state(play) == before


@pytest.mark.slow
def test_what_a_step_installed_in_a_container_is_gone_again(play: Play) -> None:
    found = []
    for place in ((7, 0), (7, 1), (7, 0)):
        play.go(*place)
        found.append(play.lab.probe("default/curl", "which curl").returncode)
    assert found == [1, 0, 1]


def test_it_says_what_it_does_on_the_way_to_another_place(play: Play) -> None:
    said: list[str] = []
    play.report = said.append
    play.go(6)
    play.go(5)
    assert list(dict.fromkeys(said))[-2:] == ["going to W6: W5", "undoing what was created since"]
    # What a command may have changed in a container, only a reset undoes.
    play.go(7, 1)
    play.ask("lab.exec('default/curl', 'touch /there')")
    said.clear()
    play.put_back()
    assert list(dict.fromkeys(said))[:2] == ["resetting the cluster", "going to W7: W1"]


def test_what_was_only_created_is_undone_without_a_reset(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    play.go(15, 1)
    before = state(play)
    play.go(18, 1)
    assert state(play) != before
    monkeypatch.setattr(Lab, "reset", None)
    play.go(15, 1)
    assert state(play) == before
    play.ask("lab.apply('apiVersion: v1\\nkind: Namespace\\nmetadata: {name: asked}')")
    play.put_back()
    assert state(play) == before
    play.go(17)
    assert play.passed == 16


@pytest.mark.slow
def test_back_is_the_way_forward_in_reverse(play: Play) -> None:
    places = [play.place]
    while play.place < (3, 2) and play.forward():
        places.append(play.place)
    back = [play.place]
    while play.place > (0, 0):
        play.back()
        back.append(play.place)
    assert back == places[::-1]
    play.back()
    assert play.place == (0, 0)


def test_a_question_changes_nothing(play: Play) -> None:
    play.go(15, 0)
    play.go(15, len(play.played[-1].beats))
    before = objects(play.lab)
    play.forward()
    assert play.place == (16, 0)
    assert objects(play.lab) == before
    play.back()
    assert play.place[0] == 15
    assert objects(play.lab) == before


def test_only_a_question_that_writes_is_undone(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    play.go(2, 1)
    # On a real cluster the version also moves by itself.
    versions = count()
    monkeypatch.setattr(Play, "_version", lambda _self: str(next(versions)))
    for asked in (
        "lab.admin.get('/api/v1/pods')",
        "lab.admin.can('list', 'pods')",
        "lab.admin.whoami()",
        "1 +",
    ):
        play.ask(asked)
        assert not play._changed, asked
    play.ask("lab.apply('apiVersion: v1\\nkind: Namespace\\nmetadata: {name: asked}')")
    assert play._changed
    play.put_back()
    assert play.lab.admin.without_observers().get("/api/v1/namespaces/asked").status == 404


def test_a_jump_runs_what_lies_between(play: Play) -> None:
    play.go(3, 1)
    play.go(17)
    assert play.passed == 16
    assert play.lab.admin.get(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/kikai/roles/service-reader"
    ).ok


def test_every_step_passes_and_the_end_is_the_end(play: Play) -> None:
    while play.forward():
        pass
    assert play.passed == len(lessons.STEPS)
    assert not play.forward()
    text = "\n".join(line for played in play.played for lines in played.shown for _, line in lines)
    assert "predict(" not in text, "the class predicts"
    assert "<signature>" in text
    assert not TOKEN.search(text)


def test_an_error_is_shown_and_the_play_goes_on(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {
        "notebook": "",
        "solution": "",
        "cells": ['lab.apply("no-such-file.yaml")', "1 / 0", 'check("W1")'],
    }
    monkeypatch.setattr(lessons, "worked", lambda: dict.fromkeys(lessons.STEPS, wrong))
    play.go(1, 3)
    first, second, third = play.played[0].shown
    assert any(kind == "bad" and "no-such-file.yaml" in text for kind, text in first)
    assert ("bad", "ZeroDivisionError: division by zero") in second
    assert third[0][1].startswith("• W1 not attempted") or third[0][1].startswith("✘ W1")
    assert play.passed == 0


def test_a_proxy_that_a_step_left_is_ended(play: Play) -> None:
    play.go(3, 2)
    proxy = play.cells._names["proxy"]
    assert proxy.get("/version").status == 200
    play.go(1)
    with pytest.raises(OSError, match="refused"):
        __import__("urllib.request").request.urlopen(f"{proxy.url}/version")


@pytest.mark.slow
def test_part_5_is_left_out_where_cluster_roles_are_not_granted(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(lab.admin), "can", lambda *_arguments, **_options: False)
    assert [step.id for step in Play(lab, lessons.LESSONS).steps][-1] == "W19"


@pytest.mark.slow
def test_every_step_has_its_words() -> None:
    assert list(talks()) == list(lessons.STEPS)
    for step, talk in some(talks().items()):
        assert talk.ask.endswith("?"), step
        assert talk.answer.endswith("."), step
        assert talk.say, step
        assert talk.stuck, step
        assert all(len(part) < 130 for part in (talk.ask, *talk.say)), step
