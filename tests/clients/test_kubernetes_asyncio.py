"""kubernetes_asyncio: the official client's shape on aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio import client, config, watch
from kubernetes_asyncio.client.exceptions import ApiException
from kubernetes_asyncio.stream import WsApiClient

from tests.clients.conftest import Lab
from tests.support import aio

Work = Callable[[Any], Coroutine[Any, Any, None]]


async def configured(kubeconfig: Path) -> Any:
    made = client.Configuration()
    await config.load_kube_config(config_file=str(kubeconfig), client_configuration=made)
    return made


def with_client(kubeconfig: Path, work: Work) -> None:
    async def run() -> None:
        async with client.ApiClient(await configured(kubeconfig)) as api:
            await work(client.CoreV1Api(api))

    aio.run(run())


def config_map(name: str, **data: str) -> Any:
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name), data=data)


def test_create_read_patch_delete(lab: Lab) -> None:
    async def work(core: Any) -> None:
        made = await core.create_namespaced_config_map(lab.namespace, config_map("one", a="1"))
        assert made.metadata.uid
        patched = await core.patch_namespaced_config_map("one", lab.namespace, {"data": {"a": "2"}})
        assert patched.data == {"a": "2"}
        listed = await core.list_namespaced_config_map(
            lab.namespace, field_selector="metadata.name=one"
        )
        assert [item.data for item in listed.items] == [{"a": "2"}]
        await core.delete_namespaced_config_map("one", lab.namespace)
        with pytest.raises(ApiException) as gone:
            await core.read_namespaced_config_map("one", lab.namespace)
        assert gone.value.status == 404

    with_client(lab.admin, work)


def test_watch_sees_what_happens(lab: Lab) -> None:
    async def work(core: Any) -> None:
        await core.create_namespaced_config_map(lab.namespace, config_map("watched", a="1"))
        seen = []
        async with watch.Watch() as watcher:
            selector = "metadata.name=watched"
            async for event in watcher.stream(
                core.list_namespaced_config_map,
                lab.namespace,
                field_selector=selector,
                timeout_seconds=60,
            ):
                seen.append((event["type"], event["object"].data["a"]))
                if len(seen) == 2:
                    break
                await core.patch_namespaced_config_map(
                    "watched", lab.namespace, {"data": {"a": "2"}}
                )
        assert seen == [("ADDED", "1"), ("MODIFIED", "2")]

    with_client(lab.admin, work)


def test_many_at_once(lab: Lab) -> None:
    async def work(core: Any) -> None:
        names = [f"many-{number:02}" for number in range(20)]
        await asyncio.gather(
            *(
                core.create_namespaced_config_map(lab.namespace, config_map(name, n=name))
                for name in names
            )
        )
        read = await asyncio.gather(
            *(core.read_namespaced_config_map(name, lab.namespace) for name in names)
        )
        assert [item.data["n"] for item in read] == names

    with_client(lab.admin, work)


def test_exec_output(lab: Lab) -> None:
    async def run() -> None:
        async with WsApiClient(await configured(lab.admin)) as api:
            core: Any = client.CoreV1Api(api)
            command = ["bash", "-c", "echo hi"]
            said = await core.connect_get_namespaced_pod_exec(
                "shell", lab.namespace, command=command, stdout=True, stderr=True
            )
        assert said == "hi\n"

    aio.run(run())


def test_the_reader_is_forbidden_what_is_not_granted(lab: Lab) -> None:
    async def work(core: Any) -> None:
        await core.list_namespaced_config_map(lab.namespace)
        with pytest.raises(ApiException) as refused:
            await core.list_namespaced_secret(lab.namespace)
        assert refused.value.status == 403
        assert "Forbidden" in str(refused.value.body)

    with_client(lab.reader, work)
