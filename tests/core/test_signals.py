"""A program that is terminated, or whose terminal is closed, cleans up as after Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from labkit.core.signals import SIGNALS, interrupt_on_signals

EACH = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])


@pytest.fixture(autouse=True)
def defaults() -> Iterator[None]:
    """Give both signals their default meaning, whatever the tests were started with."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@EACH
def test_a_signal_interrupts_the_block_and_ends_the_program_again_after_it(
    number: signal.Signals,
) -> None:
    def block() -> None:
        with interrupt_on_signals():
            # With the default handler the signal would end the tests.
            assert signal.getsignal(number) is not signal.SIG_DFL
            signal.raise_signal(number)

    with pytest.raises(KeyboardInterrupt):
        block()
    assert [signal.getsignal(one) for one in SIGNALS] == [signal.SIG_DFL] * 2


def test_a_block_without_a_signal_leaves_nothing() -> None:
    with interrupt_on_signals():
        pass
    assert [signal.getsignal(one) for one in SIGNALS] == [signal.SIG_DFL] * 2


@EACH
def test_a_signal_that_is_ignored_stays_ignored(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)
    with interrupt_on_signals():
        signal.raise_signal(number)
    assert signal.getsignal(number) is signal.SIG_IGN


@EACH
def test_a_signal_that_is_handled_keeps_its_handler(number: signal.Signals) -> None:
    seen = []

    def handler(which: int, _: object) -> None:
        seen.append(which)

    signal.signal(number, handler)
    with interrupt_on_signals():
        signal.raise_signal(number)
    assert seen == [number]
    assert signal.getsignal(number) is handler


def test_other_threads_change_nothing() -> None:
    seen: list[object] = []

    def block() -> None:
        with interrupt_on_signals():
            seen.extend(signal.getsignal(one) for one in SIGNALS)

    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL] * 2
