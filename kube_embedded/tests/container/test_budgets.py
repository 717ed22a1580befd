"""No script hangs or bloats the server."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_embedded.container.files.filesystem import MAX_BYTES
from kube_embedded.container.files.inodes import Link
from kube_embedded.container.programs import regex
from kube_embedded.container.shell.task_loop import Budget
from kube_embedded.tests.container.harness import container, run
from kube_embedded.tests.container.textio import TextIO, drive
from kube_embedded.tests.support.properties import examples

SMALL = Budget(steps=20_000, output_bytes=1 << 20, memory_bytes=1 << 18)

ENDLESS = [
    "while true; do :; done",
    "yes",
    "f(){ f|f; }; f",
    "f(){ f; }; f",
    ":(){ :|:& };: ; while :; do :; done",
    "echo 'sh /tmp/f' > /tmp/f; sh /tmp/f",
    "head -c 1G /dev/zero",
    "x=a; while :; do x=$x$x; done",
    "x=$(yes)",
    "seq 100000000",
    "while :; do true & done",
    "cat /dev/zero | sort",
    "timeout 1 sh -c 'while :; do :; done'; while :; do :; done",
]


@pytest.mark.parametrize("script", ENDLESS)
def test_endless_scripts_are_killed(script: str) -> None:
    done = run(script, budget=SMALL)
    assert done.rc == 137
    assert len(done.stdout) <= 1 << 20


QUICK = {
    "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | grep -cE '(a+)+$b'": "0\n",
    "head -c 100000 /dev/zero | tr '\\0' a | grep -cE '(a*)*(a|aa)*b'": "0\n",
    "x=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; echo ${x#*a*a*a*a*a*a*a*a*b}": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
    "yes | head -1": "y\n",
}


@pytest.mark.parametrize("script", QUICK)
def test_bombs_that_go_off_quietly(script: str) -> None:
    assert run(script).stdout == QUICK[script]


def test_links_that_lead_to_themselves_end() -> None:
    place = container()
    place.fs.add(place.fs.find("/tmp/loop"), Link(mode=0o777, target="loop"))
    assert (
        run("cat /tmp/loop", place).stderr == "cat: /tmp/loop: Too many levels of symbolic links\n"
    )


def test_a_file_system_is_bounded() -> None:
    place = container()
    done = run("head -c 1G /dev/zero > /tmp/big; wc -c < /tmp/big", place)
    assert "No space left on device" in done.stderr
    assert int(done.stdout) <= MAX_BYTES
    run("rm /tmp/big", place)
    assert run("echo again > /tmp/f; cat /tmp/f", place).stdout == "again\n"


def test_directories_do_not_nest_without_end() -> None:
    done = run(
        "i=0; while mkdir d && cd d; do i=$((i+1)); done 2>/dev/null; echo $i; rm -r /d; ls -d /d"
    )
    assert done.stdout == "101\n"


def test_sleeping_gives_work_back() -> None:
    budget = Budget(steps=300, steps_per_second=200)
    done = run("for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 1; done | tail -1", budget=budget)
    assert done == (0, "10\n", "")
    assert run("for i in $(seq 100); do echo $i; done", budget=Budget(steps=300)).rc == 137


PIECES = st.sampled_from(
    [
        *"|&;<>()$`\\\"' \t\n*?[]#~=%!{}+-@^:,./019abcé",
        "if ", "then ", "fi", "for ", "in ", "do ", "done", "case ", "esac", "while ", "$((", "))", "${", "<<E\n",
        "E\n", "[[ ", " ]]", "&&", "||", ";;", "curl ", "grep ", "sed ", "awk ", "find ", "sort ", "tr ", "printf ",
        "2>&1", ">/dev/null", "function ", "! ", "export ", "declare -A ", "read ", "$@", "${x[@]}", "eval ", "exec ",
    ]
)  # fmt: skip


@settings(max_examples=examples(300))
@given(st.lists(PIECES, max_size=25).map("".join), st.sampled_from(["bash", "sh"]))
def test_nonsense_never_raises(script: str, shell: str) -> None:
    io = TextIO(b"some\ninput\n")
    status = drive(
        container().run([shell, "-c", script], io, stdin=True, budget=Budget(steps=5_000))
    )
    assert 0 <= status < 256


@settings(max_examples=examples(150))
@given(st.text(max_size=80))
def test_any_text_is_an_answerable_script(script: str) -> None:
    status = drive(container().run(["bash", "-c", script], TextIO(), budget=Budget(steps=5_000)))
    assert 0 <= status < 256


@pytest.mark.parametrize(
    ("script", "stderr"),
    [
        ("{ echo a; } > ${; echo b", "unexpected EOF while looking for matching `}'"),
        ("{ echo a; } > ${x y}; echo b", "${x y}: bad substitution"),
        ("while :; do :; done < $((1/0))", "division by 0"),
        ("{ cat; } <<E\n${a b}\nE", "bad substitution"),
    ],
)
def test_problems_around_compound_commands_are_reported(script: str, stderr: str) -> None:
    assert stderr in run(script).stderr


@pytest.mark.slow
def test_work_on_many_paths_is_paid_for() -> None:
    assert (
        run("cd /tmp; mkdir $(seq 300); echo /tmp/*/../*/../*", budget=Budget(steps=30_000)).rc
        == 137
    )


def test_busy_processes_let_others_run_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    # A search costs processor time: on this clock each as much as a hundred steps, after which others run.
    clock = itertools.count(step=100 / regex.STEPS_PER_SECOND)
    monkeypatch.setattr(regex, "time", SimpleNamespace(process_time=lambda: next(clock)))
    turns = 0

    class Counting(TextIO):
        async def sleep(self, seconds: float) -> None:
            nonlocal turns
            turns += 1

    script = "yes a | head -60 | grep -cE '[a-z]+[0-9]'"
    drive(container().run(["bash", "-c", script], Counting(b"")))
    assert turns >= 59


def test_texts_that_backtracking_would_take_long_for() -> None:
    assert (
        run("head -c 200000 /dev/zero | tr '\\0' ' ' | sort -n | wc -c").stdout.strip() == "200001"
    )
    assert run("seq 300000 | tail -n 299999 | head -n 1").stdout == "2\n"
