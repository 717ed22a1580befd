"""The learner's copies of the notebooks, and the environment of JupyterLab.

The copies are outside the package and outside a checkout, so that working in them changes
neither. An unchanged copy is updated to labkit's version; a changed one is never overwritten.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from kube_embedded import ownership
from labkit.backends.embedded import ADMIN_CONF
from labkit.core import resources
from labkit.core.errors import LabkitError, Missing, UsageError
from labkit.core.home import (
    ensure_private,
    home_error,
    home_path,
    place_error,
    read_json,
    write_json,
)
from labkit.core.language import language, text
from labkit.core.proxies import bypass_loopback

from .backend import chosen
from .extension import write_extension

FIRST = "00-start.ipynb"
RECORD = ".labkit-copies.json"
INSTRUCTOR = "instructor"
LEFT_OUT = {"source", ".ipynb_checkpoints", "__pycache__"}
NOT_FOR_LEARNERS = LEFT_OUT | {INSTRUCTOR}
ANNOUNCEMENTS = "@jupyterlab/apputils-extension:announcements"
TRANSLATION = "@jupyterlab/translation-extension:plugin"
# The extra ko installs it; it has translations only, so it is looked for and not imported.
HAS_KOREAN = find_spec("jupyterlab_language_pack_ko_KR") is not None
JUPYTERLAB = """
import signal, sys
sys.argv[0] = "jupyter-lab"
try:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    from jupyterlab.labapp import main
    sys.exit(main())
except KeyboardInterrupt:
    sys.exit(130)
"""
"""A program that runs JupyterLab, and ends without a traceback at Ctrl-C while it loads; SIGINT is blocked before."""

JUPYTERS_PLACES = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "IPYTHONDIR": "ipython",
}
"""Jupyter's variables for its state, and the directories for them below ``LABKIT_HOME/jupyter``."""


@dataclass(frozen=True, slots=True)
class Workbook:
    """The learner's copies.

    Args:
        directory: Their directory.
        outdated: The changed copies of which labkit has a newer version, which is now beside them (``beside``).
    """

    directory: Path
    outdated: tuple[str, ...]


def prepare(directory: Path | None = None, *, instructor: bool = False) -> Workbook:
    """Copy missing notebooks and update unchanged copies.

    Args:
        directory: The copies' directory; ``notebooks`` in ``LABKIT_HOME`` when left out.
        instructor: Copy the instructor's notebooks as well, which contain the answers.

    Returns:
        The copies.

    Raises:
        HomeError: When they cannot be written.
        UsageError: When a given directory cannot be written.
        Missing: This installation lacks the notebooks.
    """
    # Before anything is made: home_path refuses a directory that others can write to.
    home = home_path()
    target = (directory.expanduser() if directory else home / "notebooks").absolute()
    try:
        source = resources.notebooks()
    except FileNotFoundError as error:
        raise Missing(
            "This installation has no notebooks.", why=str(error), todo="Install labkit again."
        ) from error
    if directory is None:
        ensure_private(home)
    try:
        # The kernel imports modules from the notebook's directory.
        ownership.check_parent(ownership.follow(target, create=True, mode=0o755) or target)
        return Workbook(
            target, tuple(_copy_all(source, target, LEFT_OUT if instructor else NOT_FOR_LEARNERS))
        )
    except ownership.Unsafe as problem:
        todo = problem.todo.replace("set LABKIT_HOME to", "name").replace(
            "Set LABKIT_HOME to", "Name"
        )
        raise UsageError(
            text("labkit puts no notebooks into {target}.", target), why=problem.why, todo=todo
        ) from problem
    except OSError as error:
        raise (place_error if directory else home_error)(target, error) from error


def beside(name: str) -> str:
    """Return the name of the newer version beside a changed copy: ``00-start-new.ipynb``."""
    return str(Path(name).with_stem(f"{Path(name).stem}-new"))


def names(directory: Path) -> list[str]:
    """Return the names of the notebooks in a directory of copies, also below it."""
    found = (path.relative_to(directory) for path in sorted(directory.rglob("*.ipynb")))
    return [path.as_posix() for path in found if not LEFT_OUT.intersection(path.parts)]


def unchanged(directory: Path) -> set[str]:
    """Return the names of the copies in a directory that are as labkit made them."""
    copied = read_json(directory / RECORD)
    return {
        name
        for name in names(directory)
        if _digest((directory / name).read_bytes()) == copied.get(name)
    }


def jupyter_command(
    directory: Path, no_browser: bool, more: Iterable[str] = (), first: str = FIRST
) -> list[str]:
    """Return the command that opens JupyterLab at the first notebook.

    Args:
        directory: The copies' directory.
        no_browser: Only print the address.
        more: Further options for JupyterLab.
        first: The notebook that it opens at, in the copies' directory.
    """
    # -P: the current directory, which can be a shared one, does not come first in sys.path.
    command = [sys.executable, "-P", "-c", JUPYTERLAB, f"--ServerApp.root_dir={directory}"]
    if (directory / first).exists():
        command.append(f"--LabApp.default_url=/lab/tree/{first}")
    # A choice that is made with buttons is written into its cell (ui/static/taps.js).
    command.append("--LabApp.expose_app_in_browser=True")
    # Autodetection runs npm to look for language servers, and logs each one that is missing.
    command.append("--LanguageServerManager.autodetect=False")
    command += ["--no-browser"] if no_browser else []
    # Containers run as root, which JupyterLab refuses without this option.
    command += ["--allow-root"] if os.geteuid() == 0 else []
    return [*command, *more]


def environment() -> dict[str, str]:
    """Return the environment of JupyterLab, its kernels and its terminals.

    All share one ``LABKIT_HOME``. In a terminal ``labkit`` is on the PATH, and ``kubectl`` uses the
    lab's cluster and leaves ~/.kube alone. Jupyter's state (settings, cookie secret, input history)
    is stored in ``LABKIT_HOME``, unless the learner's environment names directories for it. Requests
    to this machine bypass proxies.
    """
    home = home_path()
    places = {name: str(home / "jupyter" / place) for name, place in JUPYTERS_PLACES.items()}
    programs = [str(Path(sys.executable).parent), *filter(None, [os.environ.get("PATH")])]
    chosen = {
        "LABKIT_HOME": str(home),
        "KUBECONFIG": str(_kubeconfig(home)),
        "KUBECACHEDIR": str(home / "kube-cache"),
        "PATH": os.pathsep.join(programs),
    }
    return {**places, **os.environ, **chosen, **bypass_loopback(os.environ)}


def _kubeconfig(home: Path) -> Path:
    """Return the path of the chosen cluster's kubeconfig, or of the one that an embedded cluster will have."""
    with suppress(LabkitError):
        return chosen(home).kubeconfig()
    return home / ADMIN_CONF


def extensions() -> Path:
    """Return the directory of labkit's own extensions of JupyterLab, in ``LABKIT_HOME``."""
    return home_path() / "jupyter" / "extensions"


def configure(variables: Mapping[str, str]) -> None:
    """Configure JupyterLab if its settings are stored in ``LABKIT_HOME``.

    Its announcements, which show a dialog and use the network, are disabled once, so that a learner can enable them
    again. The lesson mode is written anew, for it is of this labkit's version. Its language is the learner's, unless
    another one was chosen in its menu.

    Args:
        variables: JupyterLab's ``environment``.

    Raises:
        HomeError: The settings cannot be written.
    """
    try:
        write_extension(extensions())
    except OSError as error:
        raise home_error(extensions(), error) from error
    config = home_path() / "jupyter" / "config"
    page = config / "labconfig" / "page_config.json"
    if variables["JUPYTER_CONFIG_DIR"] == str(config):
        if not page.exists():
            write_json(page, {"disabledExtensions": {ANNOUNCEMENTS: True}})
        defaults = page.with_name("default_setting_overrides.json")
        locale = {"locale": "ko_KR" if language() == "ko" and HAS_KOREAN else "default"}
        write_json(defaults, {**read_json(defaults), TRANSLATION: locale})


def _copy_all(source: Path, target: Path, left_out: set[str]) -> list[str]:
    record = target / RECORD
    copied = read_json(record)
    outdated = []
    for file in sorted(source.rglob("*")):
        relative = file.relative_to(source)
        if file.is_dir() or left_out.intersection(relative.parts):
            continue
        name = str(relative)
        shipped = file.read_bytes()
        mine = target / relative
        if mine.exists():
            present = _digest(mine.read_bytes())
            if present == _digest(shipped):
                copied[name] = present
                continue
            # The record has the digest that labkit wrote: any other content is the learner's
            # work.
            if present != copied.get(name):
                if _digest(shipped) != copied.get(name):
                    outdated.append(name)
                    # Never over one that is there: the learner may work in it already.
                    if not (target / beside(name)).exists():
                        (target / beside(name)).write_bytes(shipped)
                        copied[beside(name)] = _digest(shipped)
                continue
        mine.parent.mkdir(parents=True, exist_ok=True)
        mine.write_bytes(shipped)
        copied[name] = _digest(shipped)
    record.write_text(json.dumps(copied, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return outdated


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
