"""A page is entered and left: its changes in the process are undone when it is left."""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path
from typing import Any

import pytest
import urllib3

from labkit.backends.page import Page
from labkit.core import page
from labkit.lab import current
from labkit.lab.lab import Lab
from tests.page.conftest import MemoryStorage

PATCHED = (
    (ssl.SSLContext, "load_verify_locations"),
    (ssl.SSLContext, "load_cert_chain"),
    (http.client.HTTPConnection, "connect"),
    (http.client.HTTPSConnection, "connect"),
)


def libraries() -> list[Any]:
    """The attributes that a page patches, from the libraries' own dictionaries."""
    classes: Any = urllib3.poolmanager.pool_classes_by_scheme
    return [*(vars(owner).get(name) for owner, name in PATCHED), dict(classes)]


def entered() -> object:
    """The page that the process is in."""
    return page.current


def test_nothing_of_a_page_is_left_behind(kept: MemoryStorage) -> None:
    before = libraries()
    with Page(kept) as ours:
        assert entered() is ours
        lab = Lab(say=lambda _line: None)
        proxy = lab.proxy()
        assert list(ours.clusters) == [lab.home]
        assert len(ours.loopback.routes) == 2
        assert all(one != other for one, other in zip(libraries(), before, strict=True))
        routes, writes = ours.loopback.routes, kept.writes
    assert entered() is None
    assert libraries() == before
    assert routes == {}
    assert ours.clusters == {}
    proxy.close()
    lab.progress.predict("W15", "forbidden")  # a change that the page saved before
    assert kept.writes == writes
    current._labs.clear()


def test_pages_follow_one_another(kept: MemoryStorage) -> None:
    with Page(kept):
        Lab(say=lambda _line: None).apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kikai"}}
        )
    current._labs.clear()
    with Page(kept) as second:
        assert second.restore() == ""
        assert Lab(say=lambda _line: None).admin.get("/api/v1/namespaces/kikai").status == 200


def test_a_page_within_a_page_is_refused(in_page: None) -> None:
    with Page(), pytest.raises(RuntimeError, match="another page was entered, and not left"):
        Page().enter()


def test_a_failure_in_a_page_leaves_it(in_page: None, labkit_home: Path) -> None:
    before = libraries()

    def fail() -> None:
        with Page() as ours:
            ours.start_cluster(labkit_home, node=False, era="now")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert libraries() == before
    assert entered() is None
