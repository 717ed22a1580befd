"""Write the lesson mode as an extension of JupyterLab, which ``labkit lab`` and the site's page load.

It is a prebuilt extension: a folder with a ``package.json`` and one script, which JupyterLab loads as it is
(https://jupyterlab.readthedocs.io/en/stable/extension/extension_dev.html). Its sources are in ``lesson/``.
"""

import json
from pathlib import Path

from labkit.core.html import tokens
from labkit.core.language import LANGUAGES, translations_in

SOURCES = Path(__file__).with_name("lesson")
NAME = "labkit-lesson"


def write_extension(folder: Path) -> Path:
    """Write the extension below a folder of JupyterLab's extensions.

    Args:
        folder: Such as a directory of ``extra_labextensions_path``; made if it is missing.

    Returns:
        The extension's own folder.

    Raises:
        OSError: It cannot be written.
    """
    extension = folder / NAME
    (extension / "static").mkdir(parents=True, exist_ok=True)
    package = (SOURCES / "package.json").read_bytes()
    (extension / "package.json").write_bytes(package)
    script = script_with_style()
    (extension / "static" / "lesson.js").write_text(script, encoding="utf-8")
    return extension


def script_with_style() -> str:
    """Return the extension's script, with its style and its texts in labkit's other languages."""
    script = (SOURCES / "lesson.js").read_text(encoding="utf-8")
    style = tokens() + (SOURCES / "lesson.css").read_text(encoding="utf-8")
    words = {code: translations_in(script, code) for code in LANGUAGES}
    script = script.replace("{{style}}", json.dumps(style))
    return script.replace("{{words}}", json.dumps(words, ensure_ascii=False))
