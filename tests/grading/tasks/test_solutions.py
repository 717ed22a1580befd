"""Every correct solution passes, however written; what grants more, less or elsewhere loses points, with the reason."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kube_embedded.tests.support.slow import slow_but
from kube_embedded.tests.support.some import some
from labkit.grading.graders.grader import Grader
from labkit.grading.judging.result import Result
from labkit.grading.judging.score import TaskScore
from labkit.grading.tasks.seed import Seed
from labkit.grading.tasks.task import Object, pod
from tests.grading.solutions import MISTAKES, RBAC, SHAPES, TASKS, applied, asked, kubectl, role
from tests.grading.support import SETUP, grade, submit

MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
EXERCISES = {
    "1": "ex1-api-server",
    "2": "ex2-inside-a-pod",
    "3": "ex3-service-accounts",
    "5": "ex5-cluster-roles",
    "6": "ex6-final",
}


QUICK = [task for task in TASKS if not task.startswith("6")]
"""Those of exercise 6 ask for the same, in larger clusters."""


def judged(
    grader: Grader, folder: Path, task: str, learner: str, exercise: str, *cells: str
) -> TaskScore:
    """The score of one task of one learner's notebook."""
    submit(folder, learner, exercise, [SETUP.replace("ex4-roles", exercise), *cells])
    result: Result = grade(grader, folder)[learner]
    assert result.complete, result.outcome
    return next(entry for entry in result.score.tasks if entry.id == task)


@pytest.mark.parametrize("task", slow_but(TASKS, *QUICK))
def test_every_way_of_granting_it_gets_full_marks(
    task: str, grader: Grader, tmp_path: Path
) -> None:
    shapes = [
        shape for shape in SHAPES if shutil.which("kubectl") or "kubectl" not in shape.__name__
    ]
    for shape in shapes:
        want = asked(task, shape.__name__)
        cells = [SETUP.replace("ex4-roles", want.exercise)]
        # Without kubectl the first lines cannot be run; what is made anew then stands beside what was there.
        cells += [kubectl(*want.first), shape(want)] if shutil.which("kubectl") else [shape(want)]
        submit(tmp_path, shape.__name__, want.exercise, cells)
    for learner, result in some(grade(grader, tmp_path).items()):
        found = next(entry for entry in result.score.tasks if entry.id == task)
        assert found.full, (
            f"{learner}: {[item for item in found.items if not item.ok]}\n{result.output}"
        )
        assert found.least_privilege == 1.0


@pytest.mark.parametrize("task", slow_but(TASKS, *QUICK))
def test_every_way_of_granting_too_much_loses_points(
    task: str, grader: Grader, tmp_path: Path
) -> None:
    for mistake, made in MISTAKES.items():
        if mistake == "left-open" and not shutil.which("kubectl"):
            continue
        want = asked(task, mistake)
        submit(
            tmp_path,
            mistake,
            want.exercise,
            [SETUP.replace("ex4-roles", want.exercise), made(want)],
        )
    for mistake, result in some(grade(grader, tmp_path).items()):
        found = next(entry for entry in result.score.tasks if entry.id == task)
        assert result.complete, result.outcome
        assert found.points < found.most, mistake
        wrong = [item for item in found.items if not item.ok]
        assert wrong, mistake
        assert all(item.expected and item.seen and item.hint for item in wrong)
        if mistake not in (
            "elsewhere",
            "everybody",
            "a-group-of-the-namespace",
            "another-account-too",
            "left-open",
        ):
            assert found.excess, mistake


def test_one_mistake_is_charged_where_it_was_made(grader: Grader, tmp_path: Path) -> None:
    """What task 4.2 asks for, given to everybody: the accounts of 4.1 and 4.3 have it too, and did nothing wrong."""
    want = asked("4.2", "eve")
    mistake = MISTAKES["everybody"](want)
    submit(
        tmp_path,
        "eve",
        want.exercise,
        [SETUP, mistake, *(SHAPES[0](asked(task, "eve")) for task in ("4.1", "4.3"))],
    )
    tasks = {task.id: task for task in grade(grader, tmp_path)["eve"].score.tasks}
    assert tasks["4.1"].full
    assert tasks["4.3"].full
    assert any("system:authenticated" in line for line in tasks["4.2"].excess)


def test_what_no_request_can_do_costs_nothing(grader: Grader, tmp_path: Path) -> None:
    """``kubectl create role --verb=get,list --resource=pods,pods/log``: nobody can list logs."""
    want = asked("4.4", "ann")
    rule = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "pods/log"]}
    objects = [role(want.spaces[0], "mine", [rule])]
    objects.append(
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "mine", "namespace": want.spaces[0]},
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "mine"},
            "subjects": [want.service_account],
        }
    )
    found = judged(grader, tmp_path, "4.4", "ann", want.exercise, applied(objects))
    assert found.full
    assert not found.excess


def test_a_changed_default_role_is_no_hiding_place(grader: Grader, tmp_path: Path) -> None:
    want = asked("4.1", "eve")
    read = f'view = lab.admin.get("/apis/{RBAC}/v1/clusterroles/system:basic-user").body'
    rule = {"verbs": ["get", "list", "watch"], "apiGroups": ["batch"], "resources": ["jobs"]}
    write = f'view["rules"].append({rule!r})\nlab.admin.put("/apis/{RBAC}/v1/clusterroles/system:basic-user", view)'
    found = judged(grader, tmp_path, "4.1", "eve", want.exercise, read, write)
    assert any("jobs" in line for line in found.excess)


def config_map(space: str, name: str, **data: str) -> str:
    """A cell that writes one."""
    metadata = {"name": name, "namespace": space}
    return applied([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}])


def with_volume(space: str, name: str, volume: Object, path: str = MOUNT, **spec: object) -> Object:
    """A pod that mounts a volume."""
    made = pod(space, name, volumes=[{"name": "v", **volume}], **spec)  # type: ignore[arg-type]  # a pod's own fields
    made["spec"]["containers"][0]["volumeMounts"] = [{"name": "v", "mountPath": path}]
    return made


TOKEN = {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
EMPTY: Object = {"emptyDir": {}}
OLD = "kubernetes.io/service-account-token"


def cases(learner: str) -> dict[str, tuple[str, bool, str]]:
    """Solutions of the tasks that are not about grants alone: the task, whether it is one, the cell."""
    name = Seed(learner).name
    gate, seen = name("gate"), name("seen")
    facts, report = name("facts"), name("report")
    quiet, mute = name("quiet"), name("mute")
    attic, elder, scroll = name("attic"), name("elder"), name("scroll")
    holds = {"kubernetes.io/service-account.name": elder}
    metadata = {"name": scroll, "namespace": attic, "annotations": holds}
    old = {"apiVersion": "v1", "kind": "Secret", "type": OLD, "metadata": metadata}
    annex, view = name("annex"), name("view")
    things = f"{name('crew')}.example.com", Seed(learner).one("thing", ("boats", "kites", "drums"))
    more = role(
        "", view, [{"verbs": ["get", "list"], "apiGroups": [things[0]], "resources": [things[1]]}]
    )
    aggregated = {
        **more,
        "metadata": {"name": view, "labels": {f"{RBAC}/aggregate-to-view": "true"}},
    }
    only_list = {**aggregated, "rules": [{**more["rules"][0], "verbs": ["list"]}]}
    updates = {**aggregated, "rules": [{**more["rules"][0], "verbs": ["get", "list", "update"]}]}
    direct = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "direct", "namespace": annex},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": view},
        "subjects": [{"kind": "ServiceAccount", "namespace": annex, "name": name("reader")}],
    }
    to_view = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"}
    both = [
        {"kind": "ServiceAccount", "namespace": annex, "name": name(label)}
        for label in ("reader", "witness")
    ]
    anew = {**direct, "roleRef": to_view, "subjects": both}
    unbound = f'lab.admin.delete("/apis/{RBAC}/v1/namespaces/{annex}/rolebindings/reader")\n'
    shop, till, loose = name("shop"), name("till"), name("convenience")
    closed = f'lab.admin.delete("/apis/{RBAC}/v1/clusterrolebindings/{loose}")\n'

    def lister(verbs: str, subject: Object) -> str:
        rule = {"verbs": verbs.split(","), "apiGroups": [""], "resources": ["configmaps"]}
        bound = {**direct, "metadata": {"name": "l", "namespace": shop}, "subjects": [subject]}
        bound["roleRef"] = {"apiGroup": RBAC, "kind": "Role", "name": "l"}
        return closed + applied([role(shop, "l", [rule]), bound])

    cashier = {"kind": "ServiceAccount", "namespace": shop, "name": till}
    group = {"kind": "Group", "apiGroup": RBAC, "name": f"system:serviceaccounts:{shop}"}
    pod_space, worker, app = name("mute-ns"), name("worker"), name("app")
    own_token = with_volume(
        pod_space, app, TOKEN, serviceAccountName=worker, automountServiceAccountToken=False
    )
    no_token = with_volume(pod_space, app, EMPTY, serviceAccountName=worker)
    gone = f'lab.admin.delete("/api/v1/namespaces/{pod_space}/pods/{app}?gracePeriodSeconds=0")\n'
    version = 'lab.admin.get("/version").body["gitVersion"]'
    return {
        "a-file-ends-with-a-newline": (
            "1.2",
            True,
            config_map(facts, report, version="VERSION").replace("'VERSION'", f'{version} + "\\n"'),
        ),
        "401-where-it-was-403": ("1.4", False, config_map(gate, seen, user="unauthorized")),
        "a-volume-over-the-token": ("2.3", True, applied([with_volume(quiet, mute, EMPTY)])),
        "a-token-at-another-path": (
            "2.3",
            False,
            applied(
                [with_volume(quiet, mute, TOKEN, "/elsewhere", automountServiceAccountToken=False)]
            ),
        ),
        "an-old-secret": ("3.4", True, applied([old])),
        "a-token-that-is-none": (
            "3.4",
            False,
            applied([{**old, "stringData": {"token": "eyJ.eyJ.x"}}]),
        ),
        "aggregated": ("5.3", True, applied([aggregated])),
        "aggregated-and-view-bound-anew": ("5.3", True, unbound + applied([aggregated, anew])),
        "only-to-list": ("5.3", False, applied([only_list])),
        "and-to-update": ("5.3", False, applied([updates])),
        "past-view": ("5.3", False, applied([more, direct])),
        "just-the-list": ("6.2", True, lister("list", cashier)),
        "list-and-get": ("6.2", True, lister("get,list", cashier)),
        "list-and-delete": ("6.2", False, lister("list,delete", cashier)),
        "list-for-all": ("6.2", False, lister("list", group)),
        "a-volume-of-its-own": ("6.3", True, gone + applied([own_token])),
        "an-empty-volume": ("6.3", False, gone + applied([no_token])),
        "a-pod-that-crashes": (
            "6.3",
            False,
            gone + applied([pod(pod_space, app, command=("false",), serviceAccountName=worker)]),
        ),
    }


@pytest.mark.parametrize("case", cases(""))
def test_odd_and_nearly_right_solutions(case: str, grader: Grader, tmp_path: Path) -> None:
    task, right, cell = cases(case)[case]
    found = judged(grader, tmp_path, task, case, EXERCISES[task[0]], cell)
    assert found.full is right, found.items
    assert right or all(item.seen and item.hint for item in found.items if not item.ok)


def test_a_notebooks_shell_finds_the_same_python(grader: Grader, tmp_path: Path) -> None:
    submit(
        tmp_path,
        "ann",
        "ex4-roles",
        ["!python -c 'import labkit; print(\"found\", labkit.__name__)'"],
    )
    result = grade(grader, tmp_path)["ann"]
    assert "found labkit" in result.output
    assert "WARNING" not in result.output
