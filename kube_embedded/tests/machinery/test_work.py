"""What a request is charged, and what happens when its budget is spent."""

from __future__ import annotations

import threading

import pytest

from kube_embedded.machinery.status import ApiError
from kube_embedded.machinery.work import WorkBudget, affordable, charge, limited, uncharged


def test_without_a_budget_nothing_is_bounded() -> None:
    charge(1e12)
    with uncharged():
        charge(1e12)
    assert affordable(1e9, 100) == 100


@pytest.mark.parametrize(
    ("code", "reason"), [(413, "RequestEntityTooLarge"), (429, "TooManyRequests")]
)
def test_a_spent_budget_ends_the_request_each_time(code: int, reason: str) -> None:
    with limited(WorkBudget(100, code)):
        charge(100)
        for _ in range(2):
            with pytest.raises(ApiError) as caught:
                charge(50)
            assert (caught.value.code, caught.value.reason) == (code, reason)
        charge(5)  # for the answer
    charge(1e12)


def test_what_reacts_to_a_change_is_not_given_up() -> None:
    with limited(WorkBudget(100)):
        charge(60)
        with uncharged():
            charge(1e12)
        charge(40)
        with pytest.raises(ApiError):
            charge(1)


def test_a_request_inside_another_has_its_own_budget() -> None:
    with limited(WorkBudget(100)):
        with uncharged(), limited(WorkBudget(10)), pytest.raises(ApiError):
            charge(11)
        charge(100)


def test_a_budget_is_its_threads_own() -> None:
    left: list[int] = []
    with limited(WorkBudget(1)):
        thread = threading.Thread(target=lambda: left.append(affordable(1, 7)))
        thread.start()
        thread.join()
        assert (left, affordable(1, 7), affordable(5, 7)) == ([7], 1, 1)
