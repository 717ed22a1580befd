"""What the other rooms may import of the embedded cluster."""

from __future__ import annotations

import subprocess
import sys

import pytest

from labkit import embedded


@pytest.mark.parametrize("name", embedded.__all__)
def test_every_exported_name_is_one_of_its_module_and_is_described(name: str) -> None:
    assert getattr(embedded, name) is not None
    assert f"``{name}``" in (embedded.__doc__ or "")


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(
        AttributeError, match=r"^module 'labkit.embedded' has no attribute 'Registry'$"
    ):
        getattr(embedded, "Registry")  # noqa: B009 - mypy knows that there is none


def test_importing_it_loads_none_of_its_modules() -> None:
    code = "import sys, labkit.embedded; print(*(name for name in sys.modules if name.startswith('labkit.embedded.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
