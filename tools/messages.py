"""Renew the catalogues of messages from the English texts, and print how far each translation is.

``python -m tools.messages`` writes them, what labkit reads of them, and README and the documents in other languages;
with ``--check`` it fails when one is not up to date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools import catalogues, documents, notebooks, texts


def outputs() -> dict[Path, str]:
    """The text of each catalogue, with the English texts as they are now, and of what labkit reads of them."""
    english = {name: texts.template(name) for name in texts.ROOMS}
    english["notebooks"] = catalogues.template(
        {source.stem: notebooks.notebook(source) for source in notebooks.sources()}
    )
    english["page"] = texts.of_pages()
    readme = (notebooks.ROOT / "README.md").read_text(encoding="utf-8")
    english["readme"] = catalogues.template_of_page(readme)
    written = {}
    for language in catalogues.languages():
        for name, template in english.items():
            file = catalogues.path(language, name)
            written[file] = catalogues.renewed(file.read_text(encoding="utf-8"), template)
        of_documents = {}
        for name, document in documents.english().items():
            file = catalogues.path(language, f"docs/{name}")
            written[file] = catalogues.renewed(
                documents.catalogue(language, name), catalogues.template_of_page(document)
            )
            of_documents[name] = catalogues.read(written[file])
        page = catalogues.read(written[catalogues.path(language, "readme")])
        written |= documents.built(language, of_documents, catalogues.translated_page(readme, page))
        rooms = {
            name: catalogues.read(written[catalogues.path(language, name)]) for name in texts.ROOMS
        }
        sentences = [rooms.pop(name) for name in texts.SENTENCES]
        written[texts.COMPILED / f"{language}.json"] = catalogues.compiled(rooms.values())
        written[texts.COMPILED / f"{language}-sentences.json"] = catalogues.compiled(
            sentences, sentences=True
        )
    return written


def main(arguments: Sequence[str] | None = None) -> int:
    """Renew, or check. Returns the exit code."""
    parser = argparse.ArgumentParser(
        description="Renew the catalogues in locale from the English texts."
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when not up to date"
    )
    options = parser.parse_args(arguments)
    stale = False
    for file, text in outputs().items():
        if not file.exists() or text != file.read_text(encoding="utf-8"):
            stale = True
            print(
                f"{'not up to date' if options.check else 'written'}: {file.relative_to(notebooks.ROOT)}"
            )
            if not options.check:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
        if file.suffix == ".po":
            found = catalogues.read(text)
            name = " ".join(file.relative_to(catalogues.LOCALE).with_suffix("").parts)
            for source in notebooks.sources() if file.stem == "notebooks" else ():
                print(
                    f"{name} {source.stem}: {catalogues.count(catalogues.messages(found, source.stem))}"
                )
            print(f"{name}: {catalogues.count(catalogues.messages(found))}")
    if options.check and stale:
        print("Run `make messages` and commit what it writes.", file=sys.stderr)
    return int(options.check and stale)


if __name__ == "__main__":
    sys.exit(main())
