"""The prepared faults: each is refused, mended by what its cause suggests, and by nothing wider."""

from __future__ import annotations

from typing import Any

import pytest

from labkit import Lab, check
from labkit.core.errors import UsageError
from labkit.lessons import faults
from labkit.lessons.base import Outcome
from tools import notebooks

RBAC = "/apis/rbac.authorization.k8s.io/v1"
GROUP = "rbac.authorization.k8s.io"
KINDS = [(step, kind) for step, entry in faults.ENTRIES.items() for kind in entry["faults"]]


@pytest.fixture
def own(lab: Lab) -> Lab:
    """Provide a lab at its beginning, without objects of faults."""
    return lab


def broken(lab: Lab, step: str, kind: str) -> faults.Fault:
    lab.progress.note(step, drawn=kind)
    return lab.fault(step)


def verdict(step: str) -> Outcome:
    outcome: Outcome = check(step)
    return outcome


def clerk(name: str = "clerk", namespace: str = "shop") -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def bind(
    lab: Lab,
    role: dict[str, str],
    subjects: list[dict[str, str]],
    name: str = "mended",
    kind: str = "RoleBinding",
    namespace: str = "shop",
) -> None:
    metadata = {"name": name} | ({"namespace": namespace} if kind == "RoleBinding" else {})
    body = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata}
    lab.apply(body | {"roleRef": {"apiGroup": GROUP, **role}, "subjects": subjects})


def solved_cells(step: str) -> str:
    part = faults.ENTRIES[step]["part"]
    document = notebooks.notebook(notebooks.SOURCES / f"{part}.py", solved=True)
    cells = [cell for cell in document.cells if cell.cell_type == "code"]
    sources = [str(cell.source) for cell in cells]
    begin = sources.index(f'lab.fault("{step}")')
    return "\n".join(sources[begin + 1 : sources.index(f'check("{step}")')])


@pytest.mark.parametrize(("step", "kind"), KINDS)
def test_a_fault_is_refused_and_the_notebook_s_solution_mends_it(
    own: Lab, step: str, kind: str
) -> None:
    assert verdict(step).state == "not attempted"
    found = broken(own, step, kind)
    assert found.answer.status == 403
    assert found.answer.message in found.card().text()
    assert verdict(step).state == "failed"
    names: dict[str, Any] = {"lab": own}
    exec(solved_cells(step), names)
    outcome = verdict(step)
    assert outcome.passed, outcome
    assert outcome.hint == faults.ENTRIES[step]["faults"][kind]["why"]


def test_each_part_from_3_to_5_has_one_and_there_are_at_least_six_kinds() -> None:
    assert [entry["part"][:2] for entry in faults.ENTRIES.values()] == ["03", "04", "05"]
    assert len({kind for _, kind in KINDS}) >= 6


VIEW = {"kind": "ClusterRole", "name": "view"}
STOCK = {"kind": "Role", "name": "stock"}


@pytest.mark.parametrize(
    ("step", "kind", "role", "subject", "binding"),
    [
        ("A11", "subject-elsewhere", VIEW, clerk(), "RoleBinding"),
        ("A11", "subject-elsewhere", VIEW, clerk(), "ClusterRoleBinding"),
        ("A11", "binding-elsewhere", STOCK, clerk("default"), "RoleBinding"),
        (
            "A11",
            "binding-elsewhere",
            STOCK,
            {"apiGroup": GROUP, "kind": "Group", "name": "system:serviceaccounts"},
            "RoleBinding",
        ),
        ("A12", "role-instead-of-cluster-role", VIEW, clerk(), "ClusterRoleBinding"),
        (
            "A12",
            "role-instead-of-cluster-role",
            {"kind": "ClusterRole", "name": "edit"},
            clerk(),
            "RoleBinding",
        ),
    ],
)
def test_what_allows_more_is_too_much(
    own: Lab, step: str, kind: str, role: dict[str, str], subject: dict[str, str], binding: str
) -> None:
    broken(own, step, kind)
    bind(own, role, [subject], kind=binding)
    outcome = verdict(step)
    assert outcome.state == "failed"
    if subject["name"] != "default":
        assert outcome.seen.startswith("too much: ")


def test_what_stays_in_the_other_namespace_is_too_much_if_it_grants(own: Lab) -> None:
    broken(own, "A11", "binding-elsewhere")
    bind(own, STOCK, [clerk()])
    assert verdict("A11").passed
    own.progress.forget("A11")
    broken(own, "A11", "binding-elsewhere")
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}
    role = {"metadata": {"name": "stock"}, "rules": [rule]}
    own.admin.post(f"{RBAC}/namespaces/annex/roles", role)
    left = verdict("A11")
    assert (left.state, "in annex" in left.seen) == ("failed", True)


def test_other_ways_to_mend_it_pass(own: Lab) -> None:
    broken(own, "A11", "renamed-role")
    bind(own, {"kind": "Role", "name": "stock-reader"}, [clerk()], name="another")
    assert verdict("A11").passed
    broken(own, "A12", "user-instead-of-account")
    user = {"apiGroup": GROUP, "kind": "User", "name": "system:serviceaccount:shop:clerk"}
    bind(own, VIEW, [user])
    assert "user clerk" in verdict("A12").seen
    own.admin.delete(f"{RBAC}/namespaces/shop/rolebindings/looking")
    assert verdict("A12").passed


def test_the_right_account_without_a_token_and_a_token_of_another_account(own: Lab) -> None:
    broken(own, "A10", "no-token")
    assert verdict("A10").kind == "no-token"
    broken_again = own.fault("A10", fresh=True)
    assert own.progress.entry("A10")["drawn"] == "another-account"
    assert broken_again.answer.status == 403
    assert verdict("A10").kind == "pod-as-another"
    own.admin.delete("/api/v1/namespaces/shop/pods/desk")
    assert verdict("A10").kind == "missing-part"


def test_a_fault_stays_the_learner_s_and_work_on_it_is_not_undone(own: Lab) -> None:
    broken(own, "A11", "version-as-group")
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}
    own.admin.patch(f"{RBAC}/namespaces/shop/roles/stock", {"rules": [rule]})
    assert own.fault("A11").answer.status == 200
    assert verdict("A11").passed


def test_a_scene_does_not_count_against_the_walkthrough_nor_the_other_way_round(own: Lab) -> None:
    own.rewind("W17")
    broken(own, "A11", "renamed-role")
    bind(own, {"kind": "Role", "name": "stock-reader"}, [clerk()])
    own.apply("04-roles/W17-rolebinding-test.yaml")
    assert not verdict("W17").seen.startswith("too much")
    wide = [{"kind": "ServiceAccount", "name": "default", "namespace": "darbo"}]
    bind(own, VIEW, wide, "wide", namespace="darbo")
    assert verdict("W17").seen.startswith("too much")
    assert verdict("A11").passed


def test_another_step_has_no_fault(own: Lab) -> None:
    with pytest.raises(UsageError, match="no prepared fault"):
        own.fault("A1")
