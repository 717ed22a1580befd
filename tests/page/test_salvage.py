"""A damaged snapshot still has the passes, and the learner's intact objects."""

from __future__ import annotations

import importlib.util
import json
import random
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from kube_embedded.apiserver.storage.sqlite import SQLiteStore
from kube_embedded.tests.support.slow import slow_but
from labkit.backends.page import Page
from labkit.lab import work
from labkit.lab.lab import Lab
from labkit.lessons.progress import Progress
from tests.page.conftest import MemoryStorage, leave
from tests.page.test_work import MADE, SPACE, TOKEN_SECRET

BLOCK = 1 << 15
"""The size of those in which a page keeps a snapshot (``page/site/storage.mjs``)."""
SALVAGE = Path(__file__).resolve().parents[2] / "page" / "site" / "python" / "labkit_salvage.py"
KIND = "EC PRIVATE KEY"  # split, so that searches for keys do not find one here
KEY = f"-----BEGIN {KIND}-----\nMIIEow\n-----END {KIND}-----\n"
CHANCE = random.Random(7)
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "zeros": lambda block: bytes(len(block)),
    "chance": lambda block: CHANCE.randbytes(len(block)),
    "lost": lambda _block: b"",
}


def config(name: str, text: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **SPACE},
        "data": {"text": text},
    }


def module() -> ModuleType:
    """The module, which only a page can import."""
    spec = importlib.util.spec_from_file_location("labkit_salvage", SALVAGE)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


salvage = module()


class Reloaded:
    """Start a page with stored data; return its message and its offer."""

    def __init__(self, kept: MemoryStorage, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        leave()
        monkeypatch.setenv("LABKIT_HOME", str(folder))
        self.said = Page(kept).enter().restore()
        self.told: list[tuple[str, str]] = []
        self.offer = salvage.offer(
            kept.names.get("set-aside"), lambda *told: self.told.append(told)
        )

    @property
    def objects(self) -> list[Any]:
        return [each for _, objects in self.told for each in json.loads(objects)]


def worked(kept: MemoryStorage) -> tuple[bytes, set[str], str]:
    """A snapshot, the learner's objects in it as a file of the work has them, and a token that is a Secret there."""
    Page(kept).enter()
    lab = Lab(say=lambda _line: None)
    lab.apply(
        [
            *MADE,
            TOKEN_SECRET,
            *(config(f"text-{size}", "some text " * size) for size in (1, 100, 200, 400, 900)),
        ]
    )
    lab.apply(
        {
            **TOKEN_SECRET,
            "type": "Opaque",
            "metadata": {"name": "key", **SPACE},
            "stringData": {"key": KEY},
        }
    )
    secret = lab.admin.get("/api/v1/namespaces/kikai/secrets/token").body
    token = lab.as_service_account("kikai/test").credentials.token
    lab.apply(config("secrets", f"{KEY} {token}"))
    lab.apply(config("gone", "deleted"))
    lab.admin.delete("/api/v1/namespaces/kikai/configmaps/gone")
    Progress.default().mark("W15", "passed")
    made = json.loads(work.pack(lab, {}))["content"]["objects"]
    return kept.names["snapshot"], {*map(_text, made)}, secret["data"]["token"]


@pytest.mark.parametrize("damage", slow_but(list(DAMAGES), "chance"))
def test_what_one_damaged_block_leaves_is_offered(
    kept: MemoryStorage, damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, made, token = worked(kept)
    assert len(made) == 13
    back = []
    last = len(whole) // BLOCK
    for number in [
        *range(whole.index(b"reserve") // BLOCK + 1),
        last,
    ]:  # the reserve is empty, and no page has one
        start, end = number * BLOCK, (number + 1) * BLOCK
        kept.names["snapshot"] = whole[:start] + DAMAGES[damage](whole[start:end]) + whole[end:]
        page = Reloaded(kept, monkeypatch, tmp_path / str(number))
        assert "it is damaged" in page.said
        assert Progress.default().passed("W15")
        offered = [*map(_text, page.objects)]
        assert len({*offered}) == len(offered)
        assert {*offered} <= made, number
        back.append(len(offered))
        if offered:
            assert page.offer.endswith(f"that could be read ({len(offered)}).")
        assert not [
            secret
            for secret in ("PRIVATE KEY", "MIIEow", token, "eyJhbGciOi")
            if secret in str(page.told)
        ]
    assert len(back) > 30
    share = sum(back) / len(back) / len(made)
    assert share >= (
        0.5 if damage == "lost" else 0.9
    )  # without a block, those that follow are at another place


def test_a_cluster_of_which_half_is_there(
    kept: MemoryStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, made, _ = worked(kept)
    kept.names["snapshot"] = whole[: whole.index(b"reserve") // 2]
    page = Reloaded(kept, monkeypatch, tmp_path / "again")
    assert page.said.endswith("Your passes are still there.")
    assert {*map(_text, page.objects)} < made


def test_what_is_offered_is_created_again(
    kept: MemoryStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, made, _ = worked(kept)
    kept.names["snapshot"] = whole[:-9]
    page = Reloaded(kept, monkeypatch, tmp_path / "again")
    assert page.offer == "The page offers to open those of your objects that could be read (13)."
    lab = Lab(say=lambda _line: None)
    assert work.load(lab, page.objects, overwrite=False) == []
    again = {*map(_text, json.loads(work.pack(lab, {}))["content"]["objects"])}
    assert again == made


@pytest.mark.parametrize("data", [b"", b"no snapshot", b"\x0a\xff" * 5000, b"\x02" * 9000])
def test_what_is_no_snapshot_offers_nothing(
    kept: MemoryStorage, data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.names["snapshot"] = data
    page = Reloaded(kept, monkeypatch, tmp_path / "again")
    assert (page.offer, page.told) == ("", [])


def test_a_cluster_in_which_nothing_was_made_offers_nothing(
    kept: MemoryStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Page(kept).enter()
    Lab(say=lambda _line: None)
    kept.names["snapshot"] = kept.names["snapshot"][:-9]
    page = Reloaded(kept, monkeypatch, tmp_path / "again")
    assert len(salvage.objects(kept.names["set-aside"])) > 200
    assert (page.offer, page.told) == ("", [])


def test_what_was_deleted_is_not_offered(kept: MemoryStorage) -> None:
    page = Page(kept).enter()
    lab = Lab(say=lambda _line: None)
    store = page.clusters[page.home]._cluster.store
    assert isinstance(store, SQLiteStore)
    store._database.execute("PRAGMA secure_delete=OFF")  # as in builds of SQLite such as Pyodide's
    lab.apply([MADE[0], *(config(f"text-{number}", "some text " * 60) for number in range(60))])
    lab.apply([config(f"text-{number}", "other text " * 30) for number in range(60)])
    assert len(work.own(salvage.objects(kept.names["snapshot"]))) == 61
    blind = bytes(BLOCK) + kept.names["snapshot"][BLOCK:]  # which pages are used is lost
    texts = [
        each["data"]["text"]
        for each in work.own(salvage.objects(blind))
        if each["kind"] == "ConfigMap"
    ]
    assert len(texts) > 50
    assert {*texts} == {"other text " * 30}
    lab.reset()
    assert (
        b"other text" in kept.names["snapshot"]
    )  # SQLite leaves them in pages that it uses again later
    assert work.own(salvage.objects(kept.names["snapshot"])) == []


def _text(each: object) -> str:
    return json.dumps(each, sort_keys=True)
