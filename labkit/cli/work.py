"""``labkit work``: a learner's work in one file, to go on in another lab or in a page."""

import json
from pathlib import Path
from typing import Any

import click

from labkit.core.errors import UsageError
from labkit.core.home import place_error
from labkit.core.language import said, text

from .cluster import found_lab
from .output import DIRECTORY, FILE, echo


@click.group("work")
def work_command() -> None:
    """Go on elsewhere: your work in one file.

    It has your progress, your notebooks and what you made in the cluster, but no token and no
    private key. "Go on elsewhere" in a notebook makes and takes such a file too.
    """


@work_command.command("save")
@click.argument("file", type=FILE)
@DIRECTORY
def save_command(file: Path, directory: Path | None) -> None:
    """Write your work into FILE, which must not exist yet."""
    from labkit.lab import work, workbook

    folder = workbook.prepare(directory).directory
    found = {name: _stored(folder / name) for name in workbook.names(folder)}
    notebooks = {name: notebook for name, notebook in found.items() if _cells(notebook) is not None}
    content = work.pack(found_lab(), notebooks)
    try:
        # x: an older file with work is never overwritten.
        with file.open("x", encoding="utf-8") as target:
            target.write(content)
    except OSError as error:
        raise place_error(file, error) from error
    echo(
        "{file} has your progress, {notebooks} notebooks and what you made in the cluster.",
        file,
        len(notebooks),
    )


@work_command.command("load")
@click.argument("file", type=FILE)
@DIRECTORY
@click.option(
    "--overwrite/--keep",
    default=None,
    help="Whether to replace what differs here. Otherwise it asks.",
)
def load_command(file: Path, directory: Path | None, overwrite: bool | None) -> None:
    """Add the work in FILE to what is here.

    Notebooks that differ and are not to be replaced lie beside yours, with a number.
    """
    from labkit.lab import work, workbook

    try:
        progress, notebooks, objects = work.read(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise place_error(file, error) from error
    for name, notebook in notebooks.items():
        # The file can come from somebody else: a name must not lead out of the folder of
        # notebooks.
        outside = not name.endswith(".ipynb") or any(part in ("", "..") for part in name.split("/"))
        if outside or _cells(notebook) is None:
            raise UsageError(
                text("{name} in {file} is no notebook.", name, file),
                todo="Take a file that labkit saved.",
            )
    lab = found_lab()
    # After the checks above: a damaged file changes nothing.
    lab.progress.add(progress)
    folder = workbook.prepare(directory).directory
    # A copy as labkit made it holds no work, so it can be replaced without a question.
    mine = {*workbook.names(folder)} - workbook.unchanged(folder)
    differ = [
        name
        for name in notebooks
        if name in mine and _cells(_stored(folder / name)) != _cells(notebooks[name])
    ]
    # First without changing anything that exists, so that the question below names the
    # differences.
    left = work.load(lab, objects, overwrite=False)
    for line in [*differ, *left]:
        echo("This differs here: {line}", line)
    if (differ or left) and overwrite is None:
        overwrite = click.confirm(said("Replace it by what the file has?"))
    for name, notebook in notebooks.items():
        path = folder / name
        number = 2
        # Both notebooks stay: the other one gets the next free number.
        while name in differ and not overwrite and path.exists():
            path = (folder / name).with_stem(f"{Path(name).stem}-{number}")
            number = number + 1
        if name in differ or name not in mine:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
            )
    for line in work.load(lab, objects, overwrite=True) if left and overwrite else ():
        echo(line)
    echo("Your work is here, and your notebooks are in {folder}.", folder)


def _stored(path: Path) -> Any:
    """What a notebook's file holds, None if it is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None


def _cells(notebook: Any) -> list[tuple[str, Any]] | None:
    """What a notebook's cells say and show; None for what is no notebook."""
    try:
        return [("".join(cell["source"]), cell.get("outputs")) for cell in notebook["cells"]]
    except (AttributeError, KeyError, TypeError):
        return None
