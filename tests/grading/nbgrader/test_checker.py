"""The checker of an nbgrader course, without nbgrader: its answers over HTTP, and its ledger."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from labkit.grading.nbgrader import checker
from labkit.grading.nbgrader.checker import Checker
from labkit.grading.tasks import find_exercise

EXERCISE = "ex4-roles"
Post = Callable[[str, dict[str, str]], Awaitable[tuple[int, Any]]]


def with_checker(made: Checker, visit: Callable[[Post], Awaitable[None]]) -> None:
    """Serve a checker while a function posts to it."""

    async def main() -> None:
        async with TestClient(TestServer(made.application())) as client:

            async def post(path: str, body: dict[str, str]) -> tuple[int, Any]:
                response = await client.post(path, json=body)
                return response.status, await response.json()

            await visit(post)

    asyncio.run(main())


def test_a_notebooks_tasks_are_judged_on_its_cluster(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"

    async def visit(post: Post) -> None:
        body = {"learner": "ann", "exercise": EXERCISE, "home": str(tmp_path)}
        status, opened = await post("/open", body)
        assert status == 200
        assert set(opened) == {"ticket", "files", "texts"}
        tasks = find_exercise(EXERCISE).tasks
        assert list(opened["texts"]) == [task.id for task in tasks]
        for task in tasks:
            status, judged = await post("/points", {"ticket": opened["ticket"], "task": task.id})
            assert status == 200
            assert judged["points"] == 0
            assert judged["most"] > 0
            assert task.id in judged["text"]
        lines = [json.loads(line) for line in ledger.read_text().splitlines()]
        assert [line["task"] for line in lines] == [task.id for task in tasks]
        assert {line["learner"] for line in lines} == {"ann"}
        assert {line["ticket"] for line in lines} == {opened["ticket"]}

    with_checker(Checker(ledger), visit)


def test_an_unknown_ticket_or_task_gets_no_points(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"

    async def visit(post: Post) -> None:
        _, opened = await post(
            "/open", {"learner": "ann", "exercise": EXERCISE, "home": str(tmp_path)}
        )
        for ticket, task in ((opened["ticket"], "9.9"), ("none", "4.1"), ("none", "9.9")):
            answer = await post("/points", {"ticket": ticket, "task": task})
            text = "The checker does not know this notebook or task."
            assert answer == (200, {"points": 0.0, "text": text})
        assert not ledger.exists()

    with_checker(Checker(ledger), visit)


def test_an_unknown_exercise_is_refused(tmp_path: Path) -> None:
    async def visit(post: Post) -> None:
        status, answer = await post("/open", {"learner": "a", "exercise": "x", "home": "/"})
        assert status == 400
        assert "x" in answer["error"]

    with_checker(Checker(tmp_path / "ledger.jsonl"), visit)


def test_the_oldest_cluster_is_closed_for_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checker, "MAX_CLUSTERS", 2)

    async def visit(post: Post) -> None:
        tickets = []
        for learner in ("ann", "bob", "cat"):
            body = {"learner": learner, "exercise": EXERCISE, "home": str(tmp_path)}
            tickets.append((await post("/open", body))[1]["ticket"])
        known = [
            "most" in (await post("/points", {"ticket": ticket, "task": "4.1"}))[1]
            for ticket in tickets
        ]
        assert known == [False, True, True]

    with_checker(Checker(tmp_path / "ledger.jsonl"), visit)
