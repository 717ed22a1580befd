#!/usr/bin/env python3
"""Set up the virtual environment that the make targets use.

Run by the Makefile with the system's Python: ``python3 tools/bootstrap.py .venv LOCK``.
Only the standard library, and only syntax of Python 3.6, so that a Python that is too
old can still say so in a sentence.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from typing import List, Optional  # noqa: UP035 - a Python that is too old must get as far as its message

OLDEST = (3, 11)


def main(venv: str, lock: str) -> None:
    """Make the environment ``venv`` hold exactly what ``lock`` pins, and labkit itself."""
    complain_if_too_old()
    uv = shutil.which("uv")
    python = os.path.join(venv, "bin", "python")
    if not works(python) or (uv is None and not can_install(venv)):
        create(venv, uv)
    if uv is None:
        uv = uv_in(venv, lock)
    say(f"installing {lock} with {uv}")
    install = [uv, "pip", "install", "--quiet", "--python", python]
    # uv reads the lock's hashes and refuses anything else. Bytecode is made now, as pip makes it:
    # without it every start compiles what it imports, and takes twice as long.
    run([*install, "--compile-bytecode", "--require-hashes", "-r", lock])
    run([*install, "--no-deps", "--no-build-isolation", "-e", "."])
    say(f"{venv} is ready")


def command(venv: str, lock: str) -> int:
    """Run ``main``; the exit code says whether it was interrupted."""
    try:
        main(venv, lock)
    except KeyboardInterrupt:
        say("interrupted; run the same make target again, and it goes on from here")
        return 130
    return 0


def complain_if_too_old() -> None:
    """Stop with the way out when this Python cannot run labkit."""
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
    """Whether the environment has uv, or the pip to get it; one whose making was interrupted has neither."""
    places = [os.path.join(venv, "bin", name) for name in ("uv", "pip")]
    return any(os.path.exists(place) for place in places)


def create(venv: str, uv: Optional[str]) -> None:  # noqa: UP045 - as above
    """Create an empty environment, with uv when it is there, else with venv."""
    say(f"creating {venv} with Python {sys.version.split()[0]}")
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
        say(f"installing uv into {venv}")
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
    """Run a command, and end with its exit code when it fails."""
    code = subprocess.call(command)
    if code != 0:
        sys.exit(f"this failed with exit code {code}: {' '.join(command)}")


def say(text: str) -> None:
    """One line of progress."""
    sys.stderr.write(f"labkit: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(command(sys.argv[1], sys.argv[2]))
