from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_embedded.machinery.schema.values import (
    BadValue,
    canonical_micro_time,
    canonical_quantity,
    canonical_time,
    decode_base64,
    parse_quantity,
)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("1Gi", "1Gi"),
        ("1024Mi", "1Gi"),
        ("0.5", "500m"),
        ("1000m", "1"),
        ("1.5Gi", "1536Mi"),
        ("0.1Gi", "107374182400m"),
        ("1e3", "1e3"),
        ("1500", "1500"),
        ("100000", "100k"),
        ("512Ki", "512Ki"),
        ("0", "0"),
        ("-2", "-2"),
        ("+1", "1"),
        ("0.0000000001", "1n"),
        ("100E", "100E"),
        ("1e30", "1e30"),
        ("1000E", "1"),
        ("99999999999999999999", "99999999999999999999"),
        ("16Ei", "9223372036854775807"),
    ],
)
def test_quantities_are_stored_in_one_form(written: str, stored: str) -> None:
    assert canonical_quantity(written) == stored


@pytest.mark.parametrize(
    "text", ["", "x", "1.2.3", "1Zi", "--1", "1 Gi", "Gi", ".", "1e99999999999"]
)
def test_no_quantities(text: str) -> None:
    with pytest.raises(BadValue):
        parse_quantity(text)


@given(st.integers(-(10**15), 10**15), st.sampled_from(["", "m", "k", "M", "Ki", "Mi", "u", "n"]))
def test_canonical_form_keeps_the_amount(number: int, suffix: str) -> None:
    text = f"{number}{suffix}"
    stored = canonical_quantity(text)
    assert parse_quantity(stored)[0] == parse_quantity(text)[0]
    assert canonical_quantity(stored) == stored


@given(st.text(max_size=20))
def test_any_text_is_a_quantity_or_refused(text: str) -> None:
    try:
        canonical_quantity(text)
    except BadValue:
        return


@given(st.text(max_size=30))
def test_any_text_is_base64_or_refused(text: str) -> None:
    try:
        decode_base64(text)
    except BadValue:
        return


@given(st.binary(max_size=40))
def test_base64_comes_back(data: bytes) -> None:
    assert decode_base64(base64.b64encode(data).decode()) == data


@pytest.mark.parametrize(
    ("text", "place"),
    [("not base64!", 3), ("abc", 0), ("YQ=", 3), ("YQ==x", 4), ("=", 0), ("YWJj!", 4)],
)
def test_where_base64_goes_wrong(text: str, place: int) -> None:
    with pytest.raises(BadValue, match=f"illegal base64 data at input byte {place}$"):
        decode_base64(text)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z"),
        ("2020-01-02T03:04:05.999Z", "2020-01-02T03:04:05Z"),
        ("2020-01-02T03:04:05+02:00", "2020-01-02T01:04:05Z"),
    ],
)
def test_times_are_stored_in_utc(written: str, stored: str) -> None:
    assert canonical_time(written) == stored


def test_micro_times_keep_six_digits() -> None:
    assert canonical_micro_time("2020-01-02T03:04:05.000006Z") == "2020-01-02T03:04:05.000006Z"
    with pytest.raises(BadValue, match=r'cannot parse "Z" as ".000000"'):
        canonical_micro_time("2020-01-02T03:04:05Z")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'),
        ("", 'parsing time "" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "2006"'),
        ("2020-13-02T00:00:00Z", 'parsing time "2020-13-02T00:00:00Z": month out of range'),
        ("2020-02-31T00:00:00Z", 'parsing time "2020-02-31T00:00:00Z": day out of range'),
    ],
)
def test_what_is_said_of_bad_times(text: str, message: str) -> None:
    with pytest.raises(BadValue) as problem:
        canonical_time(text)
    assert str(problem.value) == message


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    for read in (canonical_time, canonical_micro_time):
        try:
            read(text)
        except BadValue:
            continue
