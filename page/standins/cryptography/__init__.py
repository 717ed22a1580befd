"""As much of cryptography as labkit and PyJWT use, for keys that protect nothing; see page/standins/README.md."""

import sys

if sys.platform != "emscripten":
    raise ImportError("this cryptography is for a page of a browser alone")

__version__ = "46.0"
