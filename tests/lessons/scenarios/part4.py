"""Scenarios of learners in part 4: roles, and the steps that only look."""

from __future__ import annotations

from collections.abc import Callable

from labkit.client.prefix import Names
from labkit.grading.tasks.task import binding, role
from tests.lessons.paper import (
    BOUND,
    DARBO,
    EDIT,
    KIKAI,
    REFUSED,
    ROLES,
    SCENARIOS,
    VIEW,
    Paper,
    by_lab,
    namespaces,
    pod,
    scenario,
    tried,
    waiting,
)

# -- W14: two namespaces ----------------------------------------------------------------------


@scenario
def w14_nothing(paper: Paper) -> None:
    pass


@scenario
def w14_in_default(paper: Paper) -> None:
    paper.add(pod("test"), pod("test", "a"), pod("other", "b"))


@scenario
def w14_one_namespace(paper: Paper) -> None:
    paper.add(*namespaces("kikai"), pod("test", "kikai"))
    paper.printed["localhost:8001"] = "{}"


@scenario
def w14_no_kikai(paper: Paper) -> None:
    paper.add(*namespaces("darbo"), pod("test", "darbo"))


@scenario
def w14_no_pod(paper: Paper) -> None:
    paper.add(*namespaces("kikai", "darbo"), pod("test", "darbo"))


def two(paper: Paper, first: dict[str, object], second: dict[str, object] | None = None) -> None:
    paper.add(*namespaces("kikai", "darbo"), first, second or pod("test", "darbo"))
    paper.printed["kikai/test main: curl -s -A labkit-check http://localhost:8001/version"] = "{}"


@scenario
def w14_by_the_lab(paper: Paper) -> None:
    two(paper, by_lab(pod("test", "kikai"), "W14"))


@scenario
def w14_pending(paper: Paper) -> None:
    two(paper, pod("test", "kikai", state=waiting("ErrImagePull")))


@scenario
def w14_by_a_deployment(paper: Paper) -> None:
    made = pod("test-6d4f-x", "kikai")
    two(
        paper,
        {
            **made,
            "metadata": {
                **made["metadata"],
                "ownerReferences": [{"controller": True, "name": "test-6d4f"}],
            },
        },
    )


@scenario
def w14_account(paper: Paper) -> None:
    two(paper, pod("test", "kikai", serviceAccountName="own"))


@scenario
def w14_no_token(paper: Paper) -> None:
    two(paper, pod("test", "kikai", token=False))


@scenario
def w14_silent(paper: Paper) -> None:
    two(paper, pod("test", "kikai"))


@scenario
def w14_right(paper: Paper) -> None:
    two(paper, pod("test", "kikai"))
    paper.printed["darbo/test main: curl"] = "{}"


# -- W15, W19, W21: the requests --------------------------------------------------------------

SERVICES = "/api/v1/namespaces/kikai/services"


@scenario
def w15_nothing(paper: Paper) -> None:
    pass


@scenario
def w15_asked_first(paper: Paper) -> None:
    paper.ask(KIKAI, SERVICES, 403)


@scenario
def w15_asked_first_something_else(paper: Paper) -> None:
    paper.ask(KIKAI, "/api/v1/namespaces/kikai/pods", 403)


@scenario
def w15_predicted(paper: Paper) -> None:
    paper.predict("W15", "forbidden")
    paper.run("kikai/test", "sh")


@scenario
def w15_in_a_shell(paper: Paper) -> None:
    paper.predict("W15", "forbidden")
    paper.logged = False
    paper.run("kikai/test", "ls")
    paper.run("kikai/test", "sh")


@scenario
def w15_right(paper: Paper) -> None:
    paper.predict("W15", "no")
    paper.ask(KIKAI, SERVICES)
    paper.ask(KIKAI, SERVICES, 403)
    paper.ask(KIKAI, SERVICES, 403)


@scenario
def w15_right_without_a_log(paper: Paper) -> None:
    paper.predict("W15", "no")
    paper.logged = False
    paper.run("kikai/test", f"curl localhost:8001{SERVICES}x", REFUSED)
    paper.run("kikai/test", f"curl localhost:8001{SERVICES}", "nothing")
    paper.run("darbo/test", f"curl localhost:8001{SERVICES}", REFUSED)
    paper.run("kikai/test", f"curl localhost:8001{SERVICES}", REFUSED)


@scenario
def w15_right_with_a_prefix(paper: Paper) -> None:
    paper.names = Names("ann")
    paper.predict("W15", "no")
    paper.logged = False
    paper.run("ann-kikai/test", f"curl localhost:8001{SERVICES}", REFUSED)


@scenario
def w15_wrong(paper: Paper) -> None:
    paper.predict("W15", "yes")
    paper.ask(KIKAI, SERVICES, 403)


@scenario
def w15_allowed_by_now(paper: Paper) -> None:
    paper.predict("W15", "no")
    paper.ask(KIKAI, SERVICES)


def missed(
    path: str, status: int = 403, user: str = KIKAI, method: str = "GET"
) -> Callable[[Paper], None]:
    def act(paper: Paper) -> None:
        paper.predict("W15", "no")
        paper.ask(user, path, status, method=method)

    return act


for name, act in {
    "as_another": missed(SERVICES, user=DARBO),
    "with_a_bad_credential": missed(SERVICES, 401, user=""),
    "by_can_i": missed(
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", 201, method="POST"
    ),
    "by_writing": missed(SERVICES, method="POST"),
    "another_group": missed("/apis/apps/v1/namespaces/kikai/services"),
    "one_object": missed(f"{SERVICES}/kubernetes"),
    "everywhere": missed("/api/v1/services"),
    "another_namespace": missed("/api/v1/namespaces/darbo/services"),
    "misspelt": missed("/api/v1/namespaces/kikai/Service"),
    "a_little_like_it": missed("/api/v1/namespaces/kikai/secrets"),
    "something_else": missed("/api/v1/namespaces/kikai/pods"),
    "a_path": missed("/version", 200),
    "nobody_else": missed("/version", 200, user=DARBO),
}.items():
    SCENARIOS[f"w15_{name}"] = act


@scenario
def w15_nearest(paper: Paper) -> None:
    paper.predict("W15", "no")
    paper.ask(KIKAI, f"{SERVICES}/a", 403)
    paper.ask(KIKAI, f"{SERVICES}/b", 403)
    paper.ask(KIKAI, "/api/v1/namespaces/darbo/services", 403)
    paper.ask(KIKAI, "/version", 403)


@scenario
def w19_predicted(paper: Paper) -> None:
    paper.predict("W19", {"kikai": "yes", "darbo": "no"})


@scenario
def w19_half(paper: Paper) -> None:
    paper.predict("W19", {"kikai": "yes", "darbo": "no"})
    paper.ask(DARBO, SERVICES)


@scenario
def w19_half_predicted(paper: Paper) -> None:
    paper.predict("W19", {"kikai": "yes"})
    paper.ask(DARBO, SERVICES)
    paper.ask(DARBO, "/api/v1/namespaces/darbo/services", 403)


@scenario
def w19_right(paper: Paper) -> None:
    paper.predict("W19", {"kikai": "yes", "darbo": "no"})
    paper.ask(DARBO, "/api/v1/namespaces/darbo/services", 403)
    paper.ask(DARBO, SERVICES)


@scenario
def w19_wrong(paper: Paper) -> None:
    paper.predict("W19", "yes")
    paper.ask(DARBO, SERVICES)
    paper.ask(DARBO, "/api/v1/namespaces/darbo/services", 403)


@scenario
def w19_before_w18(paper: Paper) -> None:
    paper.predict("W19", {"kikai": "yes", "darbo": "no"})
    paper.ask(DARBO, SERVICES, 403)


@scenario
def w19_bound_in_darbo(paper: Paper) -> None:
    paper.predict("W19", {"kikai": "yes", "darbo": "no"})
    paper.ask(DARBO, SERVICES)
    paper.ask(DARBO, "/api/v1/namespaces/darbo/services")


@scenario
def w19_nothing(paper: Paper) -> None:
    pass


@scenario
def w21_nothing(paper: Paper) -> None:
    pass


@scenario
def w21_predicted(paper: Paper) -> None:
    paper.predict("W21", "no")


@scenario
def w21_right(paper: Paper) -> None:
    paper.predict("W21", "no")
    paper.ask(KIKAI, "/api/v1/persistentvolumes", 403)


@scenario
def w21_in_a_namespace(paper: Paper) -> None:
    paper.predict("W21", "no")
    paper.ask(KIKAI, "/api/v1/namespaces/kikai/persistentvolumes", 403)


@scenario
def w21_allowed_by_now(paper: Paper) -> None:
    paper.predict("W21", "no")
    paper.ask(KIKAI, "/api/v1/persistentvolumes")


# -- W16: roles -------------------------------------------------------------------------------


@scenario
def w16_nothing(paper: Paper) -> None:
    pass


@scenario
def w16_cluster_role(paper: Paper) -> None:
    paper.add(role("", "service-reader", ("get,list", "", "services")))


@scenario
def w16_one(paper: Paper) -> None:
    paper.add(ROLES[0])


@scenario
def w16_other_one(paper: Paper) -> None:
    paper.add(ROLES[1])


@scenario
def w16_by_the_lab(paper: Paper) -> None:
    paper.add(ROLES[0], by_lab(ROLES[1], "W16"))


def written(*rules: tuple[str, str, str], **more: object) -> Callable[[Paper], None]:
    def act(paper: Paper) -> None:
        own = role("kikai", "service-reader", *rules)
        for rule in own["rules"]:
            rule.update(more)
        paper.add(own, ROLES[1])

    return act


for name, act in {
    "without_rules": written(),
    "rules_about_nothing": written(("get,list", "", ""), apiGroups=None, resources=None),
    "another_group": written(("get,list", "core", "services")),
    "singular": written(("get,list", "", "service")),
    "capitals": written(("GET,list", "", "services")),
    "names": written(("get,list", "", "services"), resourceNames=["a"]),
    "one_verb": written(("get", "", "services")),
    "the_other_verb": written(("list", "", "services")),
    "another_verb": written(("get,list,watch", "", "services,service,pods,pods")),
    "another_resource": written(("get,list", "", "services"), ("get", "apps", "deployments,svc")),
    "everything": written(("*", "*", "*"), nonResourceURLs=["/metrics"]),
}.items():
    SCENARIOS[f"w16_{name}"] = act


@scenario
def w16_bound_too_early(paper: Paper) -> None:
    paper.add(*ROLES, binding("kikai", "b", "ClusterRole/edit", "kikai/default"))


SERVICES_OF_KIKAI = "/api/v1/namespaces/kikai/services"


@scenario
def w16_bound_as_later(paper: Paper) -> None:
    paper.add(*ROLES, BOUND)
    paper.predict("W16", "no")
    paper.ask(KIKAI, SERVICES_OF_KIKAI, 403)


@scenario
def w16_right(paper: Paper) -> None:
    paper.add(*ROLES)
    paper.predict("W16", "no")
    paper.ask(KIKAI, SERVICES_OF_KIKAI, 403)


@scenario
def w16_unasked(paper: Paper) -> None:
    paper.add(*ROLES)
    paper.predict("W16", "no")


@scenario
def w16_asked_by_another(paper: Paper) -> None:
    w16_unasked(paper)
    paper.ask(DARBO, SERVICES_OF_KIKAI, 403)


@scenario
def w16_unpredicted(paper: Paper) -> None:
    paper.add(*ROLES)
    paper.ask(KIKAI, SERVICES_OF_KIKAI, 403)


@scenario
def w16_wrong(paper: Paper) -> None:
    paper.add(*ROLES)
    paper.predict("W16", "yes")
    paper.ask(KIKAI, SERVICES_OF_KIKAI, 403)


# -- W17 and W18: role bindings ---------------------------------------------------------------


@scenario
def w17_nothing(paper: Paper) -> None:
    paper.add(*ROLES)


NOBODY = {**binding("kikai", "b", "Role/service-reader"), "subjects": None}
for name, act in {
    "in_darbo": tried(binding("darbo", "b", "Role/service-reader", "kikai/default")),
    "another_subject": tried(
        binding("kikai", "b", "Role/service-reader", "kikai/other", "group:dev")
    ),
    "nobody": tried(NOBODY),
    "somebody_else": tried(binding("", "b", "ClusterRole/view", "darbo/other")),
    "no_role": tried(binding("kikai", "b", "Role/gone", "kikai/default")),
    "no_cluster_role": tried(binding("kikai", "b", "ClusterRole/service-reader", "kikai/default")),
    "another_role": tried(
        role("kikai", "r", ("get", "", "pods")), binding("kikai", "b", "Role/r", "kikai/default")
    ),
    "capitals": tried(
        role("kikai", "r", ("LIST", "", "services")),
        binding("kikai", "b", "Role/r", "kikai/default"),
    ),
    "only_list": tried(
        role("kikai", "r", ("list", "", "services")),
        binding("kikai", "b", "Role/r", "kikai/default"),
    ),
    "a_group": tried(
        binding("kikai", "b", "Role/service-reader", "group:system:serviceaccounts:kikai")
    ),
    "two_accounts": tried(
        binding("kikai", "b", "Role/service-reader", "kikai/default", "kikai/other")
    ),
    "edit": tried(BOUND, binding("kikai", "b", "ClusterRole/edit", "kikai/default")),
    "cluster_wide": tried(
        role("", "r", ("get,list", "", "services")),
        binding("", "b", "ClusterRole/r", "kikai/default"),
    ),
    "view": tried(binding("kikai", "b", "ClusterRole/view", "kikai/default")),
    "view_too": tried(BOUND, binding("kikai", "b", "ClusterRole/view", "kikai/default")),
    "wide_verbs": tried(
        role("kikai", "r", ("get,list,watch,create,delete", "", "services")),
        binding("kikai", "b", "Role/r", "kikai/default"),
    ),
    "only_darbo_and_more": tried(
        BOUND,
        role("darbo", "r", ("get,list", "", "pods")),
        binding("kikai", "c", "ClusterRole/edit", "darbo/default"),
    ),
    "by_the_lab": tried(by_lab(BOUND, "W17")),
    "partly_by_the_lab": tried(
        by_lab(BOUND, "W17"), binding("kikai", "own", "Role/service-reader", "kikai/default")
    ),
    "unpredicted": tried(BOUND),
    "view_in_darbo_too": tried(BOUND, binding("darbo", "v", "ClusterRole/view", "kikai/default")),
    "a_stray_cluster_admin": tried(
        BOUND,
        role("", "cluster-admin", ("*", "*", "*")),
        binding("", "stray", "ClusterRole/cluster-admin", "kikai/default"),
    ),
    "in_its_own_namespace": tried(
        {**BOUND, "subjects": [{"kind": "ServiceAccount", "name": "default"}]}
    ),
}.items():
    SCENARIOS[f"w17_{name}"] = act


def bound_and_asked(*objects: dict[str, object]) -> Callable[[Paper], None]:
    """Return the scenario of a learner who asked after the binding, for the list and for a change."""

    def asked(paper: Paper) -> None:
        paper.add(*ROLES, *objects)
        paper.ask(KIKAI, SERVICES_OF_KIKAI)
        paper.ask(KIKAI, f"{SERVICES_OF_KIKAI}/web", 403, "DELETE")

    return asked


VIEW_TOO = binding("kikai", "b", "ClusterRole/view", "kikai/default")
SCENARIOS["w17_asked_and_unpredicted"] = bound_and_asked(BOUND)
SCENARIOS["w17_asked_and_view_too"] = bound_and_asked(BOUND, VIEW_TOO)


@scenario
def w17_right(paper: Paper) -> None:
    bound_and_asked(BOUND)(paper)
    paper.predict("W17", "no")


@scenario
def w17_without_a_change(paper: Paper) -> None:
    paper.add(*ROLES, BOUND)
    paper.predict("W17", "no")
    paper.ask(KIKAI, SERVICES_OF_KIKAI)
    paper.ask(KIKAI, "/api/v1/namespaces/darbo/services/web", 403, "DELETE")


@scenario
def w17_wrong(paper: Paper) -> None:
    bound_and_asked(BOUND)(paper)
    paper.predict("W17", "yes")


@scenario
def w17_a_default_role_grew(paper: Paper) -> None:
    everybody = binding("", "all", "ClusterRole/view", "group:dev")
    paper.at_start.append(everybody)
    paper.add(*ROLES, BOUND, everybody)
    paper.objects[0] = {**VIEW, "rules": [*VIEW["rules"], *EDIT["rules"]]}


@scenario
def w17_a_default_binding_grew(paper: Paper) -> None:
    paper.at_start.append(binding("", "all", "ClusterRole/view", "group:dev"))
    paper.add(*ROLES, BOUND, binding("", "all", "ClusterRole/view", "group:dev", "kikai/other"))


BOTH_BOUND = binding("kikai", "test", "Role/service-reader", "kikai/default", "darbo/default")
for name, act in {
    "nothing": tried(BOUND),
    "in_darbo": tried(BOUND, binding("darbo", "b", "Role/service-reader", "darbo/default")),
    "another_subject": tried(BOUND, binding("kikai", "b", "Role/service-reader", "darbo/other")),
    "another_kind": tried(
        {**BOUND, "subjects": [*BOUND["subjects"], {"kind": "User", "name": "darbo"}]}
    ),
    "replaced": tried(binding("kikai", "test", "Role/service-reader", "darbo/default")),
    "too_much": tried(BOTH_BOUND, binding("kikai", "b", "ClusterRole/edit", "darbo/default")),
    "cluster_wide": tried(
        BOUND,
        role("", "r", ("get,list", "", "services")),
        binding("", "b", "ClusterRole/r", "darbo/default"),
    ),
    "by_the_lab": tried(by_lab(BOTH_BOUND, "W18")),
    "by_the_lab_earlier": tried(by_lab(BOTH_BOUND, "W17")),
    "right": tried(BOTH_BOUND),
    "right_by_another": tried(
        BOUND, binding("kikai", "two", "Role/service-reader", "darbo/default")
    ),
}.items():
    SCENARIOS[f"w18_{name}"] = act
