"""The embedded server answers as recorded, except for the differences in accepted.toml."""

from __future__ import annotations

import pytest

from kube_embedded.tests.support.slow import slow_but
from tests.parity import collect, kubectl
from tests.parity.__main__ import main
from tests.parity.accepted import Agreement
from tests.parity.model import SUITES
from tests.parity.section import Section

AGREEMENT = Agreement.read()


def judge(section: Section) -> None:
    """Fail on differences that are not listed, and on listed ones that no longer exist."""
    unlisted = AGREEMENT.unlisted(section.differences)
    assert not unlisted, "\n".join(
        [
            f"{len(unlisted)} differences of {section.name} are not in accepted.toml:",
            *map(str, unlisted[:40]),
        ]
    )
    steps = {item.step for item in section.differences}
    prefix = next(iter(steps)).split("/")[0] + "/" if steps else f"{section.name}/"
    outdated = AGREEMENT.outdated(section.differences, prefix)
    assert not outdated, f"no longer differs, so strike it from accepted.toml: {outdated}"


QUICK = ("authentication", "anonymous", "rbac", "escalation", "aggregation", "patches")


@pytest.mark.parametrize("step", ["rbac/999", "nope"])
def test_a_step_that_is_not_there_is_said(step: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--fast", "--step", step]) == 2
    assert capsys.readouterr().err == f"There is no step {step}.\n"


@pytest.mark.parametrize("suite", slow_but(SUITES, *QUICK))
def test_http_suite(suite: str) -> None:
    for section in collect.http_suite(suite, AGREEMENT):
        judge(section)


@pytest.mark.slow
def test_decisions() -> None:
    section = collect.policy()
    assert section.agreed["allowed"] == section.total
    judge(section)


needs_kubectl = pytest.mark.skipif(
    bool(kubectl.missing()), reason=kubectl.missing() or "kubectl is here"
)


@pytest.mark.slow
@needs_kubectl
def test_kubectl() -> None:
    judge(collect.commands(AGREEMENT))


@pytest.mark.slow
@needs_kubectl
def test_pods_and_exec() -> None:
    for section in collect.in_pods():
        judge(section)
