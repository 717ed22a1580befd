"""The list of kinds without effect in docs/limits.md equals the list of the server's warnings."""

from __future__ import annotations

from kube_embedded.apiserver.registry.strategies.effects import WITHOUT_EFFECT
from tools.limits import BEGIN, END, PAGE, table, with_table


def test_the_page_has_the_rows_of_the_server() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page) == page, "`python -m tools.limits` writes the table"


def test_each_sentence_has_one_row() -> None:
    rows = table().splitlines()[2:]
    assert len(rows) == len(set(WITHOUT_EFFECT.values()))
    assert "| `cronjobs.batch` | cron jobs start no jobs |" in rows


def test_an_outdated_table_is_replaced() -> None:
    assert with_table(f"a\n{BEGIN}old\n{END}b\n") == f"a\n{BEGIN}\n{table()}\n{END}b\n"
