"""docs/limits.md lists the kinds without effect, and what a pod's shell has, as the server does."""

from __future__ import annotations

import re

from kube_embedded.apiserver.registry.strategies.effects import WITHOUT_EFFECT
from kube_embedded.container.programs import BUILTIN_PROGRAMS, MODULE_OF
from kube_embedded.container.shell.builtin_table import LEFT_OUT
from kube_embedded.container.shell.builtins import BUILTINS
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


def test_the_page_lists_all_programs_and_builtins() -> None:
    text = PAGE.read_text(encoding="utf-8").partition("## What a pod's shell has")[2]
    programs, _, rest = text.partition("Their common options")
    builtins = rest.partition("The builtins are")[2].partition("The language has")[0]
    assert set(re.findall(r"`([^`]+)`", programs)) == set(MODULE_OF) | BUILTIN_PROGRAMS
    assert set(re.findall(r"`([^`]+)`", builtins)) == set(BUILTINS) - LEFT_OUT
