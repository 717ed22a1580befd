"""Open schedulers are refused, and so are workers that would score differently."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kube_embedded.tests.support.until import until
from labkit.cli import run
from labkit.core.errors import Missing, Unreachable, UsageError
from labkit.grading.intake.submissions import find
from labkit.grading.judging.result import FAILED
from labkit.grading.pools.dask_connection import security_for
from labkit.grading.pools.dask_pool import DaskPool
from labkit.grading.pools.dask_worker import installed
from tests.grading.support import submit
from tests.scale import odd_worker
from tests.scale.cluster import KEY, Cluster, free_port, make_certificates

NOTHING: dict[str, str] = {}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    submit(tmp_path / "submitted", "ann", "ex4-roles", ["print('hello')"])
    return tmp_path / "submitted"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path / "cluster") as running:
        yield running


@pytest.mark.parametrize(
    "address",
    [
        "tcp://10.0.0.1:8786",
        "tcp://scheduler:8786",
        "tcp://0.0.0.0:8786",
        "tcp://127.0.0.1.example.org:8786",
    ],
)
def test_a_scheduler_without_tls_is_refused_beyond_this_machine(address: str) -> None:
    with pytest.raises(UsageError) as refused:
        security_for(address, NOTHING)
    assert refused.value.what == f"{address} is without TLS, and not on this machine."
    assert refused.value.why == (
        "who reaches such a scheduler can run any program on its workers, and read every submission and score"
    )


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:8786"]
)
def test_on_this_machine_it_may_be_without_tls(address: str) -> None:
    assert security_for(address, NOTHING) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "127.0.0.1:8786",
        "tls://",
        "tls://host",
        "tls://host:99999",
        "inproc://1",
        "ws://127.0.0.1:1",
    ],
)
def test_what_is_no_address_is_said(address: str) -> None:
    with pytest.raises(UsageError, match="is no scheduler's address"):
        security_for(address, NOTHING)


def test_without_a_certificate_it_is_said_where_one_comes_from() -> None:
    with pytest.raises(UsageError, match="asks for a certificate") as refused:
        security_for("tls://host:8786", NOTHING)
    assert (
        "--tls-ca, --tls-cert and --tls-key, or with Dask's own configuration" in refused.value.todo
    )


def test_dask_s_own_configuration_will_do(tmp_path: Path) -> None:
    import dask

    files = make_certificates(tmp_path)
    named = {
        "ca-file": files["tls_ca_file"],
        "client": {"cert": files["tls_client_cert"], "key": files["tls_client_key"]},
    }
    with dask.config.set(
        {"distributed.comm.tls": {**dask.config.get("distributed.comm.tls"), **named}}
    ):
        security = security_for("tls://host:8786", NOTHING)
    assert security is not None
    assert security.require_encryption


def test_files_that_are_no_certificates_are_said(tmp_path: Path) -> None:
    files = make_certificates(tmp_path)
    (tmp_path / "no.pem").write_text("nothing")
    with pytest.raises(UsageError, match="The certificates cannot be used"):
        security_for("tls://host:8786", {**files, "tls_client_cert": str(tmp_path / "no.pem")})


def test_options_that_exclude_each_other_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in (["--places", "2"], ["--trust"], ["--backend", "kind"]):
        assert run(["grade", str(folder), "--scheduler", "tls://h:1", *option]) == 2
        assert (
            "--scheduler goes without --backend, --kubeconfig, --places and --trust."
            in capsys.readouterr().err
        )


def test_without_the_library_the_extra_is_named(folder: Path, tmp_path: Path) -> None:
    program = "import sys; sys.modules['distributed'] = None; from labkit.cli import run; sys.exit(run(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "grade", str(folder), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [*command, "--scheduler", "tls://h:1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 5, done.stderr
    assert "Install labkit with its extra: pip install 'kube-labkit[scale]'" in done.stderr


@pytest.mark.slow
def test_dask_is_imported_only_where_a_scheduler_is_given(folder: Path, tmp_path: Path) -> None:
    program = "import sys; from labkit.cli import run; run(sys.argv[1:]); print([m for m in sys.modules if 'dask' in m])"
    command = [sys.executable, "-c", program, "grade", str(folder), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_scheduler_that_does_not_answer_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labkit.grading.pools.dask_connection.CONNECT_SECONDS", 1.0)
    with (
        pytest.raises(Unreachable, match="does not answer"),
        DaskPool(f"tcp://127.0.0.1:{free_port()}", NOTHING),
    ):
        pass


def test_a_scheduler_of_another_authority_is_not_spoken_to(
    cluster: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    others = make_certificates(tmp_path / "other")
    with pytest.raises(Unreachable) as refused, DaskPool(cluster.address, others):
        pass
    assert "certificate verify failed" in refused.value.why.lower()


@pytest.mark.slow
def test_workers_that_would_grade_otherwise_get_nothing(
    cluster: Cluster, folder: Path, tmp_path: Path
) -> None:
    """Each refusal has a reason; if one worker can grade, it grades."""
    bare = tmp_path / "bin"
    bare.mkdir()
    readable = Path(sys.prefix, f"labkit-test-{os.getpid()}.pem")
    shutil.copy(str(cluster.files["tls_client_key"]), readable)
    lines: list[str] = []
    try:
        for odd in ("old", "python", "exercises", "no walls"):
            cluster.start_worker(odd)
        cluster.start_worker(environment={"PATH": str(bare)})
        cluster.start_worker(environment={KEY: str(readable)})
        until(lambda: cluster.log().count("Registered to") == 6)
        with (
            pytest.raises(Missing, match="None of the cluster's 6 workers can grade"),
            DaskPool(cluster.address, cluster.files, report=lines.append),
        ):
            pass
        here = installed()
        last, same = list(here)[-1], ": run it with the Python and the labkit of this command."
        assert sorted(line.partition(": ")[2] for line in lines) == sorted(
            [
                f"its labkit is 0.0.9, and not {here['labkit']}{same}",
                f"its Python is 3.99, and not {here['Python']}{same}",
                f"its {last} is None, and not {here[last]}{same}",
                "there are no walls around a learner's code: run the worker on Linux, as root or with user namespaces.",
                "it has no kubectl, which notebooks may call: install it on the worker's PATH.",
                f"notebooks could read its TLS key {readable}: move the key out of the folders that they see, such as "
                "/etc/ssl.",
            ]
        )
        cluster.start_worker()
        until(lambda: cluster.log().count("Registered to") == 7)
        with DaskPool(cluster.address, cluster.files, report=lines.append) as pool:
            (result,) = pool.grade(find(folder))
        assert result.ended == "done"
        assert len(lines) == 12
    finally:
        readable.unlink()


@pytest.mark.slow
def test_a_worker_that_cannot_load_labkit_is_named(cluster: Cluster) -> None:
    """It cannot report it: each worker has to load the objects that a scheduler sends to all of them."""
    cluster.start_worker("no labkit")
    until(lambda: "Registered to" in cluster.log())
    with (
        pytest.raises(Missing, match=r"There is no labkit on tls://127\.0\.0\.1:\d+\."),
        DaskPool(cluster.address, cluster.files),
    ):
        pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ("liar", "a worker sent another submission's result"),
        ("trap", "only able to deserialize data with"),
        ("full", "No such file or directory"),
    ],
)
def test_what_a_worker_answers_is_text_about_that_submission_or_nothing(
    odd: str, reason: str, cluster: Cluster, folder: Path, tmp_path: Path
) -> None:
    trap = tmp_path / "sprung"
    cluster.start_worker(odd, environment={odd_worker.TRAP: str(trap)})
    with DaskPool(cluster.address, cluster.files) as pool:
        (result,) = pool.grade(find(folder))
    assert result.ended == FAILED
    assert reason in result.note
    assert not trap.exists()
