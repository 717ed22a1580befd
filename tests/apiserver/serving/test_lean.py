"""The server's process loads aiohttp's server half; whoever asks for more gets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


LEAN = "import sys; from labkit.apiserver.serving.lean import defer_client; defer_client(); "


def test_the_client_is_not_loaded_with_the_server() -> None:
    code = LEAN + "import labkit.apiserver.serving.process; print('aiohttp.client' in sys.modules)"
    assert run(code) == "False"


def test_the_versions_agree() -> None:
    assert run(LEAN + "import aiohttp; print(aiohttp.__version__)") == run("import aiohttp; print(aiohttp.__version__)")


def test_a_name_that_is_asked_for_loads_the_rest() -> None:
    code = LEAN + (
        "import labkit.apiserver.serving.process; import aiohttp; from aiohttp import web; "
        "print(aiohttp.ClientSession.__name__, web.Application.__name__, 'aiohttp.client' in sys.modules)"
    )
    assert run(code) == "ClientSession Application True"


def test_a_loaded_package_is_left_alone() -> None:
    code = "import aiohttp; before = aiohttp; " + LEAN + "print(sys.modules['aiohttp'] is before)"
    assert run(code) == "True"


def test_a_name_that_does_not_exist() -> None:
    assert run(LEAN + "import aiohttp; print(hasattr(aiohttp, 'nonsense'))") == "False"
