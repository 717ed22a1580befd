"""Questions: how they are read, and refused so that a misspelled negative question cannot pass."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kube_embedded import KINDS
from labkit.core.errors import UsageError
from labkit.rbac.testing.questions import ask, check_consistent, read_questions
from labkit.rbac.testing.verdicts import answers
from labkit.rbac.testing.vocabulary import standard
from tests.rbac.testing.support import policy, words
from tools.generate_vocabulary import served

FILE = """
namespaces: [prod]
accounts: [prod/deployer]
users: {bob: [team-b], carol: []}
resources: [widgets.example.com, {name: gadgets.example.com, namespaced: false}]
questions:
- who: kikai/default
  may: [list services in kikai, get services web in kikai, get /version, get namespaces kikai]
  may not: [list services in darbo, list services, get /metrics]
- who: prod/deployer
  may not: [create widgets.example.com in prod, patch gadgets.example.com/status one]
- who: bob
  may not: impersonate users jane
- who: {group: team-b}
  may not: bind clusterroles.rbac.authorization.k8s.io admin
"""


def test_the_vocabulary_is_that_of_the_server() -> None:
    assert {kind.plural for kind in KINDS} <= {name for _, name in standard().resources}
    for group, resources in served().items():
        for name, (namespaced, verbs) in resources.items():
            assert standard().resources[group, name][0] is namespaced
            assert standard().resources[group, name][1] >= set(verbs)


def test_a_file_is_read_and_answered() -> None:
    read = read_questions(yaml.safe_load(FILE), words())
    assert len(read) == 11
    view = yaml.safe_load("[{apiGroups: [''], resources: [namespaces], verbs: [get]}]")
    from tests.rbac.testing.support import OBJECTS, account, bind, role

    objects = [
        *OBJECTS,
        role(view, "self"),
        bind(account("kikai"), name="self", ref=("Role", "self")),
    ]
    verdicts = answers(policy(*objects), read)
    assert [str(each.question) for each in verdicts if not each.right] == []
    assert verdicts[0].reasons == (
        'RoleBinding "test/kikai" of Role "service-reader" to ServiceAccount "default/kikai"',
    )
    assert "only in the namespace kikai" in verdicts[4].reasons[0]
    assert str(read[-1]) == (
        "group team-b may not: bind clusterroles.rbac.authorization.k8s.io admin in the whole cluster"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("list podz in kikai", 'no resource podz.*"pods"'),
        ("lst pods in kikai", 'verb lst for pods.*"list"'),
        ("list deployments in kikai", 'no resource deployments.*"deployments.apps"'),
        ("list pods in kikei", 'no namespace kikei.*"kikai"'),
        ("get nodes in kikai", "nodes lie in no namespace"),
        ("list pods/log in kikai", "No request has the verb list for pods/log"),
        ("bind roles in kikai", "no resource roles.*roles.rbac"),
        ("impersonate pods in kikai", "verb impersonate for pods"),
        ("get /metrix", 'serves /metrix.*"metrics"'),
        ("list /version", "no request for a path"),
        ("get /version in kikai", "no request for a path"),
        ("list pods web in", "is no request"),
        ("list pods in kikai please", "is no request"),
        ("pods", "is no request"),
        ("", "is no request"),
    ],
)
def test_what_there_is_not_is_an_error(line: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"(?s){said}") as caught:
        ask("kikai/default", line, words(), may=False)
    assert "(?s)" not in str(caught.value)


@pytest.mark.parametrize(
    ("who", "said"), [("kikai/defualt", "kikai/default"), ("jnae", "jane"), ("kikei/x", "kikai")]
)
def test_nobody_who_is_not_there_is_asked(who: str, said: str) -> None:
    with pytest.raises(UsageError, match=f'(?s)Did you mean "{said}"'):
        ask(who, "list pods in kikai", words(), may=False)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"questions": []},
        {"questions": "list pods"},
        {"questions": [{}]},
        {"questions": [{"who": "kikai/default"}]},
        {"questions": [{"who": "kikai/default", "may": 7}]},
        {"questions": [{"who": "kikai/default", "may": [["list pods"]]}]},
        {"questions": [{"who": "kikai/default", "maynot": "list pods"}]},
        {"questions": [{"who": {"user": "x"}, "may": "list pods"}]},
        {"questions": [{"who": "kikai/default", "may": "list pods"}], "namespace": ["x"]},
        {"questions": [{"who": "kikai/default", "may": "list pods"}], "namespaces": "kikai"},
        {"questions": [{"who": "kikai/default", "may": "list pods"}], "resources": ["widgets"]},
        {"questions": [{"who": "kikai/default", "may": "list pods"}], "users": 3},
    ],
)
def test_what_is_no_file_of_questions_is_refused(document: Any) -> None:
    with pytest.raises(UsageError) as caught:
        read_questions(document, words())
    assert caught.value.todo


def entry(text: str) -> dict[str, Any]:
    """Parse an entry such as ``group team-b may not: list pods``."""
    who, _, line = text.partition(": ")
    who, may, rest = who.partition(" may")
    group = who.removeprefix("group ")
    return {"who": {"group": group} if group != who else who, f"{may}{rest}".strip(): line}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("kikai/default may not: list pods in kikai", "kikai/default may: list pods in kikai"),
        ("kikai/default may: list pods", "kikai/default may not: list pods in darbo"),
        ("kikai/default may: get pods in kikai", "kikai/default may not: get pods web in kikai"),
        ("bob may: get namespaces", "bob may not: get namespaces kikai"),
        ("bob may: get /metrics", "bob may not: get /metrics"),
        ("group team-b may: list pods in kikai", "bob may not: list pods in kikai"),
        ("group system:authenticated may: list pods", "group team-b may not: list pods in kikai"),
        ("group system:serviceaccounts:kikai may: list pods", "kikai/default may not: list pods"),
    ],
)
def test_two_questions_that_no_policy_answers_so_are_named(first: str, second: str) -> None:
    document = {
        **yaml.safe_load(FILE),
        "questions": list(map(entry, ("carol may not: list nodes", first, second))),
    }
    with pytest.raises(UsageError, match=r"Questions (2 and 3|3 and 2) contradict") as error:
        check_consistent(read_questions(document, words()))
    assert first in error.value.why
    assert second in error.value.why


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("bob may: list pods in kikai", "bob may not: list pods"),
        ("bob may: list pods in kikai", "bob may not: list pods in darbo"),
        ("bob may: get pods web in kikai", "bob may not: get pods in kikai"),
        ("bob may: list pods", "group team-b may not: list pods"),
        ("group team-b may: list pods", "carol may not: list pods"),
        ("group system:authenticated may: get /metrics", "system:anonymous may not: get /metrics"),
    ],
)
def test_two_questions_that_a_policy_can_answer_so_are_none(first: str, second: str) -> None:
    check_consistent(
        read_questions(
            {**yaml.safe_load(FILE), "questions": [entry(first), entry(second)]}, words()
        )
    )
