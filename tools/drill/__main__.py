"""Write the pool of questions of the drill.

    python -m tools.drill           write labkit/practice/pool.json
    python -m tools.drill --show 5  print some of its questions, as a learner sees them

Policies are drawn at random; ``labkit.rbac`` decides and explains, and each wrong idea's authorizer answers. The same
seed gives the same pool.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from labkit.core.language import NAME, Text
from labkit.core.yaml_file import read_yaml
from labkit.practice import keeping
from labkit.practice import pool as stored
from tools.drill.authorizers import AUTHORIZERS, answers, truth
from tools.drill.forms import IN_GRAPHS, forms, odd_groups, request_text
from tools.drill.policies import draft
from tools.drill.reasons import (
    AFTERWARDS,
    ALLOWS,
    NO_REASONS,
    REASONS,
    RULES,
    explanation,
    note,
    reasons,
)
from tools.drill.traits import traits

SEED = 20261131
DRAFTS = 40_000
ALLOWED, FORBIDDEN = 530, 1200
PAIRS = 10

Question = dict[str, Any]


def questions(seed: int, drafts: int) -> list[Question]:
    """Questions from random drafts, each policy and request once."""
    r = Random(seed)
    names = list(AUTHORIZERS)
    known: dict[str, Question] = {}
    for _ in range(drafts):
        drawn = draft(r)
        fitting = forms(drawn.objects)
        if not fitting:
            continue
        policy, asked = drawn.policy, drawn.question
        right = truth(policy, asked)
        wrong = [
            names.index(name) for name, answer in answers(policy, asked).items() if answer != right
        ]
        form = "YAML" if "YAML" in fitting and r.random() < 0.8 else r.choice(sorted(fitting))
        if (
            asked.user.uid
            and names.index("rights-go-with-account") not in wrong
            and r.random() < 0.8
        ):
            asked = asked._replace(user=replace(asked.user, uid=""))
        ask, says = (
            request_text(asked, odd_groups(drawn.objects)),
            explanation(policy, asked, right),
        )
        question = {
            "form": form,
            "text": "\n".join(fitting[form]),
            "ask": ask,
            **({"note": note(asked)} if asked.user.uid else {}),
            "allowed": right,
            "wrong": wrong,
            "traits": traits(drawn, right),
            "says": "\n".join(says),
            "why": reasons(r, policy, asked, right),
            "said": [ask, *says],
        }
        if question["why"]:
            key = hashlib.sha256(
                f"{question['text']}{question['ask']}{question.get('note')}".encode()
            ).hexdigest()[:8]
            known.setdefault(key, {"id": key, **question, "draft": drawn._replace(question=asked)})
    return list(known.values())


def chosen(seed: int, drawn: list[Question]) -> list[Question]:
    """Those that tell wrong ideas apart, of all kinds; pairs of the same kind are for before and after."""
    r = Random(seed)
    r.shuffle(drawn)
    # Short ones first; of what is allowed there are few kinds, and many ways to write them.
    drawn.sort(
        key=lambda each: (
            0 if each["allowed"] or each["form"] == "YAML" else str(each["text"]).count("\n")
        )
    )
    kinds = Counter[tuple[object, ...]]()
    for question in drawn:
        kind = (question["allowed"], *question["wrong"], "but for", *question["traits"])
        question["order"] = kinds[kind]
        kinds[kind] += 1
    drawn = sorted(
        (each for each in drawn if each["wrong"] or each["traits"]), key=lambda each: each["order"]
    )
    allowed = [each for each in drawn if each["allowed"]][:ALLOWED]
    pool = allowed + [each for each in drawn if not each["allowed"]][:FORBIDDEN]
    paired = pairs(pool)
    for question in pool:
        del question["order"]
        if question["id"] in paired:
            question["set"] = paired[question["id"]]
    return sorted(pool, key=lambda each: str(each["id"]))


def pairs(pool: list[Question]) -> dict[str, str]:
    """By id, which questions are asked before and which after: two of a kind, and together about all wrong ideas."""
    by_kind: dict[tuple[object, ...], list[Question]] = {}
    for question in pool:
        by_kind.setdefault((question["allowed"], *question["wrong"]), []).append(question)
    missing, taken = set(range(len(AUTHORIZERS))), dict[str, str]()
    kinds = {kind for kind, members in by_kind.items() if len(members) >= 2}
    for number in range(PAIRS):
        allowed = number % 5 < 2
        fitting = sorted(
            (kind for kind in kinds if kind[0] is allowed),
            key=lambda kind: (-len(missing & set(kind[1:])), kind),
        )
        kind = fitting[0]
        kinds.discard(kind)
        missing -= set(kind[1:])
        for question, name in zip(by_kind[kind], ("before", "after"), strict=False):
            taken[str(question["id"])] = name
    return taken


def examples(pool: list[Question]) -> dict[str, list[str]]:
    """Two short questions about each wrong idea alone."""
    names = list(AUTHORIZERS)
    alone: dict[str, list[Question]] = {name: [] for name in names}
    for question in pool:
        if len(question["wrong"]) == 1 and "set" not in question:
            alone[names[question["wrong"][0]]].append(question)
    return {
        name: [each["id"] for each in sorted(found, key=lambda q: len(q["text"]))[:2]]
        for name, found in alone.items()
    }


def sentences(pool: list[Question]) -> list[str]:
    """What the texts of the questions are made of, with names for what varies; those with more letters first.

    A sentence is translated by the first that it fits.
    """
    found = {*REASONS.values(), *RULES, ALLOWS, *NO_REASONS, AFTERWARDS, *IN_GRAPHS, *keeping.SAID}
    for question in pool:
        for said in question["said"]:
            found.update(templates(said))
    return sorted(found, key=lambda each: (-len(NAME.sub("", each)), each))


def templates(said: object) -> Iterator[str]:
    """The templates of a text and of its values, without those that join the parts of a list."""
    if isinstance(said, Text):
        if "{one}" not in said.template:
            yield said.template
        for value in said.values.values():
            yield from templates(value)


def candidates(seed: int = SEED, drafts: int = DRAFTS) -> list[Question]:
    """The questions of the pool, each with its draft."""
    return chosen(seed, questions(seed, drafts))


def build(seed: int = SEED, drafts: int = DRAFTS) -> dict[str, Any]:
    """The pool: wrong ideas in the order of their numbers, and the questions."""
    pool = candidates(seed, drafts)
    told, two = read_yaml(stored.__file__, "beliefs.yaml"), examples(pool)
    return {
        "version": 1,
        "beliefs": [{"id": name, **told[name], "examples": two[name]} for name in AUTHORIZERS],
        "sentences": sentences(pool),
        "questions": [
            {key: value for key, value in each.items() if key not in ("draft", "said")}
            for each in pool
        ],
    }


def written(pool: dict[str, Any]) -> str:
    """The pool as JSON, a question a line."""
    beliefs = ",\n".join(json.dumps(each, ensure_ascii=False) for each in pool["beliefs"])
    said = ",\n".join(json.dumps(each, ensure_ascii=False) for each in pool["sentences"])
    asked = ",\n".join(json.dumps(each, ensure_ascii=False) for each in pool["questions"])
    parts = f'"beliefs": [\n{beliefs}\n], "sentences": [\n{said}\n], "questions": [\n{asked}\n]'
    return f'{{"version": {pool["version"]}, {parts}}}\n'


def shown(question: Question) -> str:
    """A question with its answer, as text."""
    lines = [question["text"], question.get("note", ""), question["ask"]]
    lines += [
        "",
        "allowed" if question["allowed"] else "forbidden",
        question["says"],
        *question["why"],
    ]
    return "\n".join(line for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or show the pool."""
    parser = argparse.ArgumentParser(description="Write the pool of questions of the drill.")
    parser.add_argument("--show", type=int, metavar="N", help="print N of the questions instead")
    parser.add_argument("--seed", type=int, default=1, help="which ones to print")
    asked = parser.parse_args(arguments)
    if asked.show:
        sample = Random(asked.seed).sample(stored.pool()["questions"], asked.show)
        for number, question in enumerate(sample, 1):
            print(f"#{number} [{question['form']}] {question['wrong']}\n{shown(question)}\n")
        return 0
    stored.PATH.write_text(written(build()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
