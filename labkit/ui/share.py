"""Links to a picture of one decision, drawn by a site's ``share.html``; ``share.json`` lists the fields in a link."""

import json
import re
import zlib
from base64 import urlsafe_b64encode
from typing import Any

from kube_embedded.rbac.objects import is_default
from labkit.core import page
from labkit.core.arguments import LINE, takes
from labkit.core.errors import UsageError
from labkit.core.language import language
from labkit.core.redact import redact_all
from labkit.rbac.policy import Api, Policy, read_policy

from .base import STATIC

SHAPES = json.loads((STATIC / "share.json").read_text(encoding="utf-8"))
MAX_LENGTH = 32_000


class Shareable:
    """A widget with a link to its picture."""

    data: dict[str, Any]
    _api: Api
    _policy: Policy | None = None

    @takes('link("https://example.org/labkit/")', site=LINE)
    def link(self, site: str = "") -> str:
        """Return the address of a page that draws this widget in its present state. It has neither token nor key.

        Args:
            site: The address of a labkit site; in a page of one, that site's when left out.

        Raises:
            UsageError: No site is known, or the data is too long for a link.
        """
        site = site or getattr(page.current, "site", "")
        if not site:
            raise UsageError(
                "Which site draws it?", todo='Give its address: link("https://example.org/labkit/")'
            )
        name = type(self).__module__.rpartition(".")[2]
        policy = [
            obj for obj in (self._policy or read_policy(self._api)).objects() if not is_default(obj)
        ]
        document = {
            "picture": name,
            "version": 1,
            "data": pick(self.data, name),
            "policy": pick(policy, "policy"),
        }
        # Negative wbits: raw deflate, without zlib's header and checksum, as the page unpacks
        # it.
        packed = zlib.compress(
            json.dumps(redact_all(document), separators=(",", ":")).encode(), wbits=-15
        )
        text = urlsafe_b64encode(packed).decode().rstrip("=")
        if len(text) > MAX_LENGTH:
            raise UsageError(
                "This is too much for a link.",
                todo="Choose a namespace, a subject, or fewer columns.",
            )
        # The data is in the fragment, which a browser does not send to the site.
        spoken = "" if language() == "en" else f"?lang={language()}"
        return f"{site.rstrip('/')}/share.html{spoken}#{text}"


def pick(value: Any, shape: Any) -> Any:
    """Copy the fields that a shape of ``share.json`` names; those with a ``?`` may be missing."""
    if isinstance(shape, dict):
        fields = {
            key.rstrip("?"): inner
            for key, inner in shape.items()
            if value.get(key.rstrip("?")) is not None
        }
        return {key: pick(value[key], inner) for key, inner in fields.items()}
    if isinstance(shape, list):
        return [pick(item, shape[0]) for item in value]
    # A query can hold anything, such as the command of an exec.
    if shape == "request":
        return re.sub(r"\?\S+", "?…", value)
    return pick(value, SHAPES[shape]) if shape in SHAPES else value
