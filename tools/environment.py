"""Write environment.yml: for conda users, the same pins as requirements.lock.

Run by ``make lock``. Only the standard library is used, so any Python will do.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

HEAD = """\
# Written by `make lock` from requirements.lock: the same pins, for conda users.
#   conda env create --file environment.yml && conda activate labkit && labkit lab
# kubectl and kind come from conda-forge; the rest is pinned as it is for everybody else.
name: labkit
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python>=3.11,<3.15
  - pip
  - kubernetes-client
  - kubernetes-kind
  - pip:
"""


def pins(lock: str) -> list[str]:
    """The requirements of a lock, without their hashes.

    Args:
        lock: The text of a hashed requirements file.

    Returns:
        Lines such as ``uvloop==0.22.1 ; sys_platform != 'win32'``, in the lock's order.
    """
    return [
        match.group(1)
        for match in re.finditer(r"^([A-Za-z0-9][^\\\n]*==[^\\\n]*?)\s*\\?$", lock, re.M)
    ]


def environment(lock: str) -> str:
    """The text of environment.yml for a lock.

    Args:
        lock: The text of requirements.lock.
    """
    lines = [f'      - "{pin}"\n' for pin in pins(lock)]
    return (
        HEAD + "".join(lines) + "      - -e ./kube_embedded\n      - -e .\n      - -e ./jupyter\n"
    )


if __name__ == "__main__":
    text = environment((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    (ROOT / "environment.yml").write_text(text, encoding="utf-8")
