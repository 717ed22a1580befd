"""Renew the catalogues of messages from the English texts, and print how far each translation is.

``python -m tools.messages`` writes them, what labkit reads of them, and README and the documents in other languages;
with ``--report`` it only warns about texts that are shown in English, and with ``--complete``, before a release, it fails.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
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
        written[texts.COMPILED / f"{language}.json"] = catalogues.compiled(rooms.values())
    return written


def main(arguments: Sequence[str] | None = None) -> int:
    """Renew the catalogues, or report on them. Returns the exit code."""
    parser = argparse.ArgumentParser(
        description="Renew the catalogues in locale from the English texts."
    )
    parser.add_argument(
        "--report", action="store_true", help="write nothing; warn about texts shown in English"
    )
    parser.add_argument(
        "--complete", action="store_true", help="write nothing; fail if a text is shown in English"
    )
    options = parser.parse_args(arguments)
    files = outputs()
    stale = [
        file
        for file, text in files.items()
        if not file.exists() or text != file.read_text(encoding="utf-8")
    ]
    if not (options.report or options.complete):
        for file in stale:
            print(f"written: {file.relative_to(notebooks.ROOT)}")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(files[file], encoding="utf-8")
        print_counts(counts(files))
        return 0
    incomplete = {name: count for name, count in counts(files).items() if not count.is_complete}
    print_counts(incomplete)
    for file in stale:
        print(f"not up to date: {file.relative_to(notebooks.ROOT)}")
    if not (incomplete or stale):
        print("Every text is translated.")
        return 0
    # Whoever changes an English text need not know the other languages, so this stops only a release.
    print(
        f"{'error' if options.complete else 'warning'}: some texts are shown in English. `make messages` renews the "
        "catalogues in locale; see docs/contributing/translations.md.",
        file=sys.stderr,
    )
    return int(options.complete)


def counts(files: Mapping[Path, str]) -> dict[str, catalogues.Count]:
    """Return how far each catalogue among some files is translated, by its name."""
    return {
        " ".join(file.relative_to(catalogues.LOCALE).with_suffix("").parts): catalogues.count(
            catalogues.messages(catalogues.read(text))
        )
        for file, text in files.items()
        if file.suffix == ".po"
    }


def print_counts(by_catalogue: Mapping[str, catalogues.Count]) -> None:
    """Print a line for each catalogue."""
    for name, count in by_catalogue.items():
        print(f"{name}: {count}")


if __name__ == "__main__":
    sys.exit(main())
