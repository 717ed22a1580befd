"""The offline answers are the embedded server's, on random policies and questions."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.embedded.apiserver.authorization.cached import CachedRBACAuthorizer
from labkit.rbac.attributes import Attributes, User
from labkit.rbac.policy import Policy
from labkit.rbac.testing.verdicts import allows
from tests.embedded.apiserver.authorization.test_random_policies import GROUPS, reading
from tests.rbac.strategies import ASKS, POLICIES, USERS
from tests.support.properties import examples

KINDS = {"clusterroles": "ClusterRole", "roles": "Role"}


@settings(max_examples=examples(600))
@given(POLICIES, st.lists(st.tuples(USERS, GROUPS, ASKS), min_size=1, max_size=20))
def test_offline_and_asked_of_the_server(policy: Any, asks: list[tuple[str, list[str], dict[str, str]]]) -> None:
    server = CachedRBACAuthorizer(*reading(policy))
    roles = [{**role, "kind": kind} for plural, kind in KINDS.items() for role in policy[plural]]
    offline = Policy.of([*roles, *policy["clusterrolebindings"], *policy["rolebindings"]])
    for user, groups, words in asks:
        question = Attributes(User(user, tuple(groups)), **words)  # type: ignore[arg-type] # keywords from a strategy
        assert allows(offline, question) is server(question).allowed
