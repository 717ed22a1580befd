"""Scenarios of learners in part 5: cluster roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labkit.grading.tasks.task import binding, role
from tests.lessons.paper import KIKAI, READER, SCENARIOS, VIEW, Paper, by_lab, scenario, tried

# -- W20 to W24: cluster roles ----------------------------------------------------------------


def volumes(*objects: dict[str, object]) -> Callable[[Paper], None]:
    return tried(READER, *objects, roles=False)


LOCAL_VIEW = binding("kikai", "view-test", "ClusterRole/view", "kikai/default")
LOCAL_READER = binding("kikai", "pv-test", "ClusterRole/pv-reader", "kikai/default")
WIDE_READER = binding("", "pv-test", "ClusterRole/pv-reader", "kikai/default")
WIDE_VIEW = binding("", "view-test", "ClusterRole/view", "kikai/default")
WATCHING = (
    role("kikai", "r", ("watch", "", "services")),
    binding("kikai", "r", "Role/r", "kikai/default"),
)
OTHER = binding("kikai", "other", "Role/service-reader", "darbo/default")

for name, act in {
    "w20_nothing": tried(role("kikai", "other")),
    "w20_role": tried(
        role("kikai", "other"), role("kikai", "pv-reader"), role("darbo", "pv-reader")
    ),
    "w20_by_the_lab": tried(by_lab(READER, "W20")),
    "w20_by_the_lab_earlier": tried(by_lab(READER, "W19")),
    "w20_too_much": tried(
        role("", "pv-reader", ("get,list,watch", "", "persistentvolumes,pv,persistentvolumeclaims"))
    ),
    "w20_too_little": tried(role("", "pv-reader", ("get,list", "", "persistentvolume"))),
    "w20_bound_too_early": volumes(binding("", "b", "ClusterRole/edit", "kikai/default")),
    "w20_right": volumes(),
    "w22_nothing": volumes(),
    "w22_a_part_of_view": volumes(*WATCHING),
    "w22_edit": volumes(binding("", "b", "ClusterRole/edit", "darbo/default")),
    "w22_cluster_wide": volumes(WIDE_VIEW),
    "w22_reader_cluster_wide": volumes(WIDE_READER, LOCAL_VIEW),
    "w22_only_reader": volumes(LOCAL_READER),
    "w22_only_view": volumes(LOCAL_VIEW),
    "w22_view_of_another": volumes(
        binding("kikai", "b", "ClusterRole/view", "darbo/default"), LOCAL_READER
    ),
    "w22_own_role": volumes(
        role("kikai", "r", ("get,list", "", "pods")),
        binding("kikai", "r", "Role/r", "kikai/default"),
        LOCAL_READER,
    ),
    "w22_a_role_of_that_name": volumes(
        LOCAL_VIEW,
        role("kikai", "pv-reader"),
        binding("kikai", "pv", "Role/pv-reader", "kikai/default"),
    ),
    "w22_no_such_role": tried(LOCAL_VIEW, LOCAL_READER, roles=False),
    "w22_too_much": volumes(
        LOCAL_VIEW, LOCAL_READER, binding("kikai", "b", "ClusterRole/edit", "kikai/default")
    ),
    "w22_by_the_lab": volumes(by_lab(LOCAL_VIEW, "W22"), LOCAL_READER),
    "w22_unpredicted": volumes(LOCAL_VIEW, LOCAL_READER),
    "w22_unpredicted_and_wide": volumes(LOCAL_VIEW, LOCAL_READER, WIDE_READER),
    "w22_a_group": volumes(
        binding("kikai", "b", "ClusterRole/view", "group:system:serviceaccounts:kikai")
    ),
    "w22_darbo": volumes(binding("kikai", "b", "ClusterRole/view", "darbo/default")),
    "w22_reader_for_darbo": volumes(
        binding("kikai", "b", "ClusterRole/pv-reader", "darbo/default")
    ),
    "w22_view_in_darbo_too": volumes(
        LOCAL_VIEW, LOCAL_READER, binding("darbo", "v", "ClusterRole/view", "kikai/default")
    ),
    "w23_nothing": volumes(),
    "w23_local": volumes(LOCAL_READER, OTHER),
    "w23_another_local": volumes(OTHER),
    "w23_another_subject": volumes(
        LOCAL_READER, binding("", "b", "ClusterRole/pv-reader", "darbo/default")
    ),
    "w23_no_role": tried(WIDE_READER, roles=False),
    "w23_too_much": volumes(WIDE_READER, binding("", "b", "ClusterRole/edit", "kikai/default")),
    "w23_by_the_lab": volumes(by_lab(WIDE_READER, "W23")),
    "w23_right": volumes(WIDE_READER),
    "w24_nothing": volumes(WIDE_READER),
    "w24_a_part_of_view": volumes(*WATCHING),
    "w24_too_much": volumes(binding("darbo", "b", "ClusterRole/edit", "darbo/default")),
    "w24_local": volumes(WIDE_READER, LOCAL_VIEW),
    "w24_no_role": volumes(binding("", "b", "ClusterRole/vie", "kikai/default")),
    "w24_edit": volumes(binding("", "b", "ClusterRole/edit", "kikai/default")),
    "w24_by_the_lab": volumes(by_lab(WIDE_VIEW, "W24")),
    "w24_unpredicted": volumes(WIDE_VIEW),
    "w24_a_group": volumes(binding("", "b", "ClusterRole/view", "group:system:serviceaccounts")),
}.items():
    SCENARIOS[name] = act


@scenario
def w24_view_has_grown(paper: Paper) -> None:
    volumes(WIDE_VIEW)(paper)
    paper.objects[0] = {
        **VIEW,
        "rules": [*VIEW["rules"], {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}],
    }


def guessed(step: str, said: object, *objects: dict[str, object]) -> Callable[[Paper], None]:
    def act(paper: Paper) -> None:
        paper.add(READER, *objects)
        paper.predict(step, said)

    return act


for name, act in {
    "w22_right": guessed(
        "W22",
        {"pods in kikai": "yes", "pods in darbo": "no", "persistent volumes": "no"},
        LOCAL_VIEW,
        LOCAL_READER,
    ),
    "w22_wrong": guessed(
        "W22",
        {"pods in kikai": "yes", "pods in darbo": "no", "persistent volumes": "yes"},
        LOCAL_VIEW,
        LOCAL_READER,
    ),
    "w24_unasked": guessed("W24", "no", WIDE_VIEW),
    "w24_wrong": guessed("W24", {"pods before": "no", "secrets after": "yes"}, WIDE_VIEW),
    "w24_wrong_before": guessed("W24", "yes", WIDE_VIEW),
}.items():
    SCENARIOS[name] = act


PLACES = {
    "/api/v1/namespaces/kikai/pods": 200,
    "/api/v1/namespaces/darbo/pods": 403,
    "/api/v1/persistentvolumes": 403,
}


def after(name: str, asked: Mapping[str, int] = PLACES) -> Callable[[Paper], None]:
    """Return a scenario, and the requests that its learner made afterwards."""
    act = SCENARIOS[name]

    def also(paper: Paper) -> None:
        act(paper)
        for path, status in asked.items():
            paper.ask(KIKAI, path, status)

    return also


SCENARIOS["w22_unasked"] = SCENARIOS["w22_right"]
SCENARIOS["w23_unasked"] = SCENARIOS["w23_right"]
for name in ("w22_right", "w22_wrong", "w22_unpredicted", "w22_unpredicted_and_wide"):
    SCENARIOS[name] = after(name)
SCENARIOS["w23_right"] = after("w23_right", {"/api/v1/persistentvolumes": 200})


@scenario
def w24_no_secrets_asked(paper: Paper) -> None:
    SCENARIOS["w24_unasked"](paper)
    paper.ask(KIKAI, "/api/v1/pods")


@scenario
def w24_right(paper: Paper) -> None:
    w24_no_secrets_asked(paper)
    paper.ask(KIKAI, "/api/v1/secrets", 403)
