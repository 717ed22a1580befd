"""The room's and the teacher's view of a class, as plain data for the pages."""

from typing import Any

from labkit.core.language import said, shown, text
from labkit.core.yaml_file import read_yaml
from labkit.lessons.mistakes import mistakes
from labkit.lessons.steps import step_ids

from .store import CLOSED, Asked, Store

MAX_MISTAKES = 12

ANYTHING: dict[str, str] = read_yaml(__file__, "settings.yaml")["anything"]
"""Stands in a sentence for what one learner granted: objects are not sent."""

STATES = {"passed": "p", "failed": "t", "not attempted": "n"}
"""A letter for each state of a step; ``-`` is none."""


def public(asked: Asked | None) -> dict[str, Any]:
    """Return the public data: the question and its stage; bars and answer only when the teacher shows them."""
    if asked is None:
        return {"id": 0}
    open_to_all = ["id", "stage", "ask", "text", "options", *(["rounds"] if asked["bars"] else [])]
    closed = asked["stage"] == CLOSED
    seen = {name: asked[name] for name in (*open_to_all, *(["right", "because"] if closed else []))}
    answers = [sum(votes) for votes in asked["rounds"]]
    return {**seen, "answers": answers, "wrong": commonest_wrong(asked) if closed else None}


def commonest_wrong(asked: Asked) -> dict[str, Any] | None:
    """Return the wrong option with most votes in the last round that has any, and the ideas behind it."""
    right = asked["right"]
    for votes in reversed(asked["rounds"]) if right is not None else ():
        wrong = [place for place in range(len(votes)) if place != right]
        option = max(wrong, key=votes.__getitem__)
        if votes[option]:
            return {
                "option": option,
                "count": votes[option],
                "ideas": asked["ideas"].get(str(option), []),
            }
    return None


def board(store: Store) -> dict[str, Any]:
    """Return the rows of the board, and the commonest mistakes."""
    steps = step_ids()
    rows = {
        learner["id"]: {**learner, "cells": ["-"] * len(steps), "stuck": None}
        for learner in store.rows("learners", "id")
    }
    # In the order of time: the learner is stuck in the step that failed last.
    for outcome in store.rows("outcomes"):
        row = rows[outcome["learner"]]
        row["cells"][steps.index(outcome["step"])] = STATES[outcome["state"]]
        if outcome["state"] == "failed":
            kind = mistakes().get(outcome["kind"])
            told = {name: outcome[name] for name in ("step", "since", "tries")}
            row["stuck"] = {**told, "mistake": said(kind.name) if kind else ""}
    for row in rows.values():
        row["cells"] = "".join(row["cells"])
        # Of no use on a page: even the hash of a key stays on this machine.
        del row["key"], row["number"]
    return {"steps": steps, "learners": list(rows.values()), "mistakes": commonest(store)}


def commonest(store: Store) -> list[dict[str, Any]]:
    """Return the kinds of mistakes, the commonest first, each with a sentence to say and the idea behind it."""
    having: dict[str, set[int]] = {}
    for slip in store.rows("slips"):
        having.setdefault(slip["kind"], set()).add(slip["learner"])
    most_first = sorted(having, key=lambda name: -len(having[name]))
    kinds = [mistakes()[name] for name in most_first if name in mistakes()][:MAX_MISTAKES]
    # Labs send no objects, so a mistake's sentence cannot name the learner's own ones.
    anything = {name: said(word) for name, word in ANYTHING.items()}
    return [
        {
            "name": said(kind.name),
            "count": len(having[kind.id]),
            "say": shown(text(kind.says, **anything)),
        }
        | {"idea": said(text(kind.idea)), "step": kind.step}
        for kind in kinds
    ]
