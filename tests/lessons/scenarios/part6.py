"""Scenarios of learners in part 6: test the policy."""

from __future__ import annotations

from collections.abc import Callable

from labkit.grading.tasks.task import binding, role
from tests.lessons.paper import (
    ADMIN,
    KIKAI,
    ROLES,
    SCENARIOS,
    Object,
    Paper,
    by_lab,
    scenario,
    tried,
)
from tests.lessons.policy_questions import STORY, TEN, TWO

REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
BOTH = binding("kikai", "test", "Role/service-reader", "kikai/default", "darbo/default")
WIDE_VIEW = binding("", "view-test", "ClusterRole/view", "kikai/default")
T1_RIGHT = {"by the files": "no", "by the cluster": "yes"}


def asked(
    step: str, questions: object, *objects: Object, said: object = None, times: int = 0
) -> Callable[[Paper], None]:
    """Return a learner who recorded questions, and asked the cluster some times."""

    def act(paper: Paper) -> None:
        paper.add(*ROLES, BOTH, *objects)
        if said is not None:
            paper.predict(step, said)
        for _ in range(times):
            paper.ask(ADMIN, REVIEWS, 201, "POST")
        paper.record(step, questions)

    return act


def more(text: str, *lines: str) -> str:
    """Return a file of questions with more lines below the last one."""
    return text + "".join(f"- {line}\n" for line in lines)


MANY = [
    f"{{who: kikai/default, may not: {verb} pods in kikai}}" for verb in ("get", "list", "watch")
]

for name, act in {
    "t1_nothing": tried(BOTH, WIDE_VIEW),
    "t1_misspelt": asked("T1", STORY.replace("list services in darbo", "list service in darbo")),
    "t1_a_namespace_that_is_not_there": asked(
        "T1", STORY.replace("services in darbo", "services in drabo")
    ),
    "t1_no_yaml": asked("T1", "questions: ["),
    "t1_no_questions": asked("T1", "kikai may list"),
    "t1_a_number": asked("T1", 42),
    "t1_turned_round": asked(
        "T1", STORY.replace("may not: list services in darbo", "may: list services in darbo")
    ),
    "t1_three_of_four": asked("T1", STORY.replace(", may not: get services in darbo", "")),
    "t1_another_verb": asked(
        "T1", STORY.replace("may not: list services", "may not: delete services"), times=9
    ),
    "t1_another_resource": asked(
        "T1", STORY.replace("may not: list services", "may not: list pods"), times=9
    ),
    "t1_unasked": asked("T1", STORY, said=T1_RIGHT, times=3),
    "t1_part_5_is_left": asked("T1", STORY, WIDE_VIEW, said=T1_RIGHT, times=4),
    "t1_unpredicted": asked("T1", STORY, times=4),
    "t1_wrong": asked("T1", STORY, said="no", times=4),
    "t1_half_predicted": asked("T1", STORY, said={"by the files": "no"}, times=4),
    "t1_right": asked("T1", STORY, said=T1_RIGHT, times=4),
    "t2_nothing": tried(BOTH),
    "t2_one": asked("T2", TWO.replace("get services in kikai, ", ""), said="more than half"),
    "t2_negative": asked(
        "T2",
        TWO.replace("may: [get services in kikai, ", "may not: get pods in kikai, may: ["),
        said="a few",
    ),
    "t2_about_something_else": asked(
        "T2",
        'questions: [{who: "system:anonymous", may: [get /version, get /healthz]}]',
        said="more than half",
    ),
    "t2_unpredicted": asked("T2", TWO),
    "t2_wrong": asked("T2", TWO, said="a few"),
    "t2_right": asked("T2", TWO, said="more than half"),
    "t3_nothing": tried(BOTH),
    "t3_positive_only": asked("T3", TWO),
    "t3_one_left": asked("T3", TEN.replace("watch services in kikai, ", "")),
    "t3_undeclared": asked("T3", TEN.replace("accounts: [kikai/another, darbo/another]", "")),
    "t3_fails_on_the_right_policy": asked(
        "T3", TEN.replace("delete services in kikai", "get services in kikai")
    ),
    "t3_too_many": asked("T3", more(TEN, *MANY)),
    "t3_right": asked("T3", TEN),
    "t3_twelve": asked("T3", more(TEN, *MANY[:2])),
    "t3_as_python": asked(
        "T3",
        {
            "accounts": ["kikai/another"],
            "questions": [{"who": "kikai/another", "may not": "list pods in kikai"}],
        },
    ),
}.items():
    SCENARIOS[name] = act


@scenario
def t1_asked_as_the_accounts(paper: Paper) -> None:
    """Four requests of the accounts themselves count as the cluster's answers, too."""
    paper.add(*ROLES, BOTH)
    paper.predict("T1", T1_RIGHT)
    for user in (KIKAI, "system:serviceaccount:darbo:default"):
        for space, status in (("kikai", 200), ("darbo", 403)):
            paper.ask(user, f"/api/v1/namespaces/{space}/services", status)
    paper.record("T1", STORY)


# -- T4 ---------------------------------------------------------------------------------------

GAINS = {"kikai by pods/*": "nothing", "kikai by *": "more", "darbo by pods/log": "the logs"}
LOGS = role("kikai", "log-reader", ("get", "", "pods/log"))


def reads_logs(
    *who: str, made: Object = LOGS, to: str = "Role/log-reader"
) -> tuple[Object, Object]:
    return made, binding("kikai", "log-reader", to, *who)


def changed(*objects: Object, said: object = None) -> Callable[[Paper], None]:
    """Return a learner who changed the policy after part 4."""

    def act(paper: Paper) -> None:
        paper.add(*ROLES, BOTH, *objects)
        if said is not None:
            paper.predict("T4", said)
            paper.ask(ADMIN, REVIEWS, 201, "POST")
            paper.ask(ADMIN, REVIEWS, 201, "POST")

    return act


REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@scenario
def t4_unasked(paper: Paper) -> None:
    paper.add(*ROLES, BOTH, *reads_logs("kikai/default"))
    paper.predict("T4", GAINS)
    paper.ask(ADMIN, REVIEWS, 201, "POST")


@scenario
def t4_misspelt(paper: Paper) -> None:
    logs = role("kikai", "log-reader", ("get", "", "pods/logs"))
    paper.add(*ROLES, BOTH, *reads_logs("kikai/default", made=logs))


@scenario
def t4_not_bound(paper: Paper) -> None:
    paper.add(*ROLES, BOTH, LOGS)


@scenario
def t4_the_colleagues_change(paper: Paper) -> None:
    paper.add(
        role("kikai", "service-reader", ("get,list", "", "services,pods/log")), ROLES[1], BOTH
    )
    paper.predict("T4", GAINS)


@scenario
def t4_a_star(paper: Paper) -> None:
    paper.add(role("kikai", "service-reader", ("get,list", "", "*")), ROLES[1], BOTH)
    paper.predict("T4", GAINS)


for name, act in {
    "t4_nothing": changed(said=GAINS),
    "t4_a_star_after_the_slash": changed(
        *reads_logs("kikai/default", made=role("kikai", "log-reader", ("get", "", "pods/*"))),
        said=GAINS,
    ),
    "t4_darbo_too": changed(*reads_logs("kikai/default", "darbo/default"), said=GAINS),
    "t4_a_group": changed(*reads_logs("group:system:serviceaccounts:kikai"), said=GAINS),
    "t4_view": changed(*reads_logs("kikai/default", to="ClusterRole/view"), said=GAINS),
    "t4_pods_as_well": changed(
        *reads_logs(
            "kikai/default", made=role("kikai", "log-reader", ("get", "", "pods,pods/log"))
        ),
        said=GAINS,
    ),
    "t4_services_as_well": changed(
        *reads_logs(
            "kikai/default", made=role("kikai", "log-reader", ("get", "", "services,pods/log"))
        ),
        said=GAINS,
    ),
    "t4_everywhere": changed(
        role("", "logs", ("get", "", "pods/log")),
        binding("", "logs", "ClusterRole/logs", "kikai/default"),
        said=GAINS,
    ),
    "t4_by_the_lab": changed(LOGS, by_lab(reads_logs("kikai/default")[1], "T4"), said=GAINS),
    "t4_unpredicted": changed(*reads_logs("kikai/default")),
    "t4_wrong": changed(
        *reads_logs("kikai/default"), said={**GAINS, "darbo by pods/log": "nothing"}
    ),
    "t4_right": changed(*reads_logs("kikai/default"), said=GAINS),
    "t4_by_a_cluster_role": changed(
        role("", "logs", ("get,list", "", "pods/log")),
        binding("kikai", "l", "ClusterRole/logs", "kikai/default"),
        said=GAINS,
    ),
}.items():
    SCENARIOS[name] = act


# -- T5 and T6 --------------------------------------------------------------------------------

TALLY = "system:serviceaccount:kikai:tally"
USES = {
    "list pods": "used",
    "create configmaps": "missing",
    "patch configmaps": "missing",
    "list secrets": "unused",
}
GUESSED = role("kikai", "tally", ("list,watch", "", "pods"), ("list", "", "secrets"))
LEAST = role("kikai", "tally", ("list", "", "pods"), ("create,patch", "", "configmaps"))
BOUND = binding("kikai", "tally", "Role/tally", "kikai/tally")
ALL = binding("kikai", "tally-all", "ClusterRole/admin", "kikai/tally")
ADMIN_ROLE = {
    **role("", "admin", ("*", "", "*")),
    "metadata": {"name": "admin", "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
}
SIXTEEN = """
accounts: [kikai/another, darbo/tally]
questions:
- who: kikai/tally
  may: [list pods in kikai, create configmaps in kikai, patch configmaps in kikai]
  may not: [watch pods in kikai, delete pods in kikai, create pods in kikai, list pods in darbo,
    list configmaps in kikai, watch configmaps in kikai, delete configmaps in kikai,
    list secrets in kikai, create secrets in kikai]
- {who: kikai/default, may not: list pods in kikai}
- {who: kikai/another, may not: list pods in kikai}
- {who: darbo/tally, may not: list pods in kikai}
- {who: "system:anonymous", may not: list pods in kikai}
"""


def run(paper: Paper, *, refused: bool = False, twice: bool = True) -> None:
    """Let the program run."""
    maps = "/api/v1/namespaces/kikai/configmaps"
    paper.ask(TALLY, "/api/v1/namespaces/kikai/pods")
    paper.ask(TALLY, maps, 403 if refused else 201, "POST")
    if twice and not refused:
        paper.ask(TALLY, "/api/v1/namespaces/kikai/pods")
        paper.ask(TALLY, maps, 409, "POST")
        paper.ask(TALLY, f"{maps}/tally", 200, "PATCH")


def ran(said: object = None, **how: bool) -> Callable[[Paper], None]:
    def act(paper: Paper) -> None:
        paper.add(GUESSED, BOUND, ADMIN_ROLE, ALL)
        if said is not None:
            paper.predict("T5", said)
        run(paper, **how)

    return act


for name, act in {
    "t5_nothing": tried(GUESSED, BOUND),
    "t5_refused": ran(USES, refused=True),
    "t5_once": ran(USES, twice=False),
    "t5_unpredicted": ran(),
    "t5_wrong": ran({**USES, "patch configmaps": "unused"}),
    "t5_right": ran(USES),
}.items():
    SCENARIOS[name] = act


@scenario
def t5_as_the_administrator(paper: Paper) -> None:
    paper.predict("T5", USES)
    paper.ask(ADMIN, "/api/v1/namespaces/kikai/pods")


def kept(
    *objects: Object, questions: object = SIXTEEN, runs: int = 1, twice: bool = True
) -> Callable[[Paper], None]:
    def act(paper: Paper) -> None:
        paper.objects.append(ADMIN_ROLE)
        paper.at_start.append(ADMIN_ROLE)
        paper.add(*objects)
        for _ in range(runs):
            run(paper, twice=twice)
        if questions is not None:
            paper.record("T6", questions)

    return act


def later(obj: Object) -> Object:
    """Return an object, changed after the learner's last request."""
    return {
        **obj,
        "metadata": {**obj["metadata"], "managedFields": [{"time": "2030-01-01T00:00:00Z"}]},
    }


for name, act in {
    "t6_nothing": kept(LEAST, BOUND, runs=0, questions=None),
    "t6_not_run_since": kept(later(LEAST), BOUND),
    "t6_once": kept(LEAST, BOUND, twice=False),
    "t6_still_all_rights": kept(LEAST, BOUND, ALL),
    "t6_as_guessed": kept(GUESSED, BOUND),
    "t6_secrets_left": kept(
        role("kikai", "tally", ("list", "", "pods,secrets"), ("create,patch", "", "configmaps")),
        BOUND,
    ),
    "t6_a_star": kept(role("kikai", "tally", ("list", "", "pods"), ("*", "", "configmaps")), BOUND),
    "t6_by_the_lab": kept(by_lab(LEAST, "T6"), BOUND),
    "t6_for_others_too": kept(
        LEAST, binding("kikai", "tally", "Role/tally", "kikai/tally", "kikai/default")
    ),
    "t6_no_questions": kept(LEAST, BOUND, questions=None),
    "t6_one_left": kept(LEAST, BOUND, questions=SIXTEEN.replace("watch pods in kikai, ", "")),
    "t6_about_another_policy": kept(LEAST, BOUND, questions=TEN),
    "t6_right": kept(LEAST, BOUND),
    "t6_two_roles": kept(
        role("kikai", "a", ("list", "", "pods")),
        role("kikai", "b", ("create,patch", "", "configmaps")),
        binding("kikai", "a", "Role/a", "kikai/tally"),
        binding("kikai", "b", "Role/b", "kikai/tally"),
    ),
}.items():
    SCENARIOS[name] = act
