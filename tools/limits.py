"""Write the list of kinds without effect into docs/limits.md: ``python -m tools.limits``.

The rows are those by which the server warns (``registry/strategies/effects.py``), so the page and the warnings cannot
differ. A test compares the page with them.
"""

from __future__ import annotations

from pathlib import Path

from kube_embedded.apiserver.registry.strategies.effects import WITHOUT_EFFECT
from kube_embedded.machinery.kinds import BY_KIND

PAGE = Path(__file__).resolve().parent.parent / "docs" / "limits.md"
BEGIN = "<!-- python -m tools.limits writes this table -->\n"
END = "<!-- the end of the table -->\n"


def table() -> str:
    """Return the kinds without effect as a table: a row for each sentence."""
    kinds: dict[str, list[str]] = {}
    for row, sentence in WITHOUT_EFFECT.items():
        kinds.setdefault(sentence, []).append(f"`{BY_KIND[row].qualified}`")
    rows = [f"| {', '.join(names)} | {sentence} |" for sentence, names in kinds.items()]
    return "\n".join(["| kinds | without effect |", "|---|---|", *rows, ""])


def with_table(page: str) -> str:
    """Return the page with the present table."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
