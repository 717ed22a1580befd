"""Walk a copy of the official pages: apply their manifests, and see which sections our questions were written for.

    make pages WEBSITE=DIR          DIR is a checkout of https://github.com/kubernetes/website
    make pages WEBSITE=DIR PIN=1    remember its sections, after our questions were compared with them

Nothing of a page is kept but the hash of a section, in ``sections.json``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import yaml

from kube_embedded.tests.support.cluster import ClusterApi
from tests.documentation import variants

PINS = Path(__file__).with_name("sections.json")
DOCS = Path("content/en/docs")

PAGES = (
    "reference/access-authn-authz/rbac.md",
    "reference/access-authn-authz/authorization.md",
    "reference/access-authn-authz/user-impersonation.md",
    "reference/access-authn-authz/service-accounts-admin.md",
    "reference/access-authn-authz/kubelet-authn-authz.md",
    "tasks/administer-cluster/certificates.md",
    "concepts/security/rbac-good-practices.md",
    "tasks/configure-pod-container/configure-service-account.md",
)
"""The pages that are walked, below content/en/docs."""

HEADING = re.compile(r"#{2,6} +(.*?)(?: *\{#[^}]*\})?")
FENCE = re.compile(r"^ *```+ *ya?ml\b.*?$\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INCLUDED = re.compile(r'code(?:_sample)? +(?:language="\w+" +)?file="([^"]+)"')
TITLE = re.compile(r"^title: *(.*)$", re.MULTILINE)


class Manifest(NamedTuple):
    """An object of a page, and what became of it."""

    section: str
    kind: str
    name: str
    refused: str


def sections(text: str) -> dict[str, str]:
    """Return the text of a page by heading; what stands before the first one is under the page's title."""
    title = TITLE.search(text)
    heading = title[1].strip("\"' ") if title else ""
    parts: dict[str, list[str]] = {heading: []}
    fenced = False
    for line in text.splitlines(keepends=True):
        fenced ^= line.lstrip().startswith("```")
        match = None if fenced else HEADING.fullmatch(line.strip())
        if match:
            heading = match[1].strip()
        parts.setdefault(heading, []).append(line)
    return {heading: "".join(lines) for heading, lines in parts.items()}


def digest(text: str) -> str:
    """Return the hash of a text, in which white space does not count."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


def objects(website: Path, text: str) -> Iterator[dict[str, Any]]:
    """Yield the whole objects of a section: of its blocks in YAML and of the examples that it includes.

    Blocks that are no object by themselves, such as the rules of a role, are left out.
    """
    blocks = [dedent(match[1]) for match in FENCE.finditer(text)]
    for file in INCLUDED.findall(text):
        example = website / "content/en/examples" / file.lstrip("/")
        if example.exists():
            blocks.append(example.read_text(encoding="utf-8"))
    for block in blocks:
        try:
            found: list[Any] = list(variants.documents(block))
        except yaml.YAMLError:
            continue
        for item in found:
            if isinstance(item, dict) and {"apiVersion", "kind", "metadata"} <= item.keys():
                yield item


def walk(website: Path, page: str) -> list[Manifest]:
    """Apply the manifests of a page to a new cluster, in the order of the page.

    Returns:
        Each one, with the server's message if it refused it.
    """
    api = ClusterApi()
    outcomes = []
    for heading, text in sections((website / DOCS / page).read_text(encoding="utf-8")).items():
        for manifest in objects(website, text):
            try:
                reply = variants.apply(api, manifest)
            except LookupError as error:
                refused = str(error)
            else:
                refused = "" if reply.status in (200, 201) else reply.message
            name = manifest["metadata"].get("name", "")
            outcomes.append(Manifest(heading, manifest["kind"], name, refused))
    return outcomes


def places(website: Path) -> dict[str, str | None]:
    """Return the hash of each section for which there are questions; None if the page lacks it."""
    found: dict[str, str | None] = {}
    for entry in variants.questions():
        file = website / DOCS / entry["path"]
        parts = sections(file.read_text(encoding="utf-8")) if file.exists() else {}
        lower = {heading.lower(): text for heading, text in parts.items()}
        text = lower.get(entry["at"].lower())
        found[f"{entry['path']}#{entry['at']}"] = None if text is None else digest(text)
    return found


def report(website: Path) -> Iterator[str]:
    """Yield the lines of the report on a copy."""
    for page in PAGES:
        if not (website / DOCS / page).exists():
            yield f"{page}: not in this copy"
            continue
        manifests = walk(website, page)
        refused = [item for item in manifests if item.refused]
        asked = sum(len(entry["ask"]) for entry in variants.questions() if entry["path"] == page)
        yield f"{page}: {len(manifests)} manifests, {len(refused)} refused, {asked} questions"
        for item in refused:
            yield f"  {item.section}: {item.kind} {item.name}: {item.refused}"
    pins = json.loads(PINS.read_text(encoding="utf-8")) if PINS.exists() else {}
    for place, now in places(website).items():
        if now is None:
            yield f"There is no such section: {place}"
        elif place not in pins:
            yield f"Not compared with a copy yet: {place}"
        elif pins[place] != now:
            yield f"Changed since our questions were written: {place}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Report on a copy, or remember its sections; return the exit code."""
    parser = argparse.ArgumentParser(prog="make pages")
    parser.add_argument("website", type=Path, help="a checkout of kubernetes/website")
    parser.add_argument("--pin", action="store_true", help="remember its sections")
    options = parser.parse_args(arguments)
    if not (options.website / DOCS).is_dir():
        print(
            f"{options.website} has no {DOCS}: name a checkout of kubernetes/website",
            file=sys.stderr,
        )
        return 2
    for line in report(options.website):
        print(line)
    if options.pin:
        found = {place: text for place, text in places(options.website).items() if text}
        PINS.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
