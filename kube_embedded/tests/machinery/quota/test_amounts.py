"""Sums of quantities keep the form in which they are written."""

from __future__ import annotations

import pytest

from kube_embedded.machinery.quota.amounts import ZERO, Amounts, add, largest, read, read_one


@pytest.mark.parametrize(
    ("one", "other", "total"),
    [
        ("1", "500m", "1500m"),
        ("1Gi", "1Gi", "2Gi"),
        ("1Gi", "1G", "2073741824"),
        ("1G", "1Gi", "2073741824"),
        ("0", "1Gi", "1Gi"),
        ("512Mi", "0", "512Mi"),
        ("1e3", "1", "1001"),
        ("100n", "1", "1000000100n"),
        ("512", "512Ki", "524800"),
    ],
)
def test_a_sum_is_written_as_its_first_part(one: str, other: str, total: str) -> None:
    assert str(read_one(one).plus(read_one(other))) == total


def texts(amounts: Amounts) -> dict[str, str]:
    return {name: str(amount) for name, amount in amounts.items()}


def test_lists_of_resources() -> None:
    one, other = read({"cpu": "1", "memory": "1Gi"}), read({"cpu": "2", "pods": "1"})
    assert texts(add(one, other)) == {"cpu": "3", "memory": "1Gi", "pods": "1"}
    assert texts(largest(one, other)) == {"cpu": "2", "memory": "1Gi", "pods": "1"}


def test_what_is_no_quantity_counts_nothing() -> None:
    assert read({"cpu": "many"}) == {"cpu": ZERO}
    assert read(None) == {}


@pytest.mark.parametrize(
    ("text", "milli"),
    [
        ("1", 1000),
        ("1.0001", 1001),
        ("9223372036854775807", 1000),
        ("9223372036854775808", 0),
        ("99999999999999999999", 200376420520688664),
        ("1e30", 0),
    ],
)
def test_thousandths_as_go_counts_them(text: str, milli: int) -> None:
    assert read_one(text).milli == milli
