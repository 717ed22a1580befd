#!/usr/bin/env python3
"""Set up the virtual environment that the make targets use.

Run by the Makefile with the system's Python: ``python3 tools/bootstrap.py .venv LOCK``.
Only the standard library, and only old syntax, so that a Python that is too old can
still say so in a sentence.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

OLDEST = (3, 11)


def main(venv, lock):
    """Make the environment ``venv`` hold exactly what ``lock`` pins, and labkit itself."""
    complain_if_too_old()
    uv = shutil.which("uv")
    python = os.path.join(venv, "bin", "python")
    if not works(python):
        create(venv, uv)
    if uv is None:
        uv = uv_in(venv, lock)
    say("installing %s with %s" % (lock, uv))
    # uv reads the lock's hashes and refuses anything else.
    run([uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", lock])
    run([uv, "pip", "install", "--quiet", "--python", python, "--no-deps", "--no-build-isolation", "-e", "."])
    say("%s is ready" % venv)


def complain_if_too_old():
    """Stop with the way out when this Python cannot run labkit."""
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:3])
        sys.exit(
            "labkit needs Python %d.%d or newer, and %s is %s.\n"
            "Name another one: make PYTHON=python3.13 …" % (OLDEST + (sys.executable, found))
        )


def works(python):
    """Whether the environment's interpreter exists, starts and is new enough."""
    check = "import sys; sys.exit(sys.version_info < %r)" % (OLDEST,)
    return os.path.exists(python) and subprocess.call([python, "-c", check]) == 0


def create(venv, uv):
    """Create an empty environment, with uv when it is there, else with venv."""
    say("creating %s with Python %s" % (venv, sys.version.split()[0]))
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


def uv_in(venv, lock):
    """Install the locked uv into the environment with pip, and return its path."""
    uv = os.path.join(venv, "bin", "uv")
    python = os.path.join(venv, "bin", "python")
    if not os.path.exists(uv):
        say("installing uv into %s" % venv)
        with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
            file.write(pin_of("uv", lock))
        try:
            pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            run([*pip, "--require-hashes", "-r", file.name])
        finally:
            os.unlink(file.name)
    return uv


def pin_of(name, lock):
    """The lines of ``lock`` that pin one package, with its hashes."""
    with open(lock) as file:
        match = re.search(r"^%s==(?:.*\\\n)+.*\n" % re.escape(name), file.read(), re.MULTILINE)
    if match is None:
        sys.exit("%s does not pin %s: run make lock" % (lock, name))
    return match.group()


def run(command):
    """Run a command, and end with its exit code when it fails."""
    code = subprocess.call(command)
    if code != 0:
        sys.exit("this failed with exit code %d: %s" % (code, " ".join(command)))


def say(text):
    """One line of progress."""
    print("labkit: %s" % text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
