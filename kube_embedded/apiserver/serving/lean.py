"""Fast start: the work that a server process defers until after its first response.

aiohttp's package loads its unused HTTP client too, which costs an eighth of the start and two megabytes.
"""

import gc
import re
import sys
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType

VERSION = re.compile(r"^__version__ = \"([^\"]+)\"", re.MULTILINE)


def defer_collection() -> None:
    """Disable garbage collection while modules are loaded."""
    gc.disable()


def resume_collection() -> None:
    """Enable garbage collection, and exempt everything loaded so far."""
    gc.collect()
    gc.freeze()
    gc.enable()


def defer_client() -> None:
    """Make ``aiohttp``'s modules importable without its ``__init__``, which runs when one of its names is used.

    Does nothing if aiohttp is loaded already, or is laid out differently.
    """
    spec = find_spec("aiohttp") if "aiohttp" not in sys.modules else None
    if spec is None or spec.loader is None or spec.origin is None:
        return
    loader = spec.loader
    version = VERSION.search(Path(spec.origin).read_text(encoding="utf-8"))
    if version is None:
        return
    package = module_from_spec(spec)

    def load(name: str) -> object:
        if name.startswith("__") or find_spec(f"aiohttp.{name}") is not None:
            raise AttributeError(name)
        del package.__dict__["__getattr__"]
        loader.exec_module(package)
        return getattr(package, name)

    ModuleType.__setattr__(package, "__version__", version[1])
    ModuleType.__setattr__(package, "__getattr__", load)
    sys.modules["aiohttp"] = package
