import pytest

from kube_embedded.apiserver.handlers.decode.label_selectors import parse_labels
from kube_embedded.machinery.status import ApiError

WEB = {"app": "web", "tier": "front", "n": "5"}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("app", True),
        ("!app", False),
        ("nope", False),
        ("!nope", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web , tier=front", True),
        ("app=web,tier=back", False),
        ("app!=web", False),
        ("nope!=web", True),
        ("app in (web, db)", True),
        ("app in (db)", False),
        ("nope in (db)", False),
        ("app notin (db)", True),
        ("nope notin (db)", True),
        ("app in ()", False),
        ("app=", False),
        ("n>4", True),
        ("n<5", False),
        ("app>4", False),
        ("nope>4", False),
        ("in in (in)", False),
        ("notin", False),
    ],
)
def test_matching(selector: str, matches: bool) -> None:
    assert parse_labels(selector).matches(WEB) is matches


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("a===b", "unable to parse requirement: found '=', expected: identifier"),
        ("=b", "found '=', expected: !, identifier, or 'end of string'"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a,,b", "found ',', expected: identifier after ','"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (b=c)", "unable to parse requirement: found '=', expected: ',' or ')'"),
        ("a in (=)", "unable to parse requirement: found '=', expected: ',', ')' or identifier"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        (
            "n>x",
            'unable to parse requirement: values[0]: Invalid value: "x": '
            "for 'Gt', 'Lt' operators, the value must be an integer",
        ),
    ],
)
def test_errors(selector: str, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_labels(selector)
    assert (caught.value.code, caught.value.reason, caught.value.message) == (
        400,
        "BadRequest",
        message,
    )


def test_bad_keys_and_values_are_named() -> None:
    with pytest.raises(
        ApiError,
        match=r'^unable to parse requirement: <nil>: Invalid value: "-a": name part must consist',
    ):
        parse_labels("-a=b")
    with pytest.raises(
        ApiError,
        match=r'^unable to parse requirement: values\[0\]\[a\]: Invalid value: "-b": a valid label',
    ):
        parse_labels("a=-b")
