"""What the other rooms may import of the embedded cluster."""

from __future__ import annotations

import subprocess
import sys

import pytest

import kube_embedded


@pytest.mark.parametrize("name", kube_embedded.__all__)
def test_every_exported_name_is_one_of_its_module_and_is_described(name: str) -> None:
    assert getattr(kube_embedded, name) is not None
    assert f"``{name}``" in (kube_embedded.__doc__ or "")


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(
        AttributeError, match=r"^module 'kube_embedded' has no attribute 'Registry'$"
    ):
        getattr(kube_embedded, "Registry")  # noqa: B009 - mypy knows that there is none


def test_importing_it_loads_none_of_its_modules() -> None:
    code = "import sys, kube_embedded; print(*(name for name in sys.modules if name.startswith('kube_embedded.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
