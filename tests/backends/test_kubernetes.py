"""The version of Kubernetes is chosen by one option, on the embedded server and on kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from kube_embedded.machinery.releases import ERAS
from labkit.backends.base import KUBERNETES, Options
from labkit.backends.choice import Choice
from labkit.backends.embedded import Embedded
from labkit.backends.kind.backend import IMAGES, KindBackend
from labkit.client.kubeconfig import administrator
from labkit.core.errors import UsageError


def quiet(_line: str) -> None:
    """Print nothing."""


def test_the_server_knows_each_version() -> None:
    for version in KUBERNETES:
        assert Options(kubernetes=version).answers_as in ERAS


def test_the_server_answers_as_the_version(tmp_path: Path) -> None:
    backend = Embedded(tmp_path / "home", Options(kubernetes="1.38", node=False))
    backend.start(quiet)
    try:
        answer = administrator(backend.kubeconfig()).request("GET", "/version")
        assert answer.body["gitVersion"] == "v1.38.0"
        assert backend.status().facts["era"] == "1.38: expected answers of this version"
        with pytest.raises(UsageError, match=r"already runs, with era 1\.38"):
            Embedded(backend.home, Options(kubernetes="1.36")).start(quiet)
    finally:
        backend.stop(quiet)


def test_kind_takes_its_image_of_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LABKIT_KIND_IMAGE", raising=False)
    assert KindBackend(tmp_path, Options(kubernetes="1.37")).image == IMAGES["1.37"]
    assert KindBackend(tmp_path, Options()).image == ""
    with pytest.raises(UsageError, match=r"no known node image of Kubernetes 1\.38"):
        _ = KindBackend(tmp_path, Options(kubernetes="1.38")).image


@pytest.mark.parametrize(
    ("backend", "options", "message"),
    [
        ("embedded", Options(kubernetes="1.35"), 'no version "1.35"'),
        ("embedded", Options(kubernetes="1.37", era="1.20"), "cannot be chosen"),
        ("existing", Options(kubernetes="1.37"), "cannot be chosen"),
        ("kind", Options(kubernetes="1.37", image="x"), "cannot be chosen"),
    ],
)
def test_what_cannot_be_chosen_is_refused(
    tmp_path: Path, backend: str, options: Options, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        Choice.of(tmp_path, backend, options)
