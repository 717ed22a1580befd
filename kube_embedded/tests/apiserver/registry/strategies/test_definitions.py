"""What is wrong with definitions, in the words of apiextensions-apiserver's sources."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi, causes
from kube_embedded.tests.support.custom import DEFINITIONS, definition, plain_definition

NAME = "crontabs.stable.example.com"
SCHEMA = "spec.validation.openAPIV3Schema"
LABEL = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)


@pytest.fixture
def api() -> ClusterApi:
    return ClusterApi()


def refused(api: ClusterApi, body: Any) -> list[tuple[str, str]]:
    return causes(api.admin.post(DEFINITIONS, body))


def of_spec(api: ClusterApi, schema: Any) -> list[tuple[str, str]]:
    """What is wrong with a schema of ``spec``."""
    prefix = f"{SCHEMA}.properties[spec]"
    return [
        (field.removeprefix(prefix), message)
        for field, message in refused(api, plain_definition(schema))
    ]


def test_the_name_has_the_plural_and_the_group(api: ClusterApi) -> None:
    body = definition()
    body["metadata"]["name"] = "other.stable.example.com"
    assert refused(api, body) == [
        (
            "metadata.name",
            'Invalid value: "other.stable.example.com": must be spec.names.plural+"."+spec.group',
        )
    ]


def test_an_empty_one_lacks_everything(api: ClusterApi) -> None:
    reply = api.admin.post(DEFINITIONS, {"metadata": {"name": "x.y"}, "spec": {}})
    assert causes(reply) == [
        ("metadata.name", 'Invalid value: "x.y": must be spec.names.plural+"."+spec.group'),
        ("spec.group", "Required value"),
        ("spec.scope", "Required value"),
        (
            "spec.versions",
            "Invalid value: null: must have exactly one version marked as storage version",
        ),
        ("spec.names.plural", "Required value"),
        ("spec.names.singular", "Required value"),
        ("spec.names.kind", "Required value"),
        ("spec.names.listKind", "Required value"),
        ("status.storedVersions", "Invalid value: null: must have at least one stored version"),
    ]


@pytest.mark.parametrize(
    ("path", "value", "cause"),
    [
        (
            "group",
            "example",
            ("spec.group", 'Invalid value: "example": should be a domain with at least one dot'),
        ),
        (
            "scope",
            "Global",
            (
                "spec.scope",
                'Unsupported value: "Global": supported values: "Cluster", "Namespaced"',
            ),
        ),
        (
            "names.kind",
            "Cron_Tab",
            (
                "spec.names.kind",
                f'Invalid value: "Cron_Tab": may have mixed case, but should otherwise match: {LABEL}',
            ),
        ),
        ("names.shortNames", ["CT"], ("spec.names.shortNames[0]", f'Invalid value: "CT": {LABEL}')),
        (
            "names.listKind",
            "CronTab",
            (
                "spec.names.listKind",
                'Invalid value: "CronTab": kind and listKind may not be the same',
            ),
        ),
    ],
)
def test_names(api: ClusterApi, path: str, value: Any, cause: tuple[str, str]) -> None:
    body = definition()
    holder = body["spec"]
    *steps, last = path.split(".")
    for step in steps:
        holder = holder[step]
    holder[last] = value
    assert cause in refused(api, body)


def test_groups_of_kubernetes_need_approval(api: ClusterApi) -> None:
    body = definition()
    body["metadata"]["name"], body["spec"]["group"] = "crontabs.stable.k8s.io", "stable.k8s.io"
    must = 'protected groups must have approval annotation "api-approved.kubernetes.io"'
    proposal = "see https://github.com/kubernetes/enhancements/pull/1111"
    field = "metadata.annotations[api-approved.kubernetes.io]"
    assert refused(api, body) == [(field, f"Required value: {must}, {proposal}")]
    body["metadata"]["annotations"] = {"api-approved.kubernetes.io": "yes"}
    assert refused(api, body) == [
        (
            field,
            f'Invalid value: "yes": {must} with either a URL or a reason starting with "unapproved", {proposal}',
        )
    ]
    body["metadata"]["annotations"] = {"api-approved.kubernetes.io": "unapproved, a test"}
    assert api.admin.post(DEFINITIONS, body).status == 201
    conditions = api.admin.get(f"{DEFINITIONS}/crontabs.stable.k8s.io").body["status"]["conditions"]
    found = {each["type"]: (each["status"], each["reason"]) for each in conditions}
    assert found["Established"] == ("True", "InitialNamesAccepted")


def test_versions(api: ClusterApi) -> None:
    body = definition()
    body["spec"]["versions"].append(copy.deepcopy(body["spec"]["versions"][0]))
    found = dict(refused(api, body))
    shown = (
        '[{"Name":"v1","Served":true,"Storage":true,"Deprecated":false,"DeprecationWarning":null,"Schema":null,'
        '"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}'
    )
    assert found["spec.versions"].startswith(f"Invalid value: {shown}")
    body = plain_definition({"type": "object"}, deprecationWarning="old")
    assert refused(api, body) == [
        (
            "spec.versions[0].deprecationWarning",
            'Invalid value: "old": can only be set for deprecated versions',
        )
    ]
    body = definition()
    del body["spec"]["versions"][0]["schema"]
    assert refused(api, body) == [("spec.versions[0].schema.openAPIV3Schema", "Required value")]


@pytest.mark.parametrize(
    ("schema", "cause"),
    [
        ({}, (".type", "Required value: must not be empty for specified object fields")),
        ({"type": "array"}, (".items", "Required value: must be specified")),
        (
            {"type": "array", "items": {}},
            (".items.type", "Required value: must not be empty for specified array items"),
        ),
        (
            {"type": "string", "pattern": "(?=a)"},
            (
                ".pattern",
                'Invalid value: "(?=a)": must be a valid regular expression, but isn\'t: error parsing regexp: '
                "invalid or unsupported Perl syntax: `(?=`",
            ),
        ),
        (
            {"type": "object", "anyOf": [{"type": "object"}]},
            (".anyOf[0].type", "Forbidden: must be empty to be structural"),
        ),
        (
            {"type": "object", "x-kubernetes-preserve-unknown-fields": False},
            (".x-kubernetes-preserve-unknown-fields", "Invalid value: false: must be true or undefined"),
        ),
        (
            {"type": "object", "x-kubernetes-embedded-resource": True},
            (
                ".properties",
                "Required value: must not be empty if x-kubernetes-embedded-resource is true without "
                "x-kubernetes-preserve-unknown-fields",
            ),
        ),
        ({"type": "thing"}, (".type", 'Unsupported value: "thing": supported values: "array", "boolean", "integer", '
                             '"number", "object", "string"')),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}},
            (".additionalProperties", "Forbidden: additionalProperties and properties are mutual exclusive"),
        ),
        (
            {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
            (
                ".uniqueItems",
                "Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
            ),
        ),
        ({"type": "string", "id": "x"}, (".id", "Forbidden: id is not supported")),
        (
            {"type": "string", "default": 1},
            (".default", 'Invalid value: "integer":  in body must be of type string: "integer"'),
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "default": {"b": 1}},
            (".default", 'Invalid value: {"b":1}: must not have unknown fields'),
        ),
        (
            {"type": "array", "x-kubernetes-list-type": "map", "items": {"type": "object"}},
            (".x-kubernetes-list-map-keys", "Required value: must not be empty if x-kubernetes-list-type is map"),
        ),
        (
            {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["a"],
                "items": {"type": "object", "properties": {"a": {"type": "string"}}},
            },
            (
                ".items.properties[a].default",
                "Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a "
                "required property",
            ),
        ),
        (
            {"type": "string", "x-kubernetes-map-type": "atomic"},
            (".type", 'Invalid value: "string": must be object if x-kubernetes-map-type is specified'),
        ),
        (
            {"type": "object", "x-kubernetes-validations": [{"rule": " "}]},
            (".x-kubernetes-validations[0].rule", "Required value: rule is not specified"),
        ),
    ],
)  # fmt: skip
def test_schemas(api: ClusterApi, schema: Any, cause: tuple[str, str]) -> None:
    assert cause in of_spec(api, schema)


def test_metadata_is_an_object(api: ClusterApi) -> None:
    body = plain_definition({"type": "object"})
    root = body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    root["properties"]["metadata"] = {"type": "string"}
    detail = 'Invalid value: "string": must be object'
    assert refused(api, body) == [(f"{SCHEMA}.properties[metadata].type", detail)]
    root["properties"]["metadata"] = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 5}},
    }
    assert api.admin.post(DEFINITIONS, body).status == 201


def test_columns_and_subresources(api: ClusterApi) -> None:
    body = definition()
    version = body["spec"]["versions"][0]
    version["additionalPrinterColumns"] = [{"name": "", "type": "text", "jsonPath": "spec.x"}]
    version["subresources"]["scale"] = {"specReplicasPath": ".status.x", "statusReplicasPath": ""}
    types = "boolean,date,integer,number,string"
    assert refused(api, body) == [
        (
            "spec.subresources.scale.specReplicasPath",
            'Invalid value: ".status.x": should be a json path under .spec',
        ),
        ("spec.subresources.scale.statusReplicasPath", "Required value"),
        ("spec.additionalPrinterColumns[0].name", "Required value"),
        ("spec.additionalPrinterColumns[0].type", f'Invalid value: "text": must be one of {types}'),
        (
            "spec.additionalPrinterColumns[0].JSONPath",
            'Invalid value: "spec.x": must be a simple json path starting with .',
        ),
    ]


def test_selectable_fields(api: ClusterApi) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "object"}}}
    fields = [
        {"jsonPath": path} for path in (".spec.b", ".spec.c", ".spec.a[0]", ".spec.a", ".spec.a")
    ]
    detail = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats"
    assert refused(api, plain_definition(schema, selectableFields=fields)) == [
        ("spec.selectableFields[0].jsonPath", f'Invalid value: ".spec.b": {detail} are allowed.'),
        (
            "spec.selectableFields[1].jsonPath",
            'Invalid value: ".spec.c": is an invalid path: does not refer to a valid field',
        ),
        (
            "spec.selectableFields[2].jsonPath",
            'Invalid value: ".spec.a[0]": is an invalid path: array notation is not allowed',
        ),
        ("spec.selectableFields[4].jsonPath", 'Duplicate value: ".spec.a"'),
    ]


def test_conversion(api: ClusterApi) -> None:
    body = definition()
    body["spec"]["conversion"] = {"strategy": "Webhook"}
    assert refused(api, body) == [
        (
            "spec.conversion.webhookClientConfig",
            "Required value: required when strategy is set to Webhook",
        ),
        ("spec.conversion.conversionReviewVersions", "Required value"),
    ]
    config = {"url": "https://example.com"}
    body["spec"]["conversion"]["webhook"] = {
        "clientConfig": config,
        "conversionReviewVersions": ["v1"],
    }
    reply = api.admin.post(DEFINITIONS, body)
    assert reply.status == 201
    assert reply.warnings == (
        "spec.conversion.strategy: this server calls no conversion webhook: it converts as None does",
    )


def test_a_schema_that_says_nothing_is_one(api: ClusterApi) -> None:
    body = definition()
    body["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = {}
    (cause,) = refused(api, body)
    assert cause == (f"{SCHEMA}.type", "Required value: must not be empty at the root")


def test_an_approval_that_is_no_url(api: ClusterApi) -> None:
    body = definition()
    body["metadata"] = {
        "name": "crontabs.x.k8s.io",
        "annotations": {"api-approved.kubernetes.io": "http://[x"},
    }
    body["spec"]["group"] = "x.k8s.io"
    ((field, _),) = refused(api, body)
    assert field == "metadata.annotations[api-approved.kubernetes.io]"


def test_warnings_for_what_is_not_checked(api: ClusterApi) -> None:
    rules = [{"rule": "self.a > 1"}]
    schema = {
        "type": "object",
        "x-kubernetes-validations": rules,
        "properties": {"a": {"type": "string", "format": "x"}},
    }
    reply = api.admin.post(DEFINITIONS, plain_definition(schema))
    assert reply.warnings == (
        'unrecognized format "x"',
        f"{SCHEMA}: validation rules are kept but not evaluated by this server",
    )
    kept = reply.body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert kept["x-kubernetes-validations"] == rules


def test_defaults(api: ClusterApi) -> None:
    body = definition()
    del body["spec"]["names"]["singular"]
    made = api.must(api.admin.post(DEFINITIONS, body))
    assert made["spec"]["names"]["singular"] == "crontab"
    assert made["spec"]["names"]["listKind"] == "CronTabList"
    assert made["spec"]["conversion"] == {"strategy": "None"}
    assert made["status"] == {
        "conditions": None,
        "acceptedNames": {"plural": "", "kind": ""},
        "storedVersions": ["v1"],
    }


def test_what_an_update_may_not_change(api: ClusterApi) -> None:
    api.must(api.admin.post(DEFINITIONS, definition()))
    body = api.must(api.admin.get(f"{DEFINITIONS}/{NAME}"))
    body["spec"]["scope"] = "Cluster"
    body["spec"]["names"]["kind"] = "Other"
    assert causes(api.admin.put(f"{DEFINITIONS}/{NAME}", body)) == [
        ("spec.scope", 'Invalid value: "Cluster": field is immutable'),
        ("spec.names.kind", 'Invalid value: "Other": field is immutable'),
    ]
    body = api.must(api.admin.get(f"{DEFINITIONS}/{NAME}"))
    body["spec"]["versions"][0]["name"] = "v2"
    ((field, message),) = causes(api.admin.put(f"{DEFINITIONS}/{NAME}", body))
    assert field == "status.storedVersions[0]"
    assert message.startswith(
        'Invalid value: "v1": missing from spec.versions; v1 was previously a storage version'
    )
    del body["metadata"]["resourceVersion"]
    assert api.admin.put(f"{DEFINITIONS}/{NAME}", body).status == 422


def test_a_schema_in_a_schema_in_a_schema(api: ClusterApi) -> None:
    def nested(levels: int) -> Any:
        schema: dict[str, Any] = {"type": "object"}
        for _ in range(levels):
            schema = {"type": "object", "properties": {"a": schema}}
        return plain_definition(schema)

    assert api.admin.post(f"{DEFINITIONS}?dryRun=All", nested(80)).status == 201
    for levels in (100, 400):
        reply = api.admin.post(DEFINITIONS, nested(levels))
        assert (reply.status, reply.message.rpartition("a CustomResourceDefinition: ")[2]) == (
            400,
            "json: exceeded max depth",
        )


def test_a_conversion_webhook_says_how_it_is_called(api: ClusterApi) -> None:
    body = definition()
    body["spec"]["conversion"] = {
        "strategy": "Webhook",
        "webhook": {"conversionReviewVersions": []},
    }
    assert causes(api.admin.post(DEFINITIONS, body)) == [
        (
            "spec.conversion.webhookClientConfig",
            "Required value: required when strategy is set to Webhook",
        ),
        ("spec.conversion.conversionReviewVersions", "Required value"),
    ]


CLIENT = "spec.conversion.webhookClientConfig"


def test_a_conversion_webhook_is_called_by_tls_and_reads_a_known_version(api: ClusterApi) -> None:
    body = definition()
    body["spec"]["conversion"] = {
        "strategy": "Webhook",
        "webhook": {
            "clientConfig": {"url": "http://example.com"},
            "conversionReviewVersions": ["v9"],
        },
    }
    form = "desired format: https://host[/path]"
    assert causes(api.admin.post(DEFINITIONS, body)) == [
        (
            f"{CLIENT}.url",
            f"Invalid value: \"http\": 'https' is the only allowed URL scheme; {form}",
        ),
        (
            "spec.conversion.conversionReviewVersions",
            'Invalid value: ["v9"]: must include at least one of v1, v1beta1',
        ),
    ]


def test_the_service_of_a_conversion_webhook_is_not_checked(api: ClusterApi) -> None:
    body = definition()
    body["spec"]["conversion"] = {
        "strategy": "Webhook",
        "webhook": {"clientConfig": {"service": {}}, "conversionReviewVersions": ["v1"]},
    }
    assert api.admin.post(DEFINITIONS, body).status == 201
