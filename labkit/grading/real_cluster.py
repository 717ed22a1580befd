"""Grading a handful on a real cluster, for a teacher who wants to see that the scores agree.

One cluster for all, so one submission after the other: set up, run behind the same walls
with a relay as its only door, judge, and take away exactly what was made.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from labkit.backends import podimage, preflight, sweep
from labkit.client import kubeconfig as kubeconfigs
from labkit.client.discovery import Resources
from labkit.client.manifests import apply, title
from labkit.client.prefix import Names
from labkit.core.errors import NotRunning, UsageError
from labkit.core.home import ensure_private, home_path
from labkit.embedded.machinery.pki.keys import Keys
from labkit.grading.exercise import find_exercise, ground_of, pods_run, setup
from labkit.grading.grader import failed, kept_output, unread
from labkit.grading.isolation import Limits
from labkit.grading.lab_home import home_files
from labkit.grading.request_policy import Fence
from labkit.grading.result import Result
from labkit.grading.reverse_proxy import Relay
from labkit.grading.score import Score, TooMuch, score
from labkit.grading.submissions import Submission, Unreadable, cells_of
from labkit.grading.task import Exercise, Object
from labkit.grading.workers import Door, WithWorkers, WorkerFailed, Workers
from labkit.lab.lab import Lab
from labkit.rbac.policy import Policy, read_policy

KIND_CLUSTER = "labkit-grading"
"""A kind cluster of the grader's own, so that nobody's lab is graded upon."""

SETTLE_SECONDS = 1.0
SETTLED = 3
"""How often the cluster is looked at again while points are still missing."""

Say = Callable[[str], None]


class LabGrader(WithWorkers):
    """Grades submissions on one cluster, one at a time.

    Args:
        lab: The cluster.
        limits: What one submission may use.
        kernel: Run every notebook in a real kernel.
        settle_seconds: How long its controllers get to draw the conclusions of a change; 0 for a
            cluster that has drawn them when it answers.
    """

    def __init__(
        self, lab: Lab, *, limits: Limits | None = None, kernel: bool = False, settle_seconds: float = SETTLE_SECONDS
    ) -> None:
        self.lab = lab
        self._settle_seconds = settle_seconds
        super().__init__(Workers(limits, kernel=kernel))
        self._keys = Keys.generate(b"-")
        self._admin = lab.admin.without_observers()
        self._pods = pods_run(self._admin)

    def look(self, submissions: Iterable[Submission], *, force: bool, say: Say) -> None:
        """Say what would be made, before anything is.

        Args:
            submissions: What will be graded.
            force: Go on although the cluster looks like production.
            say: Takes lines.

        Raises:
            UsageError: Names are taken, or the cluster looks like production.
            NotRunning: The caller lacks a right that grading needs.
        """
        objects = [obj for entry in submissions for obj in setup(find_exercise(entry.exercise), entry.learner)]
        found = preflight.look(self._admin, self.lab.choice.options.context, objects, Names(), "labkit/grading=never")
        spaces = sum(obj["kind"] == "Namespace" for obj in objects)
        say(f"On {found.server} (context {found.context}), as {found.user}:")
        say(f"  {len(objects)} objects ({spaces} namespaces) are made for the exercises, and more by the learners;")
        say("  each is taken away when it is judged. What is there already is not changed.")
        if found.taken:
            raise UsageError(
                "Objects of the exercises' names are there already.",
                why=", ".join(found.taken),
                todo="Delete them, if an interrupted grading left them; or take another cluster.",
            )
        if found.looks_like_production and not force:
            raise UsageError(
                "This cluster looks like production.",
                why=f"{len(found.foreign)} namespaces belong to somebody else",
                todo="Learners' code is run on it: take one that you can throw away, or say --force.",
            )
        if found.missing:
            raise NotRunning(
                "You lack rights on this cluster that grading needs.",
                why="; ".join(right.text for right in found.missing),
                todo="Grade with an administrator's kubeconfig.",
            )
        if not self._pods:
            say("None of its nodes is ready, so no pod runs here: what needs a running pod is not judged.")
        if self.lab.backend.name != "embedded":
            say("Its audit log cannot be read from end to end: what needs it is not judged.")

    def grade(
        self, submissions: Iterable[Submission], told: Callable[[Result], None] = lambda _result: None
    ) -> list[Result]:
        """Grade them all, one after the other.

        Args:
            submissions: What to grade.
            told: Called with each result as it comes.

        Returns:
            The results, sorted by exercise and learner.

        Raises:
            LabkitError: The cluster does not answer, or does not let things go.
        """
        results = []
        for submission in submissions:
            results.append(self._grade_one(submission))
            told(results[-1])
        return sorted(results, key=lambda result: (result.exercise, result.learner))

    def _grade_one(self, submission: Submission) -> Result:
        exercise = find_exercise(submission.exercise)
        name = self.lab.backend.name
        try:
            cells = cells_of(submission.path)
        except Unreadable as error:
            return unread(submission, exercise, self.level, str(error), name)
        fence = Fence(self._admin)
        try:
            self._set_up(setup(exercise, submission.learner), fence)
            before = read_policy(self._admin)
            report = asyncio.run(self.workers.run(submission.learner, cells, 0, self._door(fence)))
            return Result(
                submission.learner,
                exercise.id,
                str(report["ended"]),
                int(report["cells"]),
                len(cells),
                self._judge(exercise, submission.learner, before),
                self.level,
                "\n".join(fence.refused[:20]),
                kept_output(report),
                name,
            )
        except WorkerFailed as error:
            return failed(submission, exercise, self.level, error, name)
        except TooMuch as error:
            return unread(submission, exercise, self.level, f"it left more than can be judged: {error}", name)
        finally:
            self._clean(fence.made)

    def _set_up(self, objects: Sequence[Object], fence: Fence) -> None:
        resources = Resources(self._admin)
        for obj in objects:
            path = resources.path(obj)
            if self._admin.get(path).status != 404:
                raise UsageError(f"{title(obj)} is there already.", todo="Delete it, or take another cluster.")
            # Kept first: what is made and then interrupted must go as well.
            fence.made.append(path)
            apply(self._admin, resources, [obj], self.lab.backend.adapt, patience_seconds=10.0)
        if self._pods:
            for obj in objects:
                if obj["kind"] == "Pod":
                    self.lab.wait(f"{obj['metadata']['namespace']}/{obj['metadata']['name']}")

    def _door(self, fence: Fence) -> Callable[[socket.socket, Path], Door]:
        def open_door(listener: socket.socket, lab_home: Path) -> Door:
            relay = Relay(listener, self._keys, self._admin, self.lab.as_anonymous().without_observers(), fence)
            files = home_files(relay.url, self._keys, lab_home, at_once=not self._settle_seconds, pods=self._pods)
            # In a learner's process the cluster is an existing one; kind's pods have the lab's image.
            images = {"LABKIT_POD_IMAGE": podimage.IMAGE} if self.lab.backend.name == "kind" else {}
            return Door(files, partial(asyncio.to_thread, relay.close), images)

        return open_door

    def _judge(self, exercise: Exercise, learner: str, before: Policy) -> Score:
        """Score; a real cluster's controllers may still be at work on the last change."""
        for _ in range(SETTLED):
            time.sleep(self._settle_seconds)
            found = score(exercise, learner, ground_of(self.lab, lambda: before))
            if all(task.full or not task.most for task in found.tasks):
                break
        return found

    def _clean(self, made: Sequence[str]) -> None:
        """Take away what was made, last things first, also what somebody wanted to keep with a finalizer."""
        paths = list(dict.fromkeys(reversed(made)))
        for path in paths:
            answer = self._admin.get(path)
            if answer.ok and answer.body["metadata"].get("finalizers"):
                self._admin.patch(path, {"metadata": {"finalizers": None}})
        # Pods first, since their namespace waits for them; namespaces last.
        sweep.remove(self._admin, sorted(paths, key=_order))


def _order(path: str) -> int:
    return 0 if "/pods/" in path else 2 if path.startswith("/api/v1/namespaces/") and path.count("/") == 4 else 1


@contextmanager
def lab_for(
    backend: str, say: Say, *, kubeconfig: Path | None = None, context: str = "", image: str | None = None
) -> Iterator[Lab]:
    """A lab to grade on, which leaves the teacher's own lab alone.

    Args:
        backend: ``kind`` or ``existing``.
        say: Takes lines of progress.
        kubeconfig: For an existing cluster: the file that names it.
        context: Its context; the file's current one when left out.
        image: kind's node image.

    Yields:
        The lab. A kind cluster is made for it, and deleted afterwards.

    Raises:
        LabkitError: There is no such cluster, or it cannot be made.
    """
    with ExitStack() as stack:
        if backend == "kind":
            os.environ.setdefault("LABKIT_KIND_CLUSTER", KIND_CLUSTER)
            lab = Lab("kind", image=image, home=home_path() / "grading", say=say)
            stack.callback(lab.stop)
        elif kubeconfig is None:
            raise UsageError("No kubeconfig is named.", todo="labkit grade SUBMISSIONS --kubeconfig FILE")
        else:
            home = Path(stack.enter_context(TemporaryDirectory(prefix="labkit-grade-")))
            named = context or kubeconfigs.load(kubeconfig).name
            lab = Lab("existing", kubeconfig=kubeconfig, context=named, home=home, start=False, say=say)
            kubeconfigs.extract(kubeconfig, named, ensure_private(home / "existing") / "kubeconfig")
        yield lab


def disagreements(here: Result, embedded: Result) -> list[str]:
    """Where two gradings of one submission differ, among what both could judge.

    Args:
        here: On a real cluster.
        embedded: On an embedded one.
    """
    found: list[str] = []
    for one, other in zip(here.score.tasks, embedded.score.tasks, strict=True):
        for item, same in zip(one.items, other.items, strict=True):
            if item.judged and same.judged and item.ok != same.ok:
                found.append(f"{one.id}: {item.expected}: {item.seen} On the embedded cluster: {same.seen}")
    return found
