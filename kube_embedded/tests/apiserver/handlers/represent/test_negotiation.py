import pytest

from kube_embedded.apiserver.handlers.represent.negotiation import (
    JSON,
    PLAIN,
    PROTOBUF,
    YAML,
    check_route,
    negotiate,
    negotiate_error,
)
from kube_embedded.machinery.request import Request
from kube_embedded.machinery.status import ApiError

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def asking(accept: str = "", query: dict[str, list[str]] | None = None, agent: str = "") -> Request:
    return Request("GET", "/", query or {}, {"accept": accept, "user-agent": agent})


@pytest.mark.parametrize(
    ("accept", "media_type", "as_kind"),
    [
        ("", JSON, ""),
        ("*/*", JSON, ""),
        ("application/*", JSON, ""),
        ("application/yaml", YAML, ""),
        ("application/vnd.kubernetes.protobuf,application/json", PROTOBUF, ""),
        ("application/json;q=0.5,application/yaml", YAML, ""),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON, ""),
        (f"{TABLE},application/json", JSON, "Table"),
        ("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", JSON, ""),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io", JSON, "Table"),
        (
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            JSON,
            "PartialObjectMetadataList",
        ),
        (
            "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json",
            JSON,
            "",
        ),
        ("application/json;stream=watch", JSON, ""),
    ],
)
def test_the_form_that_is_chosen(accept: str, media_type: str, as_kind: str) -> None:
    form = negotiate(asking(accept))
    assert (form.media_type, form.as_kind) == (media_type, as_kind)


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/*"])
def test_the_router_looks_at_media_types(accept: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_route(asking(accept))
    assert (caught.value.code, caught.value.details) == (406, {})
    assert caught.value.message == (
        "406: Not Acceptable\n\nAvailable representations: "
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )


@pytest.mark.parametrize(
    "accept", ["", "*/*", "text/html, */*;q=0.1", "application/yaml;x=y", f"{TABLE}"]
)
def test_the_router_lets_pass(accept: str) -> None:
    check_route(asking(accept))


def test_the_handler_looks_at_parameters() -> None:
    with pytest.raises(ApiError) as caught:
        negotiate(asking("application/json;as=Table;v=v9;g=meta.k8s.io"))
    assert (caught.value.code, caught.value.reason, caught.value.details) == (
        406,
        "NotAcceptable",
        None,
    )
    assert caught.value.message == (
        "only the following media types are accepted: "
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )


def test_a_table_is_not_to_be_had_of_everything() -> None:
    with pytest.raises(ApiError):
        negotiate(asking(TABLE), transforms=())


def test_people_get_indented_json() -> None:
    assert negotiate(asking()) is PLAIN
    assert negotiate(asking(agent="curl/8.14")).pretty
    assert negotiate(asking(agent="Mozilla/5.0 (X11)")).pretty
    assert negotiate(asking(query={"pretty": ["true"]})).pretty
    assert not negotiate(asking(query={"pretty": ["0"]}, agent="curl/8.14")).pretty
    assert negotiate(asking(TABLE, agent="Wget/1")).pretty


def test_errors_are_said_in_json_to_who_takes_nothing() -> None:
    assert negotiate_error(asking("text/html")) is PLAIN
    assert negotiate_error(asking("application/yaml")).media_type == YAML
    assert negotiate_error(asking(TABLE)) is PLAIN
    assert negotiate_error(asking(TABLE.replace("json", "yaml"))) is PLAIN
    assert (
        negotiate_error(asking(f"{PROTOBUF};as=PartialObjectMetadata;v=v1;g=meta.k8s.io")) is PLAIN
    )
