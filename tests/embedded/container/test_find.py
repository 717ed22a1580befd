"""``find``'s tests of files, one by one."""

from __future__ import annotations

import pytest

from tests.embedded.container.harness import run

TREE = (
    "mkdir -p /t/d/e /t/x; cd /t; printf 12345 > a.txt; : > B.TXT; printf '%2000s' y > d/big; ln -s a.txt l; "
    "chmod 600 a.txt; chmod 755 d/big; : > d/e/own; chown nobody d/e/own; "
)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("-name '*.txt'", "./a.txt"),
        ("-iname '*.txt'", "./B.TXT ./a.txt"),
        ("-path './d/e/*'", "./d/e/own"),
        ("-ipath './D/B*'", "./d/big"),
        ("-type l", "./l"),
        ("-type f,l -maxdepth 1", "./B.TXT ./a.txt ./l"),
        ("-type d -mindepth 2", "./d/e"),
        ("-empty", "./B.TXT ./d/e/own ./x"),
        ("-size 5c", "./a.txt ./l"),
        ("-type f -size +1k", "./d/big"),
        ("-type f -size -1k", "./B.TXT ./d/e/own"),
        ("-user nobody", "./d/e/own"),
        ("-user 65534", "./d/e/own"),
        ("-type f -perm 600", "./a.txt"),
        ("-type f -perm -700", "./d/big"),
        ("-type f -perm /111", "./d/big"),
        ("-type f -newer a.txt", ""),
        ("-type f -mtime +1", ""),
        ("-name a.txt -mmin -5", "./a.txt"),
        ("-type f ! -readable", ""),
        ("-type f -executable", "./d/big"),
        ("-false -o -name x", "./x"),
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
        ("-size q", "Invalid argument `q' to -size"),
        ("-mtime q", "invalid argument `q' to `-mtime'"),
        ("-name", "missing argument to `-name'"),
        ("-nonsense", "unknown predicate `-nonsense'"),
        ("-true stray", "paths must precede expression: `stray'"),
    ],
)
def test_it_complains(expression: str, complaint: str) -> None:
    done = run(f"find /etc {expression}")
    assert (done.rc, done.stderr) == (1, f"find: {complaint}\n")
