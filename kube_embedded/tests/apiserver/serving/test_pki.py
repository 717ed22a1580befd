"""Certificates by a clock that was wrong: what is not valid now is made anew, and nothing else."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import pytest
from cryptography.x509 import load_pem_x509_certificate

from kube_embedded.apiserver.serving import pki
from kube_embedded.apiserver.serving.pki import load_keys, valid_now, write_admin_kubeconfig
from kube_embedded.apiserver.serving.state import private_directory
from kube_embedded.machinery.pki import certificates

DAY, YEAR = 86_400, 365 * 86_400
URL = "https://127.0.0.1:1"
KEPT = ("ca.key", "sa.key", "sa.pub")


def set_clock(monkeypatch: pytest.MonkeyPatch, ahead_seconds: float) -> None:
    """Set this process's clock, as certificates and their judge see it."""
    now = time.time

    class Then(datetime):
        @classmethod
        def now(cls, tz: object = None) -> Self:
            return cls.fromtimestamp(now() + ahead_seconds, UTC)

    monkeypatch.setattr(pki, "time", SimpleNamespace(time=lambda: now() + ahead_seconds))
    monkeypatch.setattr(
        certificates,
        "datetime",
        SimpleNamespace(datetime=Then, timedelta=timedelta, UTC=UTC),
        raising=True,
    )


def files(home: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes() for path in [*(home / "pki").iterdir(), home / "admin.conf"]
    }


def start(home: Path) -> dict[str, bytes]:
    write_admin_kubeconfig(home, load_keys(home), URL)
    return files(home)


@pytest.mark.parametrize("wrong", [DAY, 20 * YEAR, -DAY, -YEAR, -20 * YEAR, -56 * YEAR, 25 * YEAR])
def test_a_home_from_a_wrong_clock_opens_when_the_clock_is_right(
    tmp_path: Path, wrong: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = private_directory(tmp_path / "home")
    with monkeypatch.context() as patch:
        set_clock(patch, wrong)
        before = start(home)
        assert valid_now(before["ca.crt"])
        assert valid_now(before["apiserver.crt"])
    after = start(home)
    assert {name: after[name] for name in KEPT} == {name: before[name] for name in KEPT}
    for name in ("ca.crt", "apiserver.crt"):
        made = load_pem_x509_certificate(after[name])
        assert made.not_valid_before_utc < datetime.now(UTC) < made.not_valid_after_utc
    stale = wrong > 0 or wrong < -300 * DAY
    assert (after["apiserver.crt"] != before["apiserver.crt"]) is stale
    assert (after["admin.conf"] != before["admin.conf"]) is stale
    assert (after["ca.crt"] != before["ca.crt"]) is (abs(wrong) > 10 * YEAR)
    made, authority = (
        load_pem_x509_certificate(after[name]) for name in ("apiserver.crt", "ca.crt")
    )
    made.verify_directly_issued_by(authority)
    assert start(home) == after


def test_a_home_from_before_whose_authority_is_not_valid_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Authorities were not good for the past once."""
    home = private_directory(tmp_path / "home")
    with monkeypatch.context() as patch:
        set_clock(patch, DAY)
        patch.setattr(certificates, "EARLIEST", datetime.now(UTC) + timedelta(days=1))
        before = start(home)
    assert not valid_now(before["ca.crt"])
    after = start(home)
    assert valid_now(after["ca.crt"])
    assert {name: after[name] for name in KEPT} == {name: before[name] for name in KEPT}


def test_the_validity_that_is_read_is_the_certificates() -> None:
    for year in (1960, 1999, 2025, 2049, 2050, 2099):
        moment = datetime(year, 2, 3, 4, 5, 6, tzinfo=UTC)
        text = moment.strftime("%Y%m%d%H%M%S")
        assert pki._time(text if year >= 2050 else text[2:]) == moment.timestamp()
    assert not valid_now(b"-----BEGIN CERTIFICATE-----\nMAAw\n-----END CERTIFICATE-----\n")
