#!/usr/bin/env python3
"""Set up the virtual environment that the make targets use.

The Makefile runs it with the system's Python: ``python3 tools/bootstrap.py .venv LOCK``.
It uses the standard library and the syntax of Python 3.6 only, so that a Python that is too
old prints a message and not a SyntaxError.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from typing import List, Optional  # noqa: UP035 - a Python that is too old must get as far as its message

OLDEST = (3, 11)

OWN = ("-e", "kube_embedded", "-e", ".", "-e", "jupyter")
"""The repository's own distributions; see jupyter/pyproject.toml."""


def main(venv: str, lock: str) -> None:
    """Install what ``lock`` pins, and labkit itself, into the environment ``venv``."""
    check_version()
    uv = shutil.which("uv")
    python = os.path.join(venv, "bin", "python")
    if not works(python) or (uv is None and not can_install(venv)):
        create(venv, uv)
    if uv is None:
        uv = uv_in(venv, lock)
    report(f"installing {lock} with {uv}")
    install = [uv, "pip", "install", "--quiet", "--python", python]
    # uv installs nothing that has no hash in the lock. Without bytecode each start would compile its
    # imports and take twice as long.
    run([*install, "--compile-bytecode", "--require-hashes", "-r", lock])
    run([*install, "--no-deps", "--no-build-isolation", *OWN])
    report(f"{venv} is ready")


def command(venv: str, lock: str) -> int:
    """Run ``main``. Returns 130 when it was interrupted."""
    try:
        main(venv, lock)
    except KeyboardInterrupt:
        report("interrupted; run the same make target again, and it goes on from here")
        return 130
    return 0


def check_version() -> None:
    """Exit with a message when this Python is too old for labkit."""
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:3])
        sys.exit(
            f"labkit needs Python {OLDEST[0]}.{OLDEST[1]} or newer, and {sys.executable} is {found}.\n"
            "Name another one: make PYTHON=python3.13 …"
        )


def works(python: str) -> bool:
    """Whether the environment's interpreter exists, starts and is new enough."""
    check = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    return os.path.exists(python) and subprocess.call([python, "-c", check]) == 0


def can_install(venv: str) -> bool:
    """Whether the environment has uv or pip; one whose creation was interrupted has neither."""
    places = [os.path.join(venv, "bin", name) for name in ("uv", "pip")]
    return any(os.path.exists(place) for place in places)


def create(venv: str, uv: Optional[str]) -> None:  # noqa: UP045 - as above
    """Create an empty environment, with uv if there is one, else with venv."""
    report(f"creating {venv} with Python {sys.version.split()[0]}")
    if uv is not None:
        run([uv, "venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, venv])
        return
    try:
        import ensurepip
        import venv as module
    except ImportError:
        sys.exit(
            "This Python has no venv module. On Debian and Ubuntu: apt-get install python3-venv\n"
            "(or install uv, which brings what is needed), then run the same make target again."
        )
    del ensurepip
    module.create(venv, with_pip=True, clear=True, symlinks=True)


def uv_in(venv: str, lock: str) -> str:
    """Install the locked uv into the environment with pip, and return its path."""
    uv = os.path.join(venv, "bin", "uv")
    python = os.path.join(venv, "bin", "python")
    if not os.path.exists(uv):
        report(f"installing uv into {venv}")
        with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
            file.write(pin_of("uv", lock))
        try:
            pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            run([*pip, "--require-hashes", "-r", file.name])
        finally:
            os.unlink(file.name)
    return uv


def pin_of(name: str, lock: str) -> str:
    """The lines of ``lock`` that pin one package, with its hashes."""
    with open(lock, encoding="utf-8") as file:
        match = re.search(rf"^{re.escape(name)}==(?:.*\\\n)+.*\n", file.read(), re.MULTILINE)
    if match is None:
        sys.exit(f"{lock} does not pin {name}: run make lock")
    return match.group()


def run(command: List[str]) -> None:  # noqa: UP006 - as above
    """Run a command; exit with a message when it fails."""
    code = subprocess.call(command)
    if code != 0:
        sys.exit(f"this failed with exit code {code}: {' '.join(command)}")


def report(text: str) -> None:
    """Print a line of progress to standard error."""
    sys.stderr.write(f"labkit: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(command(sys.argv[1], sys.argv[2]))
