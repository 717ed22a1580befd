from __future__ import annotations

import pytest

from kube_embedded.apiserver.registry.names import (
    config_key,
    dns_label,
    dns_subdomain,
    label_value,
    path_segment_name,
    port_name,
    qualified_name,
    subdomain_name,
)

QUALIFIED_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


@pytest.mark.parametrize("name", ["a", "a-b", "0", "a" * 63])
def test_labels(name: str) -> None:
    assert dns_label(name) == []


@pytest.mark.parametrize("name", ["", "A", "-a", "a-", "a_b", "a" * 64, "a.b"])
def test_no_labels(name: str) -> None:
    assert dns_label(name)


def test_messages() -> None:
    assert dns_label("a.b") == ["must not contain dots"]
    assert dns_label("a" * 64) == ["must be no more than 63 characters"]
    assert dns_subdomain("A_b") == [
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
        "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
        r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    ]
    assert qualified_name("a b") == [QUALIFIED_RULE]
    assert qualified_name("/x") == ["prefix part must be non-empty"]
    assert qualified_name("x/") == ["name part must be non-empty", QUALIFIED_RULE]
    assert label_value("no way")[0].startswith(
        "a valid label must be an empty string or consist of"
    )
    assert label_value("") == []
    assert config_key("..")[-1] == "must not be '..'"
    assert port_name("a--b-") == [
        "must not contain consecutive hyphens",
        "must not begin or end with a hyphen",
    ]
    assert path_segment_name("a/b%c", False) == ["may not contain '/'", "may not contain '%'"]
    assert path_segment_name(".", False) == ["may not be '.'"]


def test_a_prefix_may_end_in_a_hyphen() -> None:
    assert subdomain_name("a-", True) == []
    assert subdomain_name("a-", False)
