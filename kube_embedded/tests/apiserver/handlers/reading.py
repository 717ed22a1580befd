"""The read path alone: a store, and requests straight into the handlers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any
from urllib.parse import parse_qs

from kube_embedded.apiserver.filters.request_info import request_info
from kube_embedded.apiserver.handlers.admission import Admission
from kube_embedded.apiserver.handlers.represent.responses import error_response
from kube_embedded.apiserver.handlers.represent.transform import Transformer
from kube_embedded.apiserver.handlers.routing.resources import ResourceHandler
from kube_embedded.apiserver.handlers.subresources.proxy import proxies
from kube_embedded.apiserver.handlers.verbs.write import Writer
from kube_embedded.apiserver.registry.registry import Registry
from kube_embedded.apiserver.storage import Key, Store
from kube_embedded.machinery.kinds import BY_RESOURCE
from kube_embedded.machinery.pods.state import parse_time
from kube_embedded.machinery.request import Object, Request, Response
from kube_embedded.machinery.status import ApiError

CREATED = "2026-01-01T00:00:00Z"
NOW = parse_time("2026-01-01T01:00:00Z")
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}


class Reading:
    """A server that can only be read; objects are put into its store."""

    def __init__(self, history_length: int = 1000) -> None:
        self.now = NOW
        self.store = Store(history_length=history_length)
        registry = Registry(self.store, lambda: self.now, Random(1))
        admission, transformer = Admission(), Transformer(lambda: self.now)
        writer = Writer(registry, admission, lambda request: None, lambda request, new, old: None)
        self.handler = ResourceHandler(
            registry, admission, writer, transformer, Random(1), {}, proxies(self.store)
        )
        self.watcher = self.handler.watcher

    def put(self, resource: str, place: str, /, **fields: Any) -> Object:
        key = Key.of_place(resource, place)
        plural, _, group = resource.partition(".")
        kind = BY_RESOURCE[group, "v1", plural]
        metadata = {"name": key.name, "creationTimestamp": CREATED, **fields.pop("metadata", {})}
        if key.namespace:
            metadata["namespace"] = key.namespace
        return self.store.put(
            key,
            {"kind": kind.kind, "apiVersion": kind.group_version, "metadata": metadata, **fields},
        )

    def delete(self, resource: str, place: str) -> None:
        self.store.delete(Key.of_place(resource, place))

    def call(self, method: str, target: str, headers: Mapping[str, str] | None = None) -> Response:
        path, _, query = target.partition("?")
        request = Request(
            method, path, parse_qs(query, keep_blank_values=True), dict(headers or {})
        )
        request.info = request_info(request)
        try:
            response = self.handler(request)
        except ApiError as error:
            response = error_response(request, error)
        response.warnings = tuple(request.warnings)
        return response

    def get(self, target: str, headers: Mapping[str, str] | None = None) -> Any:
        """The decoded body of a GET."""
        return json.loads(self.call("GET", target, headers).body)

    def names(self, target: str) -> list[str]:
        return [item["metadata"]["name"] for item in self.get(target)["items"]]

    def failure(self, target: str) -> tuple[int, str]:
        status = self.get(target)
        assert status["kind"] == "Status", status
        return status["code"], status["message"]


def events(pieces: list[bytes]) -> list[Any]:
    return [json.loads(piece) for piece in pieces]
