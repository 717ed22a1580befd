import pytest

from kube_embedded.apiserver.handlers.decode.field_selectors import (
    exact_fields,
    exact_name,
    field_selector,
    parse_fields,
)
from kube_embedded.machinery.kinds import BY_RESOURCE
from kube_embedded.machinery.status import ApiError

POD = {
    "metadata": {"name": "web", "namespace": "lab"},
    "spec": {"nodeName": "n1", "restartPolicy": "Always"},
    "status": {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]},
}
PODS = BY_RESOURCE["", "v1", "pods"]


@pytest.mark.parametrize(
    ("selector", "fields"),
    [
        ("", ()),
        ("spec.nodeName=n1", (("spec.nodeName", "n1"),)),
        ("spec.nodeName==n1,metadata.name=web", (("metadata.name", "web"), ("spec.nodeName", "n1"))),
        ("spec.nodeName!=n1", ()),
        ("metadata.name=web,spec.nodeName!=n1", (("metadata.name", "web"),)),
        ("metadata.name=web,x", ()),
    ],
)  # fmt: skip
def test_the_fields_that_have_one_value(selector: str, fields: tuple[tuple[str, str], ...]) -> None:
    """An authorizer may rely on them: what a selector excludes is no such field."""
    assert exact_fields(selector) == fields


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("metadata.name=web", True),
        ("metadata.name==web,metadata.namespace=lab", True),
        ("metadata.name!=web", False),
        ("spec.nodeName=n1", True),
        ("spec.host=n1", True),
        ("spec.nodeName=", False),
        ("spec.schedulerName=", True),
        ("spec.hostNetwork=false", True),
        ("status.phase!=Running", False),
        ("status.podIP=10.0.0.1,status.podIPs=10.0.0.1", True),
        (",metadata.name=web,", True),
    ],
)
def test_matching(selector: str, matches: bool) -> None:
    assert field_selector(PODS, selector).matches(POD) is matches


@pytest.mark.parametrize(
    ("resource", "selector", "message"),
    [
        ("pods", "spec.nope=x", "field label not supported: spec.nope"),
        ("nodes", "metadata.namespace=x", "field label not supported: metadata.namespace"),
        (
            "configmaps",
            "data.x=1",
            '"data.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        ("jobs.batch", "x=1", 'field label "x" not supported for Job'),
        ("pods", "nonsense", "invalid selector: 'nonsense'; can't understand 'nonsense'"),
        ("pods", r"metadata.name=a\b", r"invalid field selector: invalid escape sequence: \b"),
        ("pods", "metadata.name=a=b", "invalid field selector: unescaped character in value: 61"),
    ],
)
def test_errors(resource: str, selector: str, message: str) -> None:
    plural, _, group = resource.partition(".")
    with pytest.raises(ApiError) as caught:
        field_selector(BY_RESOURCE[group, "v1", plural], selector)
    assert (caught.value.code, caught.value.message) == (400, message)


def test_escapes() -> None:
    (term,) = parse_fields(r"reason=a\,b\=c\\d")
    assert (term.field, term.value, term.equal) == ("reason", r"a,b=c\d", True)


def test_the_name_that_is_asked_for() -> None:
    assert exact_name("status.phase=Running,metadata.name=web") == "web"
    assert exact_name("metadata.name!=web") == ""
    assert exact_name("status.phase=Running") == ""


def test_other_kinds_fields() -> None:
    event = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "web"},
        "source": {"component": "kubelet"},
    }
    events = BY_RESOURCE["", "v1", "events"]
    assert field_selector(events, "involvedObject.kind=Pod,source=kubelet").matches(event)
    assert not field_selector(events, "reportingComponent=kubelet").matches(event)
    again = BY_RESOURCE["events.k8s.io", "v1", "events"]
    assert field_selector(again, "regarding.kind=Pod,regarding.name=web").matches(event)
    reported = {**event, "reportingComponent": "example.com/x"}
    assert field_selector(again, "reportingController=example.com/x").matches(reported)
    assert field_selector(events, "reportingComponent=example.com/x,source=kubelet").matches(
        reported
    )
    assert not field_selector(events, "involvedObject.uid=x").matches(event)
    node = {"metadata": {"name": "n"}, "spec": {"unschedulable": True}}
    assert field_selector(BY_RESOURCE["", "v1", "nodes"], "spec.unschedulable=true").matches(node)
