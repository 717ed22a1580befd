"""Names as learners write them, and accounts that do not exist."""

from __future__ import annotations

import pytest

from labkit.client.client import Client
from labkit.client.object_names import habit, missing_account, missing_user, pod_name
from labkit.core.errors import UsageError
from tests.rbac.conftest import api

__all__ = ["api"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("kikai/test", "kikai/test"),
        (" curl\n", "default/curl"),
        ("a/kube-proxy.node-1", "a/kube-proxy.node-1"),
    ],
)
def test_a_name_is_read(written: str, read: str) -> None:
    assert pod_name(written) == read


@pytest.mark.parametrize(
    ("written", "todo"),
    [
        ("-n kikai test", 'Write "kikai/test".'),
        ("test -n kikai", 'Write "kikai/test".'),
        ("-nkikai test", 'Write "kikai/test".'),
        ("pod/test --namespace=kikai", 'Write "kikai/test".'),
        ("kikai test", 'Write "kikai/test".'),
        ("kikai:default", 'Write "kikai/default".'),
        ("system:serviceaccount:kikai:default", 'Write "kikai/default".'),
        ("Kikai/test", "Write namespace/name, such as `kikai/test`."),
        ("kikai Test", "Write namespace/name, such as `kikai/test`."),
        ("Kikai:test", "Write namespace/name, such as `kikai/test`."),
        ("a/b/c", "Write namespace/name, such as `kikai/test`."),
        ("", "Write namespace/name, such as `kikai/test`."),
    ],
)
def test_a_habit_of_kubectls_is_understood(written: str, todo: str) -> None:
    with pytest.raises(UsageError, match="no name") as caught:
        pod_name(written)
    assert caught.value.todo == todo
    assert caught.value.why.startswith("names are small letters")


def test_a_kind_before_the_slash_may_be_a_namespace() -> None:
    assert pod_name("pod/curl") == "pod/curl"
    assert habit("pod/curl") == 'If you mean kubectl\'s "pod/curl", write "default/curl".'
    assert habit("kikai/curl") == ""


def test_an_account_that_is_not_there_is_compared_with_those_that_are(api: Client) -> None:
    api.post("/api/v1/namespaces/kikai/serviceaccounts", {"metadata": {"name": "default"}})
    assert missing_account(api, "kikai", "bot") == ""
    assert missing_account(api, "kikai", "defualt") == (
        'There is no service account kikai/defualt. Did you mean "kikai/default"?'
    )
    assert (
        missing_account(api, "kikia", "default")
        == 'There is no namespace kikia. Did you mean "kikai"?'
    )
    assert missing_account(api, "kikai", "zzzzzzzzzzzz") == (
        "There is no service account kikai/zzzzzzzzzzzz. Known are: kikai/bot, kikai/default."
    )
    assert missing_user(api, "system:serviceaccount:darbo:bot").endswith(
        'Did you mean "kikai/bot"?'
    )
    assert missing_user(api, "jane") == missing_user(api, "system:serviceaccount:kikai:bot") == ""
