"""What every test gets: a state directory of its own, and no road to the user's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import properties

properties.load_profiles()


@pytest.fixture(autouse=True)
def labkit_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh ``LABKIT_HOME``, and places for kubectl and IPython that are not the user's."""
    home = tmp_path_factory.mktemp("labkit-home")
    monkeypatch.setenv("LABKIT_HOME", str(home))
    monkeypatch.setenv("KUBECACHEDIR", str(home / "kube-cache"))
    monkeypatch.setenv("KUBECONFIG", str(home / "no-such-kubeconfig"))
    monkeypatch.setenv("IPYTHONDIR", str(home / "ipython"))
    return home
