"""The table of programs and the modules that have them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from kube_embedded.container import programs
from kube_embedded.container.programs import MODULE_OF, MODULES, find_program
from kube_embedded.container.shell.builtin_table import LEFT_OUT
from kube_embedded.tests.container.harness import container, run

ROOT = Path(__file__).parents[3]


def registered(path: Path) -> set[str]:
    """The names that a module's ``@program`` lines give."""
    return {
        name.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "program"
        for name in node.args
        if isinstance(name, ast.Constant) and isinstance(name.value, str)
    }


def test_the_table_names_the_programs_of_the_modules() -> None:
    found = {path.stem: registered(path) for path in Path(programs.__path__[0]).glob("[a-z]*.py")}
    assert {module: set(names.split()) for module, names in MODULES.items()} == {
        module: names for module, names in found.items() if names
    }


@pytest.mark.parametrize("name", sorted(MODULE_OF))
def test_every_program_is_found(name: str) -> None:
    assert find_program(name) is not None


def test_unknown_names_are_not_found() -> None:
    assert find_program("no-such-program") is None


def test_one_program_loads_no_other() -> None:
    code = (
        "import sys; from kube_embedded.container.programs import find_program; find_program('whoami');"
        "print(*sorted(name.rpartition('.')[2] for name in sys.modules if '.container.programs.' in name))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["common", "registry", "system"]


@pytest.mark.parametrize("shell", ["bash", "sh"])
@pytest.mark.parametrize(
    "command",
    ["awk 1", "env awk 1", "getopts a x", "find .", "mv a b", "ps", "read x", "trap : TERM"],
)
def test_omitted_programs_and_builtins_are_reported(shell: str, command: str) -> None:
    done = run(command, shell=shell)
    name = command.replace("env ", "").split()[0]
    assert done == (127, "", f"{name}: not simulated in this lab's pods\n")


@pytest.mark.parametrize("shell", ["bash", "sh"])
@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("set -x", "set -x"),
        ("bash -x /etc/passwd", "bash: -x"),
        ("sh -z", "sh: -z"),
        ("echo a | grep -E '(a){2}'", "grep: {n,m} behind a group"),
        ("echo a | sed '\\,a,d'", "sed: address `\\cREGEXPc'"),
        ("printf -v x y", "printf -v"),
        ("set -z", "set -z"),
        ("export -p", "export -p"),
        ("mkdir -m 700 d", "mkdir: -m"),
        ("cat -n /etc/passwd", "cat: -n"),
        ("echo a | xargs -n 1 echo", "xargs: -n"),
        ("env -C /tmp pwd", "env: -C"),
        ("bash --version", "bash: --version"),
        ("curl -L --max-redirs 3 x", "curl: option --max-redirs"),
        ("curl -H 'Empty;' x", "curl: a header without a value"),
        ("id -z", "id: -z"),
    ],
)
def test_omitted_options_are_reported(shell: str, command: str, message: str) -> None:
    done = run(command, shell=shell)
    assert done.rc != 0
    assert done.stderr == f"{message}: not simulated in this lab's pods\n"


def test_unknown_commands_are_not_found() -> None:
    assert run("nosuch") == (127, "", "bash: line 1: nosuch: command not found\n")


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("a=(1 2)", "arrays"),
        ("a[0]=1", "arrays"),
        ("echo ${a[@]}", "arrays"),
        ("[[ a = b ]]", "[["),
        ("((1))", "((…))"),
        ("for ((;;)); do :; done", "for ((…))"),
        ("time true", "time"),
        ("function f { :; }", "function"),
        ("echo {1..3}", "{…,…}"),
        ("echo a{b,c}", "{…,…}"),
        ("for x in {1..3}; do :; done", "{…,…}"),
        ("case x in x) : ;; esac", "case"),
        ("true ;& true", ";&"),
        ("echo a |& cat", "|&"),
        ("echo ${x/a/b}", "${name/…}"),
        ("echo ${x:1}", "${name:…}"),
        ("echo ${x^^}", "${name^…}"),
        ("echo ${!x}", "${!name}"),
        ("cat <(echo a)", "<(…)"),
        ("echo ${x@Q}", "${name@…}"),
        ("select x in a; do :; done", "select"),
        ("echo $[1+1]", "$[…]"),
        ('echo $"a"', '$"…"'),
        ("((echo a); echo b)", "((…))"),
        ("echo $((echo a); echo b)", "$((…) …)"),
    ],
)
def test_omitted_syntax_is_reported_and_runs_nothing(script: str, what: str) -> None:
    done = run(f"echo first\necho before; {script}; echo after")
    assert done == (2, "first\n", f"bash: -c: line 2: {what}: not simulated in this lab's pods\n")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("echo https://kubernetes | xargs echo curl", (0, "curl https://kubernetes\n", "")),
        ("printf 'a b\\nc\\n' | xargs -I @ echo '<@>'", (0, "<a b>\n<c>\n", "")),
        ("true | xargs", (0, "\n", "")),
        ("true | xargs -r echo x", (0, "", "")),
        ("echo a | xargs false", (123, "", "")),
        ("echo a | xargs nowhere", (127, "", "xargs: nowhere: No such file or directory\n")),
        ("echo a | xargs -P 2 echo", (1, "", None)),
        ("echo '\"a b\"' | xargs echo", (1, "", None)),
    ],
)
def test_xargs_runs_a_command_with_words_of_its_input(
    command: str, expected: tuple[int, str, str | None]
) -> None:
    status, out, err = run(command)
    assert (status, out) == expected[:2]
    if expected[2] is None:
        assert "not simulated in this lab's pods" in err
    else:
        assert err == expected[2]


def test_programs_have_a_size() -> None:
    listed = run("ls -l /usr/bin/").stdout.splitlines()[1:]
    sizes = [int(line.split()[4]) for line in listed if line.startswith("-")]
    assert len(sizes) > 10
    assert all(40_000 <= size < 140_000 for size in sizes)


def test_options_of_nslookup_are_no_names() -> None:
    asked = "kubernetes.default.svc.cluster.local"
    done = run(f"nslookup -type=a {asked}", container("busybox:latest"), shell="sh")
    assert (done.rc, done.stdout.count(asked)) == (0, 1)


@pytest.mark.parametrize("omitted", sorted(LEFT_OUT))
def test_a_message_without_stderr_is_lost(omitted: str) -> None:
    done = run(f"exec 2>&-; {omitted}; echo after")
    assert (done.stdout, done.stderr) == ("after\n", "")


@pytest.mark.parametrize(
    ("command", "out", "err"),
    [
        (
            "dd if=/dev/zero of=/tmp/x bs=1k count=2; wc -c </tmp/x",
            "2048\n",
            "2+0 records in\n2+0 records out\n2048 bytes copied\n",
        ),
        ("dd if=/dev/random bs=700 count=3 status=none | wc -c", "2100\n", ""),
        ("echo hello | dd bs=4 count=1 status=none", "hell", ""),
        (
            "echo hello | dd of=/tmp/y; cat /tmp/y",
            "hello\n",
            "0+1 records in\n0+1 records out\n6 bytes copied\n",
        ),
        ("dd if=/nowhere", "", "dd: failed to open '/nowhere': No such file or directory\n"),
        ("dd bs=x", "", "dd: invalid number: 'x'\n"),
    ],
)
def test_dd_copies_blocks(command: str, out: str, err: str) -> None:
    done = run(command)
    assert (done.stdout, done.stderr) == (out, err)


def test_dd_names_the_operand_that_it_does_not_have() -> None:
    done = run("dd seek=1")
    assert (done.rc, "dd: unrecognized operand 'seek=1'" in done.stderr) == (1, True)
