"""Renew the catalogues of messages from the English texts, and print how far each translation is.

``python -m tools.messages`` writes them; with ``--check`` it fails when one is not up to date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tools import catalogues, notebooks


def outputs() -> dict[str, str]:
    """The text of each language's catalogue, with the English texts as they are now."""
    english = catalogues.template({source.stem: notebooks.notebook(source) for source in notebooks.sources()})
    return {
        language: catalogues.renewed(catalogues.path(language).read_text(encoding="utf-8"), english)
        for language in catalogues.languages()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Renew, or check. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Renew the catalogues in locale from the English texts.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when not up to date")
    options = parser.parse_args(arguments)
    stale = False
    for language, text in outputs().items():
        file = catalogues.path(language)
        if text != file.read_text(encoding="utf-8"):
            stale = True
            print(f"{'not up to date' if options.check else 'written'}: {file.relative_to(notebooks.ROOT)}")
            if not options.check:
                file.write_text(text, encoding="utf-8")
        texts = catalogues.read(text)
        for source in notebooks.sources():
            print(f"{language} {source.stem}: {catalogues.count(catalogues.messages(texts, source.stem))}")
        print(f"{language}: {catalogues.count(catalogues.messages(texts))}")
    if options.check and stale:
        print("Run `make messages` and commit what it writes.", file=sys.stderr)
    return int(options.check and stale)


if __name__ == "__main__":
    sys.exit(main())
