"""Which of several values of the wrong type is told."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.machinery.schema import schemas
from kube_embedded.machinery.schema.decoding import DecodeProblem, Decoder


def problem(struct: str, data: Any) -> str:
    with pytest.raises(DecodeProblem) as caught:
        Decoder().decode(schemas()[struct], data)
    return str(caught.value)


def test_the_first_is_told_at_the_end() -> None:
    data = {"spec": {"replicas": "x", "paused": 3}}
    assert problem("apps.v1.Deployment", data) == (
        "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
    )


def test_a_value_that_reads_itself_is_told_at_once() -> None:
    data = {"spec": {"replicas": "x", "strategy": {"rollingUpdate": {"maxSurge": True}}}}
    assert problem("apps.v1.Deployment", data) == (
        "json: cannot unmarshal bool into Go struct field RollingUpdateDeployment.spec.strategy.rollingUpdate.maxSurge "
        "of type int32"
    )


def test_paths_name_embedded_structs() -> None:
    assert problem("core.v1.Pod", {"spec": {"volumes": [{"emptyDir": 1}]}}) == (
        "json: cannot unmarshal number into Go struct field Volume.spec.volumes.VolumeSource.emptyDir "
        "of type v1.EmptyDirVolumeSource"
    )
    assert problem("apps.v1.StatefulSet", {"spec": {"volumeClaimTemplates": [{"kind": 1}]}}) == (
        "json: cannot unmarshal number into Go struct field PersistentVolumeClaim.spec.volumeClaimTemplates."
        "TypeMeta.kind of type string"
    )
