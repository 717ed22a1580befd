"""Grading a handful of submissions on a real cluster, for a teacher who wants to see that the scores agree.

All submissions share the cluster, so they are graded one after the other. Each is set up, run in an
isolated worker that reaches the cluster through a reverse proxy only, and judged; then exactly the objects
that were created for it are deleted.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from pathlib import Path

from kube_embedded import Keys
from labkit.backends import preflight, sweep
from labkit.backends.base import Report
from labkit.client import kubeconfig as kubeconfigs
from labkit.client.discovery import Resources
from labkit.client.manifests import apply, title
from labkit.client.pods import pods_run
from labkit.client.prefix import Names
from labkit.core.errors import ApiFailure, NotRunning, UsageError
from labkit.core.home import ensure_private, home_path
from labkit.core.language import listed, text
from labkit.core.scratch import scratch_directory
from labkit.lab.lab import Lab
from labkit.rbac.policy import Policy, PolicyUnreadable, read_policy

from ..clusters.lab_home import home_files
from ..clusters.request_policy import RequestPolicy
from ..clusters.reverse_proxy import ReverseProxy
from ..exercises.exercise import lab_context
from ..intake.submissions import Submission
from ..judging.findings import TaskFindings, check_exercise
from ..judging.result import Result, by_exercise_and_learner
from ..judging.score import score_task
from ..running.workers import ServedCluster, WithWorkers, WorkerFailed, Workers
from ..tasks import find_exercise, setup
from ..tasks.task import ExerciseSpec, Object
from ..walls.isolation import Limits
from .stages import failed_result, grade_submission

KIND_CLUSTER = "labkit-grading"
"""The name of the grader's own kind cluster."""

SETTLE_SECONDS = 1.0
MAX_PROBINGS = 3
"""How often the checks are repeated while points are missing."""

UNANSWERED = (ApiFailure, PolicyUnreadable)
"""The errors of requests that the server refused: they are never a learner's fault, so the submission is not scored."""

MAX_REFUSALS = 20
"""Refused requests that a result names."""


class SharedCluster:
    """A real cluster as one submission uses it; see ``LearnerCluster``.

    The keys are the reverse proxy's, not the cluster's. Controllers get ``settle_seconds`` to act on a
    change; 0 for a cluster that acts at once.
    """

    def __init__(
        self,
        lab: Lab,
        exercise: ExerciseSpec,
        learner: str,
        *,
        keys: Keys,
        pods: bool,
        settle_seconds: float,
    ) -> None:
        self._lab = lab
        self._exercise = exercise
        self._learner = learner
        self._keys = keys
        self._pods = pods
        self._settle_seconds = settle_seconds
        self._admin = lab.admin.without_observers()
        self._requests = RequestPolicy(self._admin)
        self._before: Policy
        self._began: str

    def set_up(self) -> None:
        """Create the objects that the exercise starts with, and wait for its pods.

        Raises:
            UsageError: One of them exists already.
        """
        self._began = datetime.now(UTC).isoformat()
        resources = Resources(self._admin)
        objects = setup(self._exercise, self._learner)
        for obj in objects:
            path = resources.path(obj)
            if self._admin.get(path).status != 404:
                raise UsageError(
                    text("{obj} is there already.", title(obj)),
                    todo="Delete it, or take another cluster.",
                )
            # Recorded first, because an object whose creation is interrupted must be deleted as well.
            self._requests.created.append(path)
            apply(self._admin, resources, [obj], self._lab.traits.adapt, patience_seconds=10.0)
        if self._pods:
            for obj in objects:
                if obj["kind"] == "Pod":
                    self._lab.wait(f"{obj['metadata']['namespace']}/{obj['metadata']['name']}")
        self._before = read_policy(self._admin)

    def serve(self, listener: socket.socket, lab_home: Path) -> ServedCluster:
        """Serve the cluster through a reverse proxy."""
        anonymous = self._lab.as_anonymous().without_observers()
        proxy = ReverseProxy(listener, self._keys, self._admin, anonymous, self._requests)
        files = home_files(
            proxy.url, self._keys, lab_home, at_once=not self._settle_seconds, pods=self._pods
        )
        # The worker's lab treats it as an existing cluster, which has no image of the lab's own; kind's nodes have one.
        image = self._lab.traits.pod_image
        return ServedCluster(
            files,
            # In a thread: closing waits for writes in progress, and would block the worker's loop.
            partial(asyncio.to_thread, proxy.close),
            {"LABKIT_POD_IMAGE": image} if image else {},
        )

    def check(self) -> list[TaskFindings]:
        """Ask all checks, again while points are missing: controllers can still act on the last change.

        Raises:
            ApiFailure: The server refused an answer (403, 429, 503) at the last attempt, too.
            PolicyUnreadable: The same, of roles, bindings or access reviews.
        """
        whole = lab_context(self._lab, lambda: self._before)
        context = replace(whole, events=lambda: since(self._began, whole.events()))
        for attempts_left in reversed(range(MAX_PROBINGS)):
            # Before the first look as well: the notebook's last write was a moment ago.
            time.sleep(self._settle_seconds)
            try:
                findings = check_exercise(self._exercise, self._learner, context)
            except UNANSWERED:
                # A server that is busy or restarting responds the next time; a verdict must not depend on it.
                if not attempts_left:
                    raise
                continue
            scores = [score_task(task) for task in findings]
            if all(task.full or not task.most for task in scores):
                break
        return findings

    @property
    def note(self) -> str:
        """The requests that were refused."""
        return listed(self._requests.refused[:MAX_REFUSALS], "\n")

    def close(self) -> None:
        """Delete the created objects, the last first, and remove their finalizers."""
        # An object with a finalizer that no controller acts on would never be deleted.
        paths = list(dict.fromkeys(reversed(self._requests.created)))
        for path in paths:
            answer = self._admin.get(path)
            if answer.ok and answer.body["metadata"].get("finalizers"):
                self._admin.patch(path, {"metadata": {"finalizers": None}})
        # Pods first, since their namespaces wait for them; namespaces last, because deleting one deletes all in it.
        sweep.remove(self._admin, sorted(paths, key=_deletion_rank))


def since(began: str, events: Iterable[Object]) -> Iterator[Object]:
    """Return the audit events since a time in ISO format, from a log with the newest first."""
    # Those before it are earlier submissions'; timestamps in ISO format sort like times.
    return takewhile(lambda event: str(event.get("stageTimestamp")) >= began, events)


def _deletion_rank(path: str) -> int:
    if "/pods/" in path:
        return 0
    is_namespace = path.startswith("/api/v1/namespaces/") and path.count("/") == 4
    return 2 if is_namespace else 1


class RealClusterGrader(WithWorkers):
    """Grades submissions on one cluster, one at a time.

    Controllers get ``settle_seconds`` to act on a change; 0 for a cluster that acts at once.
    """

    def __init__(
        self, lab: Lab, *, limits: Limits = Limits(), settle_seconds: float = SETTLE_SECONDS
    ) -> None:
        self.lab = lab
        super().__init__(Workers(limits))
        self._admin = lab.admin.without_observers()
        self._pods = pods_run(self._admin)
        self._new_cluster = partial(
            SharedCluster,
            lab,
            # The proxy's own; it never verifies or signs tokens.
            keys=Keys.generate(b"-"),
            pods=self._pods,
            settle_seconds=settle_seconds,
        )

    def check(self, submissions: Iterable[Submission], *, force: bool, progress: Report) -> None:
        """Report the objects that would be created, before any is, and refuse clusters that must not be used.

        Raises:
            UsageError: Names are taken, or the cluster looks like production and ``force`` is not given.
            NotRunning: The caller lacks a right that grading needs.
        """
        objects: list[Object] = [
            obj
            for entry in submissions
            for obj in setup(find_exercise(entry.exercise), entry.seed_name)
        ]
        found = preflight.look(
            self._admin, self.lab.choice.options.context, objects, Names(), "labkit/grading=never"
        )
        spaces = sum(obj["kind"] == "Namespace" for obj in objects)
        context = kubeconfigs.load(self.lab.kubeconfig, scratch=self.lab.home).name
        progress(
            text("On {server} (context {context}), as {user}:", found.server, context, found.user)
        )
        progress(
            text(
                "  {objects} objects ({spaces} namespaces) are made for the exercises, and "
                "more by the learners;",
                len(objects),
                spaces,
            )
        )
        progress("  each is taken away when it is judged. What is there already is not changed.")
        if found.conflicts:
            raise UsageError(
                "Objects of the exercises' names are there already.",
                why=", ".join(found.conflicts),
                todo="Delete them, if an interrupted grading left them; or take another cluster.",
            )
        if found.looks_like_production and not force:
            raise UsageError(
                "This cluster looks like production.",
                why=text("{foreign} namespaces belong to somebody else", len(found.foreign)),
                todo="Learners' code is run on it: take one that you can throw away, or say --force.",
            )
        if found.missing:
            raise NotRunning(
                "You lack rights on this cluster that grading needs.",
                why="; ".join(right.text for right in found.missing),
                todo="Grade with an administrator's kubeconfig.",
            )
        if not self._pods:
            progress(
                "None of its nodes is ready, so no pod runs here: what needs a running pod is not judged."
            )
        if not self.lab.traits.whole_log:
            progress("Its audit log cannot be read from end to end: what needs it is not judged.")

    def grade(
        self,
        submissions: Iterable[Submission],
        on_result: Callable[[Result], None] = lambda _result: None,
    ) -> list[Result]:
        """Grade submissions, one after the other, and call ``on_result`` with each result.

        Returns:
            The results, sorted by exercise and learner.

        Raises:
            LabkitError: The cluster does not answer, or objects cannot be deleted.
        """
        results = []
        for submission in submissions:
            results.append(self._grade(submission))
            on_result(results[-1])
        return by_exercise_and_learner(results)

    def _grade(self, submission: Submission) -> Result:
        name = self.lab.backend.name
        with asyncio.Runner() as runner:
            # Not with Runner.run, in which Ctrl-C waits until the set-up or the checks, which block, have ended.
            loop = runner.get_loop()
            try:
                graded = grade_submission(submission, 0, self.workers, self._new_cluster, name)
                return loop.run_until_complete(graded)
            except (WorkerFailed, OSError, *UNANSWERED) as error:
                return failed_result(submission, self.level, error, name)


@contextmanager
def lab_for(
    backend: str,
    progress: Report,
    *,
    kubeconfig: Path | None = None,
    context: str = "",
    image: str | None = None,
) -> Iterator[Lab]:
    """Open a lab to grade on, separate from the teacher's own; a kind cluster is created and deleted for it.

    Args:
        backend: ``kind`` or ``existing``.
        progress: Called with each line of progress.
        kubeconfig: For an existing cluster: the file that names it.
        context: Its context; the file's current one when left out.
        image: kind's node image.

    Raises:
        LabkitError: There is no such cluster, or it cannot be created.
    """
    with ExitStack() as stack:
        if backend == "kind":
            # The teacher's own kind cluster has labkit's usual name, and must not be used.
            os.environ.setdefault("LABKIT_KIND_CLUSTER", KIND_CLUSTER)
            lab = Lab("kind", image=image, home=home_path() / "grading", say=progress)
            stack.callback(lab.stop)
        elif kubeconfig is None:
            raise UsageError(
                "No kubeconfig is named.", todo="labkit grade SUBMISSIONS --kubeconfig FILE"
            )
        else:
            home = stack.enter_context(scratch_directory("labkit-grade-"))
            named = context or kubeconfigs.load(kubeconfig).name
            lab = Lab(
                "existing",
                kubeconfig=kubeconfig,
                context=named,
                home=home,
                start=False,
                say=progress,
            )
            # A copy with this context alone: the teacher can change the current one during the grading.
            kubeconfigs.extract(kubeconfig, named, ensure_private(home / "existing") / "kubeconfig")
        yield lab


def disagreements(real: Result, embedded: Result) -> list[str]:
    """List the differences between two results of one submission, among the items that both clusters could judge."""
    lines: list[str] = []
    for task, same_task in zip(real.score.tasks, embedded.score.tasks, strict=True):
        for item, same in zip(task.items, same_task.items, strict=True):
            if item.judged and same.judged and item.ok != same.ok:
                line = text(
                    "{id}: {what}: {seen} On the embedded cluster: {same}",
                    task.id,
                    item.expected,
                    item.seen,
                    same.seen,
                )
                lines.append(line)
    return lines
