"""Descriptions of fields, read from the source of the installed ``kubernetes`` client.

Its models have the real server's descriptions. They are parsed: importing the client takes a second. The models
have no descriptions of fields that hold another struct, nor of the values of an enumeration. Their generator joined
the lines of each description; the line breaks are worked out, mostly from the spaces of indented text.
"""

import ast
import re
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from kube_embedded.files import read_json

from ...machinery.schema.tables import schemas

DOCUMENTATION = re.compile(
    r'^class \w+\(BaseModel\):\n    """\n(.*?)(?:\n\n    Attributes:|\n    """)',
    re.MULTILINE | re.DOTALL,
)
FIELD = re.compile(r"^    (\w+): .*?= Field\((.*)\)$", re.MULTILINE)
ALIAS = re.compile(r'serialization_alias=("(?:[^"\\]|\\.)*")')
DESCRIPTION = re.compile(r'[ (,]?description=("(?:[^"\\]|\\.)*")')
INDENTED = re.compile(r" (?= {2,}\S)")
"""The end of a line before an indented one."""
ITEM = re.compile(r"^( +[^ *-].*?\.) (?=[*-] )", re.MULTILINE)
"""The end of an indented line before another item of its list."""
PARAGRAPH = re.compile(r"(?<! )  (?! )")
WORDS = (re.compile("([A-Z]+)([A-Z][a-z])"), re.compile("([a-z0-9])([A-Z])"))


@dataclass(frozen=True, slots=True)
class Description:
    """The description of a struct, and its fields' descriptions by their JSON names."""

    text: str = ""
    fields: dict[str, str] = field(default_factory=dict)


NOTHING = Description()
_LOST = read_json(__file__, "descriptions.json")
PARAGRAPHS = frozenset(_LOST["paragraphs"])
"""Structs in whose descriptions two spaces are an empty line; elsewhere mostly two spaces."""
OWN: dict[str, str] = _LOST["own"]
"""Descriptions of fields that hold another struct, by the name of the struct or of the field."""
GO_NAMES = frozenset(_LOST["go_names"])
"""Structs whose fields had their names as in Go until the release after ``version.GIT_VERSION``."""


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
    # The documents are complete without it, but "kubectl explain" shows no text.
    folder = models()
    if folder is None:
        return NOTHING
    package, api_version, name = struct_name.rsplit(".", 2)
    # The client's generator names files in snake case.
    for pattern in WORDS:
        name = pattern.sub(r"\1_\2", name)
    terms = name.lower()
    for candidate in (f"{package}_{api_version}_{terms}", f"{api_version}_{terms}"):
        path = folder / f"{candidate}.py"
        if path.is_file():
            return restored(struct_name, read(path.read_bytes().decode()))
    return NOTHING


def restored(struct_name: str, about: Description) -> Description:
    """Descriptions with their lines, and with the names of fields as the server's release has them."""
    paragraphs = struct_name in PARAGRAPHS
    fields = {name: _lines(text, paragraphs) for name, text in about.fields.items()}
    # The client is generated from a later release than the server's.
    if struct_name in GO_NAMES:
        for name, field_ in schemas()[struct_name].fields.items():
            if fields.get(name, "").startswith(f"{name} "):
                fields[name] = field_.go + fields[name].removeprefix(name)
    return Description(_lines(about.text, paragraphs), fields)


def _lines(text: str, paragraphs: bool) -> str:
    if "|" in text:  # a table
        return text
    if paragraphs:
        text = PARAGRAPH.sub("\n\n", text)
    return ITEM.sub("\\1\n", INDENTED.sub("\n", text))


def read(source: str) -> Description:
    """The descriptions in a model's source."""
    about = DOCUMENTATION.search(source)
    fields: dict[str, str] = {}
    for match in FIELD.finditer(source):
        text = DESCRIPTION.search(match[2])
        if text is None:
            continue
        alias = ALIAS.search(match[2])
        name = ast.literal_eval(alias[1]) if alias else match[1]
        fields[name] = ast.literal_eval(text[1])
    return Description(about[1].strip() if about else "", fields)
