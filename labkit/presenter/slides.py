"""The instructor's notebook of a part as slides: ``labkit slides``.

It runs on a cluster of its own, in a directory that is removed. So the teacher's cluster stays as it is, and no slide
shows the directory.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from labkit.core.errors import LabkitError
from labkit.core.home import place_error
from labkit.core.resources import notebooks
from labkit.core.scratch import scratch_directory
from labkit.lessons.steps import Lesson

REVEAL = "https://unpkg.com/reveal.js@5.2.1"
"""The default address of reveal.js. Version 6 moved its plugins, so slides need 4 or 5."""

HOME = "$HOME/.local/share/labkit"
"""Stands for the directory of the cluster."""

CELL_SECONDS = 300
FOLDED = re.compile(r"</?details>|<summary>.*?</summary>")
"""The tags that hide answers in the notebook; on a slide a key shows them, or they are in the notes."""


def write(lesson: Lesson, file: Path, reveal: str) -> None:
    """Run the instructor's notebook of a part, and write its slides.

    Args:
        lesson: The part.
        file: Gets the slides, as one page of HTML.
        reveal: The address of reveal.js, or a folder relative to the page.

    Raises:
        LabkitError: A cell failed.
        UsageError: The file cannot be written.
    """
    import nbconvert
    import nbformat

    # nbformat and nbconvert have no types for these.
    read: Any = nbformat.read
    make_exporter: Any = nbconvert.SlidesExporter
    with scratch_directory("labkit-slides-") as scratch:
        document = read(notebooks() / "instructor" / lesson.notebook, as_version=4)
        run_notebook(document, scratch)
        for cell in document.cells:
            if cell.cell_type == "markdown":
                cell.source = (
                    FOLDED.sub("", cell.source).strip().replace("](../pictures/", "](pictures/")
                )
        exporter = make_exporter(
            template_name="labkit-slides",
            extra_template_basedirs=[str(Path(__file__).with_name("templates"))],
            reveal_url_prefix=reveal,
            embed_images=True,
        )
        resources = {"metadata": {"path": str(notebooks()), "name": lesson.title}}
        page, _ = exporter.from_notebook_node(document, resources)
    try:
        file.write_text(page.replace(str(scratch / "home"), HOME), encoding="utf-8")
    except OSError as error:
        raise place_error(file, error) from error


def run_notebook(document: Any, scratch: Path) -> None:
    """Run an English notebook in place, on an embedded cluster in the folder ``home`` of a directory.

    Raises:
        LabkitError: A cell failed.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    from traitlets.config import Config

    here = {
        "LABKIT_HOME": str(scratch / "home"),
        "IPYTHONDIR": str(scratch / "ipython"),
        "TMPDIR": str(scratch),
    }
    kubectl = {"KUBECONFIG": str(scratch / "none"), "KUBECACHEDIR": str(scratch / "cache")}
    environment = {**os.environ, **here, **kubectl, "LABKIT_LANG": "en"}
    client = NotebookClient(
        document,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        store_widget_state=False,
        resources={"metadata": {"path": str(scratch)}},
        # Files instead of ports, which others could listen at.
        config=Config({"KernelManager": {"transport": "ipc", "ip": f"{scratch}/kernel"}}),
    )
    try:
        client.execute(env=environment)
    except CellExecutionError as error:
        raise LabkitError(
            "A cell of the notebook failed.",
            why=str(error),
            todo="labkit demo shows whether labkit works here.",
        ) from error
    finally:
        # The notebook's cluster is a process of its own, which would go on after the kernel has
        # ended.
        down = [sys.executable, "-P", "-m", "labkit", "down"]
        subprocess.run(down, env=environment, check=False, capture_output=True)
