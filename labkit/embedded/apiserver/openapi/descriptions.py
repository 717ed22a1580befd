"""What fields mean, read from the source of the installed ``kubernetes`` client.

Its models have the real server's descriptions. They are parsed: importing the client takes a second.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

DOCUMENTATION = re.compile(
    r'^class \w+\(BaseModel\):\n    """\n(.*?)(?:\n\n    Attributes:|\n    """)', re.MULTILINE | re.DOTALL
)
FIELD = re.compile(r"^    (\w+): .*?= Field\((.*)\)$", re.MULTILINE)
ALIAS = re.compile(r'serialization_alias=("(?:[^"\\]|\\.)*")')
DESCRIPTION = re.compile(r'[ (,]?description=("(?:[^"\\]|\\.)*")')
WORDS = (re.compile("([A-Z]+)([A-Z][a-z])"), re.compile("([a-z0-9])([A-Z])"))


@dataclass(frozen=True, slots=True)
class Description:
    """What a struct means, and its fields, by their JSON names."""

    text: str = ""
    fields: dict[str, str] = field(default_factory=dict)


NOTHING = Description()


@cache
def models() -> Path | None:
    """The folder of the client's models, if it is installed."""
    spec = find_spec("kubernetes")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    folder = Path(places[0]) / "client" / "models" if places else None
    return folder if folder is not None and folder.is_dir() else None


@cache
def models_version() -> str:
    """The version of the client that the descriptions come from."""
    # Imported here: it is slow, and few servers serve a document.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("kubernetes")
    except PackageNotFoundError:
        return ""


def describe(struct_name: str) -> Description:
    """The descriptions of a struct, named as in the schema's tables, such as ``core.v1.PodSpec``."""
    folder = models()
    if folder is None:
        return NOTHING
    package, api_version, name = struct_name.rsplit(".", 2)
    for pattern in WORDS:
        name = pattern.sub(r"\1_\2", name)
    words = name.lower()
    for candidate in (f"{package}_{api_version}_{words}", f"{api_version}_{words}"):
        path = folder / f"{candidate}.py"
        if path.is_file():
            return read(path.read_text(encoding="utf-8"))
    return NOTHING


def read(source: str) -> Description:
    """The descriptions in a model's source."""
    about = DOCUMENTATION.search(source)
    fields: dict[str, str] = {}
    for found in FIELD.finditer(source):
        text = DESCRIPTION.search(found[2])
        if text is None:
            continue
        alias = ALIAS.search(found[2])
        name = ast.literal_eval(alias[1]) if alias else found[1]
        fields[name] = ast.literal_eval(text[1])
    return Description(about[1].strip() if about else "", fields)
