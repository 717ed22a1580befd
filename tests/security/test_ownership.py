"""Files that another user of the machine plants are neither run, nor read, nor written through."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from kube_embedded.tests.support.slow import slow_but
from labkit.core.errors import HomeError
from labkit.core.home import ensure_private
from tests.support.users import ATTACKER, VICTIM, namespace_command, run_as, why_not_two_users

two_users = pytest.mark.skipif(bool(why_not_two_users()), reason=why_not_two_users())

CONFIG = "jupyter/config/jupyter_server_config.py"
COMMANDS = [
    *(
        ["up"],
        ["down"],
        ["status"],
        ["reset"],
        ["kubeconfig"],
        ["doctor"],
        ["check"],
        ["exec", "curl"],
        ["proxy"],
    ),
    *(
        ["bundle", "save", "FILE", "--no-images"],
        ["bundle", "load", "FILE"],
        ["demo", "--here", "--yes"],
    ),
    *(["lab", "--no-browser"], ["lab", "--no-browser", "--dir", "DIR"]),
]
"""Every command that looks into the home. ``demo``, ``grade`` and ``course`` make homes of their own."""

EVERY_ENTRY = """
import json, sys
from pathlib import Path
from labkit.cli import run
from labkit.core.errors import HomeError
from labkit.lab.lab import Lab

codes = {" ".join(words): run(words) for words in json.loads(sys.argv[1])}
for name, arguments in {"Lab()": {}, "Lab(home)": {"home": sys.argv[2]}}.items():
    try:
        Lab(**arguments)
    except HomeError as error:
        codes[name] = error.exit_code
print(json.dumps(codes))
"""


@dataclass
class Machine:
    """A directory that all users share, as ``/tmp`` is.

    Args:
        shared: It.
        own: A directory of the victim's.
    """

    shared: Path
    own: Path

    @property
    def treasure(self) -> Path:
        """A file of the victim's that is not labkit's business."""
        return self.own / "thesis.txt"

    @property
    def marker(self) -> Path:
        """The file that the attacker's code would create."""
        return self.shared / "it-ran"

    def give(self, path: Path, user: int, mode: int | None = None) -> Path:
        os.chown(path, user, user, follow_symlinks=False)
        if mode is not None:
            path.chmod(mode)
        return path

    def folder(self, path: Path, user: int, mode: int = 0o700) -> Path:
        path.mkdir()
        return self.give(path, user, mode)

    def trap(self, home: Path) -> Path:
        """Plant code in a home, and a link to a file of the victim."""
        for parent in ("jupyter", "jupyter/config"):
            self.folder(home / parent, ATTACKER, 0o755)
        code = home / CONFIG
        code.write_text(f"open({str(self.marker)!r}, 'w')\n")
        self.give(code, ATTACKER, 0o644)
        (home / "server.log").symlink_to(self.treasure)
        self.give(home / "server.log", ATTACKER)
        return home


@pytest.fixture
def machine() -> Iterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="labkit-shared-", dir="/tmp") as folder:
        shared = Path(folder)
        shared.chmod(0o1777)
        made = Machine(shared, shared / "own")
        made.folder(made.own, VICTIM)
        made.treasure.write_text("years of work")
        made.give(made.treasure, VICTIM, 0o600)
        yield made


def foreign_home(machine: Machine) -> Path:
    return machine.trap(machine.folder(machine.shared / "home", ATTACKER, 0o777))


def closed_foreign_home(machine: Machine) -> Path:
    return machine.trap(machine.folder(machine.shared / "home", ATTACKER))


def below_a_foreign_directory(machine: Machine) -> Path:
    above = machine.folder(machine.shared / "above", ATTACKER, 0o777)
    return machine.folder(above / "home", VICTIM)


def new_below_a_foreign_directory(machine: Machine) -> Path:
    return machine.folder(machine.shared / "above", ATTACKER, 0o1777) / "deep" / "home"


def past_a_foreign_directory(machine: Machine) -> Path:
    machine.folder(machine.own / "home", VICTIM)
    return machine.folder(machine.shared / "above", ATTACKER, 0o755) / ".." / "own" / "home"


def by_a_foreign_link(machine: Machine) -> Path:
    machine.folder(machine.own / "home", VICTIM)
    link = machine.shared / "link"
    link.symlink_to(machine.own)
    return machine.give(link, ATTACKER) / "home"


def own_link_to_a_foreign_home(machine: Machine) -> Path:
    link = machine.own / "home"
    link.symlink_to(foreign_home(machine))
    return machine.give(link, VICTIM)


def below_what_all_may_write(machine: Machine) -> Path:
    above = machine.folder(machine.shared / "above", 0, 0o777)
    return machine.folder(above / "home", VICTIM)


def open_home_with_a_trap(machine: Machine) -> Path:
    return machine.trap(machine.folder(machine.shared / "home", VICTIM, 0o777))


def closed_too_late(machine: Machine) -> Path:
    return machine.trap(machine.folder(machine.shared / "home", VICTIM, 0o700))


def hub_volume(machine: Machine) -> Path:
    """Writable by the group ``users``, which others are in as well."""
    above = machine.folder(machine.shared / "volume", 0)
    os.chown(above, 0, 100)
    above.chmod(0o2775)
    return machine.folder(above / "home", VICTIM)


PLANTS = [
    foreign_home,
    closed_foreign_home,
    below_a_foreign_directory,
    new_below_a_foreign_directory,
    past_a_foreign_directory,
    by_a_foreign_link,
    own_link_to_a_foreign_home,
    below_what_all_may_write,
    open_home_with_a_trap,
    closed_too_late,
    hub_volume,
]


def listing(folder: Path) -> list[tuple[str, int, int]]:
    return sorted(
        (str(path), path.lstat().st_mode, path.lstat().st_uid) for path in folder.rglob("*")
    )


@two_users
@pytest.mark.parametrize(
    "plant", slow_but(PLANTS, open_home_with_a_trap, closed_too_late, hub_volume)
)
def test_no_command_and_no_lab_uses_what_another_user_could_change(
    machine: Machine, plant: Callable[[Machine], Path]
) -> None:
    home = plant(machine)
    before = listing(machine.shared)
    words = [
        [word.replace("FILE", str(machine.own / "bundle.tar")) for word in words]
        for words in COMMANDS
    ]
    words = [
        [word.replace("DIR", str(machine.own / "notebooks")) for word in entry] for entry in words
    ]
    command = [sys.executable, "-c", EVERY_ENTRY, json.dumps(words), str(home)]
    done = run_as(VICTIM, command, groups=(100,), LABKIT_HOME=str(home))
    assert done.returncode == 0, done.stderr
    codes = json.loads(done.stdout.splitlines()[-1])
    assert len(codes) == len(COMMANDS) + 2
    assert set(codes.values()) == {7}, codes
    assert machine.treasure.read_text() == "years of work"
    assert not machine.marker.exists()
    assert listing(machine.shared) == before
    server = [sys.executable, "-m", "kube_embedded", "--home", str(home), "--no-node"]
    served = run_as(VICTIM, server, groups=(100,))
    assert served.returncode == 4, served.stderr
    assert len(served.stderr.splitlines()) == 1
    assert machine.treasure.read_text() == "years of work"


@two_users
def test_what_makes_homes_of_its_own_leaves_a_planted_one_alone(machine: Machine) -> None:
    home = foreign_home(machine)
    before = listing(home)
    machine.folder(machine.own / "submissions", VICTIM)
    for words in (
        ["course", "build", "course"],
        ["grade", "submissions"],
        ["--help"],
        ["--version"],
    ):
        run_as(
            VICTIM,
            [sys.executable, "-P", "-m", "labkit", *words],
            cwd=machine.own,
            LABKIT_HOME=str(home),
        )
    assert listing(home) == before
    assert machine.treasure.read_text() == "years of work"


@two_users
def test_an_own_home_in_a_shared_directory_is_used(machine: Machine) -> None:
    home = machine.shared / "new" / "home"
    code = "from labkit.core.home import *; ensure_private(home_path()); write_private(home_path() / 'a' / 'b', 'c')"
    done = run_as(
        VICTIM, [sys.executable, "-c", f"import os; os.umask(0); {code}"], LABKIT_HOME=str(home)
    )
    assert (done.returncode, done.stderr) == (0, "")
    for path, mode in (
        (home.parent, 0o700),
        (home, 0o700),
        (home / "a", 0o700),
        (home / "a" / "b", 0o600),
    ):
        assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_uid) == (mode, VICTIM)


@two_users
def test_who_is_faster_in_a_shared_directory_does_not_win(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attacker creates the directory between the check and the creation."""
    made = Path.mkdir

    def faster(
        path: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False
    ) -> None:
        made(path)
        machine.give(path, ATTACKER, 0o777)
        made(path, mode)

    monkeypatch.setattr(Path, "mkdir", faster)
    with pytest.raises(HomeError, match=rf"belongs to another user \(id {ATTACKER}\)"):
        ensure_private(machine.shared / "raced")
    with pytest.raises(
        HomeError, match=rf"belongs to another user \(id {ATTACKER}\), who can replace"
    ):
        ensure_private(machine.shared / "raced as well" / "home")
    assert not (machine.shared / "raced as well" / "home").exists()


@two_users
def test_a_volume_is_used_where_its_group_is_vouched_for(machine: Machine) -> None:
    """As a hub mounts it: root's, setgid, writable by the group, and widened again at each start."""
    home = hub_volume(machine)
    code = "from labkit.core.home import *; ensure_private(home_path()); write_private(home_path() / 'pki' / 'x', '')"
    command = [sys.executable, "-c", code]
    refused = run_as(VICTIM, command, groups=(100,), LABKIT_HOME=str(home))
    assert "the members of the group users can replace what lies in" in refused.stderr
    assert "export LABKIT_TRUSTED_GROUP=users" in refused.stderr
    for group in ("users", "100"):
        home.chmod(0o2770)
        os.chown(home, VICTIM, 100)
        vouched = partial(
            run_as,
            VICTIM,
            command,
            groups=(100,),
            LABKIT_HOME=str(home),
            LABKIT_TRUSTED_GROUP=group,
        )
        done = vouched()
        assert done.returncode == 0, done.stderr
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        again = vouched()
        assert (again.returncode, again.stderr) == (0, "")
    (home / "pki").chmod(0o2770)
    assert vouched().returncode == 0
    assert stat.S_IMODE((home / "pki").stat().st_mode) == 0o700
    other = run_as(
        VICTIM, command, groups=(100,), LABKIT_HOME=str(home), LABKIT_TRUSTED_GROUP="staff"
    )
    assert other.returncode == 1
    home.parent.chmod(0o2777)
    assert vouched().returncode == 1


@two_users
def test_root_does_not_use_what_is_a_users(machine: Machine) -> None:
    """``sudo labkit`` with the user's HOME."""
    command = [sys.executable, "-m", "labkit", "status"]
    environment = {**os.environ, "SUDO_USER": "jane", "LABKIT_HOME": str(machine.own / "new")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 7
    assert "Run labkit as yourself, without sudo." in done.stderr


@pytest.mark.slow
@two_users
def test_modules_of_the_directory_one_is_in_are_not_run(machine: Machine) -> None:
    for name in ("jupyterlab.py", "json.py", "labkit.py"):
        (machine.shared / name).write_text(f"open({str(machine.marker)!r}, 'w')\n")
    code = """
import subprocess, sys
from labkit.lab import workbook
made = workbook.prepare()
command = workbook.jupyter_command(made.directory, True, ["--version"])
sys.exit(subprocess.run(command, env=workbook.environment()).returncode)
"""
    home = machine.own / "home"
    done = run_as(
        VICTIM, [sys.executable, "-P", "-c", code], cwd=machine.shared, LABKIT_HOME=str(home)
    )
    assert done.returncode == 0, done.stderr
    assert not machine.marker.exists()


@two_users
def test_notebooks_are_not_put_where_another_user_could_change_them(machine: Machine) -> None:
    place = machine.folder(machine.shared / "place", ATTACKER, 0o777)
    command = [sys.executable, "-m", "labkit", "lab", "--no-browser", "--dir", str(place)]
    done = run_as(VICTIM, command, LABKIT_HOME=str(machine.own / "home"))
    assert done.returncode == 2
    assert f"labkit puts no notebooks into {place}." in done.stderr
    assert list(place.iterdir()) == []


@pytest.mark.skipif(
    os.geteuid() == 0, reason="root needs no namespace: the tests above run as they are"
)
def test_the_same_in_a_user_namespace() -> None:
    command = namespace_command(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__
    )
    if command is None:
        pytest.skip(
            "no user namespace with several ids: unshare, newuidmap and /etc/subuid are needed"
        )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
