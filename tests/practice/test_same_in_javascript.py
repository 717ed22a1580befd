"""The script of notebooks and pages has the same rules: Node replays what Python did."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from labkit.practice import keeping
from labkit.practice.asking import Session
from labkit.practice.pool import PATH, pool
from labkit.ui.base import STATIC

NOW = 1_800_000_000.0
RULES = "drill.js"

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")


def in_javascript(expression: str, data: object, folder: Path) -> Any:
    """The value of an expression over ``data`` and ``pool``, with the rules of the script."""
    rules = (STATIC / RULES).read_text(encoding="utf-8").partition("\n// -- Drawing")[0]
    texts = (STATIC / "common.js").read_text(encoding="utf-8").partition("\n/** An element")[0]
    script = f"{texts}\n{rules}\nconst fs = require('fs'); const data = JSON.parse(fs.readFileSync(0, 'utf8'));"
    script += f"const pool = JSON.parse(fs.readFileSync({json.dumps(str(PATH))}, 'utf8'));"
    script += f"console.log(JSON.stringify({expression}));"
    path = folder / "rules.cjs"
    path.write_text(script, encoding="utf-8")
    done = subprocess.run(
        ["node", str(path)], input=json.dumps(data), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def replay(
    order: list[int], kept: keeping.Kept, now: float, mistakes: list[bool]
) -> dict[str, Any]:
    """A session in which those answers are wrong."""
    questions = [pool()["questions"][number] for number in order]
    session = Session(pool()["beliefs"], questions, kept, now)
    asked, hints = [], []
    for mistaken in mistakes:
        if not (question := session.next()):
            break
        asked.append(question["id"])
        hints.append((session.likeliest(question) or {}).get("id"))
        session.answer(question, question["allowed"] != mistaken)
    found = session.finding
    return {
        "asked": asked,
        "hints": hints,
        "found": found and [found.kind, found.idea],
        "kept": session.kept,
    }


REPLAY = """data.map(({ order, kept, now, mistakes }) => {
  const session = new Session(pool.beliefs, order.map((number) => pool.questions[number]), kept, now);
  const asked = [], hints = [];
  for (const mistaken of mistakes) {
    const question = session.next();
    if (!question) break;
    asked.push(question.id);
    hints.push(session.likeliest(question)?.id ?? null);
    session.answer(question, question.allowed !== mistaken);
  }
  const found = session.finding;
  return { asked, hints, found: found && [found.kind, found.idea], kept: session.kept };
})"""


def kept_things(r: Random) -> keeping.Kept:
    """Return random stored data."""
    ideas = [each["id"] for each in pool()["beliefs"]]
    entries: dict[str, keeping.Idea] = {
        idea: {"found": NOW, "at": NOW + r.choice((0, 1, 2)) * keeping.DAY, "back": r.randrange(4)}
        for idea in r.sample(ideas, r.randrange(4))
    }
    asked = {
        each["id"]: NOW - r.randrange(40) * keeping.DAY
        for each in r.sample(pool()["questions"], r.randrange(30))
    }
    measured: dict[str, keeping.Measure] = {
        name: {"at": NOW + r.randrange(3), "right": r.randrange(11)}
        for name in keeping.MEASURED
        if r.random() < 0.5
    }
    off: keeping.Off = {"value": r.random() < 0.2, "at": NOW + r.randrange(2)}
    return {"version": 1, "asked": asked, "ideas": entries, "measured": measured, "off": off}


def test_the_same_sessions(tmp_path: Path) -> None:
    r = Random(8)
    size = len(pool()["questions"])
    sessions = []
    for _ in range(25):
        number = r.choice([*range(15), -1])
        order = r.sample(range(size), size)
        kept = kept_things(r)
        mistakes = [r.random() < r.choice((0.1, 0.5)) for _ in range(40)]
        sessions.append(
            {"order": order, "kept": kept, "now": NOW + number * keeping.DAY, "mistakes": mistakes}
        )
    theirs = in_javascript(REPLAY, sessions, tmp_path)
    assert theirs == json.loads(json.dumps([replay(**each) for each in sessions]))
    assert sum(len(each["asked"]) for each in theirs) > 200


ODD: list[Any] = [
    None, [], "text", 7, {}, {"version": "1"}, {"version": 2, "asked": {}},
    {"version": 1, "asked": {"a": "x", "b": 5}, "ideas": {"none": {"found": 1, "at": 1, "back": 0}}, "off": 3},
    {"version": 1, "asked": [], "ideas": {"any-group": {"found": 1, "at": 1, "back": 9}}},
    {"version": 1, "measured": {"before": {"at": 4, "right": 7}, "between": {"at": 4, "right": 7}}},
]  # fmt: skip


def test_what_was_kept_is_read_and_joined_the_same_way(tmp_path: Path) -> None:
    r = Random(9)
    known = [each["id"] for each in pool()["beliefs"]]
    values = [*ODD, *(kept_things(r) for _ in range(20))]
    pairs = [(kept_things(r), kept_things(r)) for _ in range(40)]
    ours = {
        "read": [keeping.read(each, known) for each in values],
        "joined": [keeping.join(*each) for each in pairs],
        "due": [keeping.due(one, NOW + 9 * keeping.DAY) for one, _ in pairs],
        "settled": [keeping.settled(one, NOW) for one, _ in pairs],
    }
    expression = f"""{{ read: data.values.map((each) => readKept(each, data.known)),
      joined: data.pairs.map(([one, other]) => joinKept(one, other)),
      due: data.pairs.map(([one]) => dueNow(one, {NOW} + 9 * DAY)),
      settled: data.pairs.map(([one]) => settle(one, {NOW})) }}"""
    theirs = in_javascript(expression, {"values": values, "known": known, "pairs": pairs}, tmp_path)
    assert theirs == json.loads(json.dumps(ours))
