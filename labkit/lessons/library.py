"""The lessons' manifests: the files in ``clusters/lessons``, each named by the step that creates its objects.

The state before a step is the files of all earlier steps, in order. Objects that the lab creates from them
carry an annotation, so that no checkpoint counts them as the learner's work.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labkit.client.manifests import Manifest, parse
from labkit.core import resources
from labkit.core.arguments import describe
from labkit.core.errors import UsageError, near
from labkit.core.language import text

from .steps import position, step_id, step_ids, taken_away

PREPARED = "labkit/prepared"
"""The annotation of objects that the lab created; its value is the step whose work they are, or ``true``."""


def prepared(manifest: Manifest, step: str = "") -> Manifest:
    """The manifest with the annotation that the lab created it for a step, not the learner."""
    meta = dict(manifest.get("metadata") or {})
    meta["annotations"] = {**(meta.get("annotations") or {}), PREPARED: step or "true"}
    return {**manifest, "metadata": meta}


@dataclass(frozen=True, slots=True)
class Library:
    """The lessons' manifests.

    Args:
        root: The directory that holds one directory a lesson.
    """

    root: Path

    def lessons(self) -> list[str]:
        """The lessons' names, in order."""
        return sorted(entry.name for entry in self.root.iterdir() if entry.is_dir())

    def files(self, name: str) -> list[Path]:
        """Return the files of a lesson, or one of them.

        Args:
            name: A lesson (``04-roles``, ``04``) or a file in it (``04-roles/W14-namespaces.yaml``).

        Raises:
            UsageError: When there is no such lesson or file.
        """
        lesson, _, rest = name.strip("/").partition("/")
        lessons = self.lessons()
        matches = [entry for entry in lessons if lesson in (entry, entry.split("-")[0])]
        if not matches:
            if lesson.endswith((".yaml", ".yml", ".json")):
                raise UsageError(
                    text("There is no file {name} here, and no lesson has it.", describe(name)),
                    todo=near(lesson, lessons),
                )
            raise UsageError(
                text("There is no lesson {lesson}.", describe(lesson)), todo=near(lesson, lessons)
            )
        # A number is enough, such as 04: the names of lessons begin with different ones.
        directory = self.root / matches[0]
        if not rest:
            return sorted(directory.glob("*.yaml"))
        files = {
            str(file.relative_to(directory)): file for file in sorted(directory.rglob("*.yaml"))
        }
        named = [file for key, file in files.items() if rest in (key, key.removesuffix(".yaml"))]
        if not named:
            names = (
                text("Its files are: {files}.", ", ".join(files)) if files else text("It has none.")
            )
            raise UsageError(
                text('"{matches}" has no file {rest}.', matches[0], describe(rest)), todo=names
            )
        return named

    def before(self, step: str | None) -> list[tuple[str, Path]]:
        """The files whose objects exist before a step, each with its own step, in the order of their creation.

        Args:
            step: The step's id; None for the end, where all files' objects exist.
        """
        # Not those in tryout: a step creates them and deletes them again.
        files = [file for lesson in self.lessons() for file in (self.root / lesson).glob("*.yaml")]
        ordered = sorted((position(step_of(file)), file) for file in files)
        # By position, because steps are not in the order of their names: T1 comes after W24.
        goal = len(step_ids()) if step is None else position(step)
        gone = {obj for earlier in step_ids()[:goal] for obj in taken_away(earlier)}
        return [
            (step_of(file), file)
            for place, file in ordered
            if place < goal and step_of(file) not in gone
        ]

    def of_step(self, step: str) -> list[Path]:
        """The files of a step, experiments included, in order."""
        return sorted(file for file in self.root.rglob("*.yaml") if step_of(file) == step)

    def objects(self) -> list[Manifest]:
        """Every object of every lesson, experiments included."""
        return objects_in(sorted(self.root.rglob("*.yaml")))


def objects_in(files: Iterable[Path]) -> list[Manifest]:
    """The objects of some files, in order."""
    return [entry for file in files for entry in parse(file.read_text(encoding="utf-8"), file.name)]


def step_of(file: Path) -> str:
    """The step that a file's name begins with, such as ``W5`` for ``W05-pod-curl.yaml``."""
    return step_id(file.name.partition("-")[0])


def library() -> Library:
    """The lessons' manifests that labkit comes with."""
    return Library(resources.clusters() / "lessons")
