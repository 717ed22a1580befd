"""``find``'s tests of files, one by one."""

from __future__ import annotations

import pytest

from tests.embedded.container.harness import run

TREE = (
    "mkdir -p /t/d/e /t/x; cd /t; printf 12345 > a.txt; : > B.TXT; printf '%2000s' y > d/big; ln -s a.txt l; "
    "chmod 600 a.txt; chmod 755 d/big; : > d/e/own; "
)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("-name '*.txt'", "./a.txt"),
        ("-iname '*.txt'", "./B.TXT ./a.txt"),
        ("-path './d/e/*'", "./d/e/own"),
        ("-type l", "./l"),
        ("-type f -maxdepth 1", "./B.TXT ./a.txt"),
        (r"-name a.txt -exec cat {} \;", "12345"),
        ("-type d -mindepth 2", "./d/e"),
    ],
)
def test_it_finds(expression: str, found: str) -> None:
    done = run(f"{TREE}find . {expression} | sort")
    assert (done.stdout.split(), done.stderr) == (found.split(), "")


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("-type z", "Unknown argument to -type: z"),
        ("-maxdepth x", "Expected a positive decimal integer argument to -maxdepth, but got `x'"),
        ("-name", "missing argument to `-name'"),
        ("-size +1k", "-size: not simulated in this lab's pods"),
        ("-type f -o -type l", "-o: not simulated in this lab's pods"),
        ("-exec echo {} +", "-exec … +: not simulated in this lab's pods"),
        ("-nonsense", "unknown predicate `-nonsense'"),
    ],
)
def test_it_complains(expression: str, complaint: str) -> None:
    done = run(f"find /etc {expression}")
    assert (done.rc, done.stderr) == (1, f"find: {complaint}\n")
