"""The notes on an exercise in a learner's lab: the learner who began it, the policy then, points and hints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from labkit.core.errors import UsageError
from labkit.core.home import locked, read_json, write_private
from labkit.core.language import text
from labkit.rbac.policy import Policy, read_policy

if TYPE_CHECKING:
    from labkit.lab.lab import Lab


class Notes:
    """The notes on one exercise. They belong to the cluster since its last reset, and end with it.

    Args:
        lab: The learner's lab.
        exercise: The exercise's id.
    """

    def __init__(self, lab: Lab, exercise: str) -> None:
        self._lab = lab
        self._path = lab.home / f"exercise-{exercise}.json"

    @property
    def learner(self) -> str:
        """The name of the seed that it was begun with; empty if it was not begun."""
        return str(self._read().get("learner", ""))

    def begin(self, learner: str) -> None:
        """Note the name of the seed that it is begun with, and the policy of this moment, unless it was begun before.

        Raises:
            UsageError: It was begun under another name.
        """
        known = self._read()
        before = known.get("learner", learner)
        # With a code, a seed's name is CODE:LEARNER; the code must not be shown.
        first = before.rpartition(":")[2]
        now = learner.rpartition(":")[2]
        if first != now:
            raise UsageError(
                text("This exercise was begun by {name}, not by {now}.", first, now),
                why=text("the names in the tasks are drawn from the learner's name"),
                todo=text('Write ME = "{name}" again; or begin afresh: lab.reset().', first),
            )
        if before != learner:
            raise UsageError(
                text("This exercise was begun with another code, or without one."),
                why=text("the names in the tasks are drawn from the learner's name and code"),
                todo=text("Write the same code again; or begin afresh: lab.reset()."),
            )
        # Only once, because later policies contain the learner's grants.
        if "policy" not in known:
            policy = list(read_policy(self._lab.admin.without_observers()).objects())
            self._change(learner=learner, policy=policy)

    def policy(self) -> Policy | None:
        """The policy when the exercise began; None if it was not begun here."""
        objects = self._read().get("policy")
        return None if objects is None else Policy.of(objects)

    def checked(self, task: str, points: float, most: float) -> bool:
        """Note a check's points; return whether the task had been checked before."""
        checks = self.checks()
        self._change(checks={**checks, task: (points, most)})
        return task in checks

    def checks(self) -> dict[str, tuple[float, float]]:
        """Return the points earned and possible at each task's last check, keyed by task."""
        return {
            task: (points, most) for task, (points, most) in self._read().get("checks", {}).items()
        }

    def hinted(self, task: str, most: int) -> int:
        """Count one more hint; return its number, at most ``most``: the last hint repeats."""
        hints = self._read().get("hints", {})
        number = min(int(hints.get(task, 0)) + 1, most)
        self._change(hints={**hints, task: number})
        return number

    def _read(self) -> dict[str, Any]:
        known = read_json(self._path)
        # Notes from before the last reset are about objects that do not exist any more.
        return known if known.get("began") == self._lab.journal.began else {}

    def _change(self, **facts: object) -> None:
        # A notebook and a terminal can check tasks at the same time.
        with locked(self._path.with_name(f".{self._path.name}.lock")):
            document = {**self._read(), **facts, "began": self._lab.journal.began}
            write_private(self._path, json.dumps(document, ensure_ascii=False))
