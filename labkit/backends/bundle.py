"""Bundle images, wheels and notebooks in a file for machines without network.

``save`` writes it on a machine with network, ``load`` loads its images on one without. A bundle
is a tar file; its ``README.txt`` explains how to install labkit from it.
"""

import base64
import csv
import hashlib
import importlib.util
import io
import json
import platform
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from labkit.core import resources
from labkit.core.errors import Missing, UsageError
from labkit.core.home import ensure_private, place_error, write_json
from labkit.core.language import text
from labkit.core.scratch import scratch_directory
from labkit.core.version import DISTRIBUTION, OWN, __version__

from . import podimage
from .base import Options, Report
from .engine import Engine, call, find
from .kind.backend import KindBackend
from .kind.program import ensure_node_image

FORMAT = 1
SAVE_SECONDS = 1800.0
PROGRESS_SECONDS = 5.0
ROOM = text("Free some disk space, and see that Docker is well: docker info")
# Files that the installer adds to the metadata, so that they are in no wheel.
# https://packaging.python.org/en/latest/specifications/recording-installed-packages/
LEFT_OUT = {"INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}

README = """\
labkit {version}, for a machine without network ({machine}, Python {python}).

1. Install labkit. The wheels are for Python {python} on {machine}: where pip says "Could not find a
   version that satisfies the requirement", that Python or machine is another one.
     tar xf {name} wheels
     python{python} -m venv labkit-env
     labkit-env/bin/pip install --no-index --find-links wheels kube-labkit
{rest}"""
WITH_IMAGES = """\
2. Give Docker its images:
     labkit-env/bin/labkit bundle load {name}
3. Go on as everywhere:
     labkit-env/bin/labkit up --backend kind
     labkit-env/bin/labkit lab
"""
WITHOUT_IMAGES = """\
2. Go on as everywhere, on the embedded cluster:
     labkit-env/bin/labkit lab
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """A bundle's contents.

    Args:
        version: labkit's version.
        node_image: kind's node image; empty when the bundle has none.
        pod_image: The lab's pod image; empty when the bundle has none.
        machine: The processor of its wheels and images, such as ``x86_64``.
        python: The Python version of its wheels, such as ``3.13``.
    """

    version: str
    node_image: str
    pod_image: str
    machine: str
    python: str


def save(
    target: Path, home: Path, node_image: str, report: Report, *, images: bool = True
) -> Contents:
    """Write a bundle; ``images`` includes kind's images, for which Docker is needed.

    Raises:
        Missing: When Docker, the node image or pip is missing.
        UsageError: When the file cannot be written.
    """
    engine = find() if images else None
    image = _node_image(home, node_image, engine, report) if engine else ""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    contents = Contents(
        __version__, image, podimage.IMAGE if engine else "", platform.machine(), python
    )
    try:
        with (
            # Beside the target, because a file can be replaced atomically only within a file system.
            scratch_directory(".bundle-", target.absolute().parent) as scratch,
            _progress(scratch, report),
        ):
            _gather(scratch, contents, engine, target.name, report)
            report(text("Writing {target} …", target))
            part = scratch / "whole.tar"
            with tarfile.open(part, "w") as archive:
                for name in (
                    "README.txt",
                    "bundle.json",
                    *(["images.tar"] if engine else []),
                    "wheels",
                    "notebooks",
                ):
                    archive.add(scratch / name, name)
            # At the end: an interrupted run leaves no half a bundle under the target's name.
            part.replace(target)
    except OSError as error:
        raise place_error(target, error) from error
    return contents


@contextmanager
def _progress(directory: Path, report: Report) -> Iterator[None]:
    """Report the size of a directory every few seconds, for programs that report no progress themselves."""
    over = threading.Event()

    def measure() -> None:
        while not over.wait(PROGRESS_SECONDS):
            with suppress(OSError):  # a file goes while it is looked at
                size = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
                report(text("  {size} MiB so far …", size >> 20))

    thread = threading.Thread(target=measure, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _node_image(home: Path, named: str, engine: Engine, report: Report) -> str:
    """Load the node image and the pod image into the engine's store, and return the node image's name."""
    image = KindBackend(home, Options(image=named or None)).image
    if not image:
        raise Missing(
            "No node image is named.",
            todo="Name the one to take: labkit bundle save FILE --image kindest/node:v1.36.0 (or --no-images)",
        )
    ensure_node_image(engine, image, report)
    podimage.ensure(engine, image, report)
    return image


def load(source: Path, home: Path, report: Report) -> Contents:
    """Load a bundle's images, and record its node image for the kind backend.

    Raises:
        UsageError: When the file is not a bundle, or is for another processor.
        Missing: When Docker is missing or does not load the images.
    """
    contents = look(source)
    # Wheels and images hold programs for one processor. The Python version is not checked here:
    # pip fails by it, and README.txt explains its message.
    if contents.machine != platform.machine():
        raise UsageError(
            text(
                "{source} is for {machine}, and this machine is {machine2}.",
                source,
                contents.machine,
                platform.machine(),
            ),
            todo="Save a bundle on a machine of the same kind.",
        )
    if not contents.node_image:
        return contents
    engine = find()
    ensure_private(home)
    with scratch_directory(".bundle-", home) as scratch:
        report("Unpacking the images …")
        with tarfile.open(source) as archive:
            # The filter refuses what could be written elsewhere (PEP 706): a bundle can be anybody's file.
            archive.extract("images.tar", scratch, filter="data")
        report(text("Loading them into {program} …", engine.program))
        done = engine.run("load", "--input", f"{scratch}/images.tar", timeout_seconds=SAVE_SECONDS)
    # An engine reports success, too, for an archive that holds other images than the named ones.
    lacking = [
        name for name in (contents.node_image, contents.pod_image) if not engine.has_image(name)
    ]
    if not done.ok or lacking:
        raise Missing(
            "The images could not be loaded.",
            why=done.last_words or text("{lacking} is missing", ", ".join(lacking)),
            todo=ROOM,
        )
    write_json(home / "kind" / "bundle.json", {"node_image": contents.node_image})
    return contents


def look(source: Path) -> Contents:
    """Return a bundle's contents.

    Raises:
        UsageError: When the file is not a bundle of this format.
    """
    try:
        with tarfile.open(source) as archive:
            member = archive.extractfile("bundle.json")
            facts: dict[str, Any] = json.load(member) if member else {}
        if facts.pop("format") != FORMAT:
            raise UsageError(
                text("{source} was written by another version of labkit.", source),
                todo="Save it again.",
            )
        return Contents(**facts)
    except (OSError, tarfile.TarError, KeyError, ValueError, TypeError) as error:
        why = getattr(error, "strerror", None) or "it lacks what a bundle holds"
        raise UsageError(
            text("{source} is no bundle.", source),
            why=str(why),
            todo="Name the file that `labkit bundle save` wrote.",
        ) from error


def _gather(
    scratch: Path, contents: Contents, engine: Engine | None, name: str, report: Report
) -> None:
    facts = {"format": FORMAT, **asdict(contents)}
    (scratch / "bundle.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    rest = (WITH_IMAGES if engine else WITHOUT_IMAGES).format(name=name)
    text = README.format(**asdict(contents), name=name, rest=rest)
    (scratch / "README.txt").write_text(text, encoding="utf-8")
    if engine:
        report("Saving the images …")
        images = [contents.node_image, contents.pod_image]
        done = engine.run(
            "save", "--output", str(scratch / "images.tar"), *images, timeout_seconds=SAVE_SECONDS
        )
        if not done.ok:
            raise Missing("The images could not be saved.", why=done.last_words, todo=ROOM)
    report("Gathering the wheels …")
    _wheels(scratch / "wheels")
    notebooks = resources.notebooks()
    wanted = ("*.ipynb", "ko/*.ipynb", "exercises/*.ipynb", "pictures/*.svg")
    for file in sorted(file for pattern in wanted for file in notebooks.glob(pattern)):
        copy = scratch / "notebooks" / file.relative_to(notebooks)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(file.read_bytes())


def _wheels(directory: Path) -> None:
    """Write the wheels of labkit and of its dependencies, in the versions installed here."""
    directory.mkdir()
    pip = pip_command(directory.parent / "pip")
    pins = sorted(
        f"{name}=={version}"
        for name, version in installed_versions(DISTRIBUTION).items()
        if name not in OWN
    )
    # --no-deps, because the pins name all of them; wheels alone, because the other machine can lack a compiler.
    command = [*pip, "download", "--no-deps", "--only-binary=:all:", "--dest", str(directory)]
    done = call(
        [*command, *pins], timeout_seconds=SAVE_SECONDS, env={"TMPDIR": str(directory.parent)}
    )
    if not done.ok:
        todo = text("Gathering them needs the network; check it.")
        raise Missing("The wheels could not be gathered.", why=done.last_words, todo=todo)
    root = Path(__file__).resolve().parents[2]
    # A checkout, whose wheel can be built. An installed labkit has no sources to build from.
    if (root / "pyproject.toml").exists():
        sources = [str(root), str(root / "jupyter"), str(root / "kube_embedded")]
        build = [*pip, "wheel", "--no-deps", "--wheel-dir", str(directory), *sources]
        done = call(build, timeout_seconds=SAVE_SECONDS)
        if not done.ok:
            raise Missing(
                "labkit's own wheel could not be built.",
                why=done.last_words,
                todo="Install labkit again.",
            )
    else:
        for own in OWN:
            repack(metadata.distribution(own), directory)


def pip_command(directory: Path) -> list[str]:
    """Return the command for pip; if this environment has no pip, create a temporary one that has."""
    # -P: otherwise a file pip.py in the current directory would run in its place.
    own = [sys.executable, "-P", "-m", "pip"]
    # An environment can lack pip: uv creates such ones.
    if importlib.util.find_spec("pip"):
        return own
    done = call([sys.executable, "-P", "-m", "venv", str(directory)], timeout_seconds=SAVE_SECONDS)
    if not done.ok:
        todo = text("Install Python's venv module, such as apt install python3-venv.")
        raise Missing(
            "There is no pip here to gather the wheels with.", why=done.last_words, todo=todo
        )
    return [str(directory / "bin" / "python"), "-P", "-m", "pip"]


def installed_versions(requirement: str) -> dict[str, str]:
    """Return the installed versions of a distribution and of all its installed dependencies, by name.

    Args:
        requirement: The distribution's name, perhaps with extras.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    first = Requirement(requirement)
    todo = [(canonicalize_name(first.name), extra) for extra in ("", *first.extras)]
    while todo:
        key, extra = todo.pop()
        # Distributions can require each other in a circle.
        if (key, extra) in seen:
            continue
        seen.add((key, extra))
        with suppress(metadata.PackageNotFoundError):
            distribution = metadata.distribution(key)
            found[key] = distribution.version
            for text in distribution.requires or []:
                wanted = Requirement(text)
                if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                    todo += [
                        (canonicalize_name(wanted.name), entry) for entry in ("", *wanted.extras)
                    ]
    return found


def repack(distribution: metadata.Distribution, directory: Path) -> Path:
    """Rebuild the wheel of an installed pure-Python distribution in a directory; return its path."""
    name = distribution.metadata["Name"].replace("-", "_")
    target = directory / f"{name}-{distribution.version}-py3-none-any.whl"
    rows: list[tuple[str, str, str]] = []
    record = ""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, data in _installed(distribution):
            if path.endswith(".dist-info/RECORD"):
                # RECORD lists every file with its hash, except for itself.
                record = path
                continue
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            rows.append((path, f"sha256={digest}", str(len(data))))
            wheel.writestr(path, data)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([*rows, (record, "", "")])
        wheel.writestr(record, text.getvalue())
    return target


def _installed(distribution: metadata.Distribution) -> Iterator[tuple[str, bytes]]:
    for file in distribution.files or []:
        path = str(file)
        # Installers write the scripts again, from the entry points, with the machine's own paths.
        scripts = path.startswith("..") or "__pycache__" in path
        if not scripts and file.name not in LEFT_OUT:
            yield path, Path(str(file.locate())).read_bytes()
