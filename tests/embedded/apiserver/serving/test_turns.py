"""Long requests take turns with others, and what they write is as if they had been alone."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest

from labkit.embedded.apiserver.serving import turns
from labkit.embedded.machinery.pki.keys import Keys
from labkit.embedded.machinery.request import PeerCertificate, Request, Response
from labkit.embedded.machinery.work import Turns, breathe, charge, limited, pausable, uncharged
from tests.support.cluster import ClusterApi
from tests.support.custom import DEFINITIONS, GROUP, PLURAL, VERSION, crontab, plain_definition
from tests.support.wire import connect, read_all, serving

CRONTABS = f"/apis/{GROUP}/{VERSION}/namespaces/lab/{PLURAL}"
ADMIN = PeerCertificate("kubernetes-admin", ("system:masters",), "")


def work(seconds: float, pausing: bool = True) -> str:
    """Use processor time, and say in which thread."""
    end = time.thread_time() + seconds
    with pausable():
        while time.thread_time() < end:
            if pausing:
                breathe()
    return threading.current_thread().name


def test_what_is_short_is_done_at_once() -> None:
    assert turns.at_once(lambda: work(0.0)) == threading.current_thread().name
    with pytest.raises(turns.TooLong):
        turns.at_once(lambda: work(1.0))


def test_nothing_begins_again_where_it_may_not_pause() -> None:
    def written() -> str:
        with pausable(written=True):
            charge(10**9)
            time.sleep(2 * turns.FIRST_SECONDS)
            charge(10**9)
        with uncharged(), pausable():
            breathe(10**9)
        charge(10**9)
        return "done"

    assert turns.at_once(written) == "done"


def test_others_go_on_meanwhile() -> None:
    async def run() -> tuple[list[Any], int]:
        count = 0

        async def others() -> None:
            nonlocal count
            while True:
                count += 1
                await asyncio.sleep(0)

        task = asyncio.ensure_future(others())
        long = turns.LongRequests()
        results = await asyncio.gather(*(long.run(lambda: work(0.1)) for _ in range(6)), return_exceptions=True)
        task.cancel()
        return results, count

    results, count = asyncio.run(run())
    assert threading.main_thread().name not in results
    assert len(set(results)) == 6
    assert count > 20


def test_a_long_request_fails_as_a_short_one_and_ends_with_its_client() -> None:
    ended = []

    def fail() -> None:
        work(0.01)
        raise ValueError("wrong")

    def forever() -> None:
        try:
            work(60)
        finally:
            ended.append(True)

    async def run() -> None:
        long = turns.LongRequests()
        with pytest.raises(ValueError, match="wrong"):
            await long.run(fail)
        task = asyncio.ensure_future(long.run(forever))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await long.run(lambda: "free") == "free"

    asyncio.run(run())
    assert ended == [True]


def test_a_server_answers_others_while_it_works(keys: Keys) -> None:
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.path)
        return Response(200, {}, work(0.5 if request.path == "/long" else 0).encode() + request.body)

    with serving(keys, answer) as local, connect(local.port, keys.ca_certificate) as connection:
        connection.sendall(b"POST /long HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody")
        while len(asked) < 2:  # it has begun again
            time.sleep(0.001)
        with connect(local.port, keys.ca_certificate) as other:
            other.sendall(b"GET /short HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b"200 OK" in read_all(other)
        assert read_all(connection).endswith(b"body")
    assert asked == ["/long", "/long", "/short"]


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    names = {"type": "array", "items": {"type": "string"}}
    fields = {"l": names, "cronSpec": {"type": "string"}}
    made.must(made.admin.post(DEFINITIONS, plain_definition({"type": "object", "properties": fields})))
    return made


class Meddler(Turns):
    """Turns in which another request writes once."""

    def __init__(self, *changes: Any) -> None:
        super().__init__(self.meddle, 0.0)
        self.changes = list(changes)
        self.pauses = 0

    def meddle(self) -> None:
        self.pauses += 1
        if self.changes and self.pauses % 50 == 0:
            with limited(Turns(lambda: None, 60.0)):
                self.changes.pop(0)()


def call(api: ClusterApi, meddler: Meddler, method: str, path: str, body: Any, type_: str) -> tuple[int, Any]:
    request = Request(method, path, {"fieldManager": ["m"]}, {"content-type": type_}, json.dumps(body).encode(), ADMIN)
    with limited(meddler):
        response = api.cluster.handle(request)
    return response.status, json.loads(response.body)


@pytest.mark.parametrize("form", ["application/merge-patch+json", "application/apply-patch+yaml"])
def test_a_patch_that_is_overtaken_is_made_again(api: ClusterApi, form: str) -> None:
    api.must(api.admin.post(CRONTABS, crontab("a")))

    def label(name: str) -> None:
        api.must(api.admin.patch(f"{CRONTABS}/a", {"metadata": {"labels": {name: "x"}}}))

    meddler = Meddler(lambda: label("one"), lambda: label("two"))
    body = crontab("a", l=[f"x{number}" for number in range(2000)])
    status, obj = call(api, meddler, "PATCH", f"{CRONTABS}/a", body, form)
    assert (status, meddler.changes) == (200, [])
    assert obj["metadata"]["labels"] == {"one": "x", "two": "x"}
    assert len(obj["spec"]["l"]) == 2000
    assert api.admin.get(f"{CRONTABS}/a").body == obj


def test_an_update_that_is_overtaken_is_a_conflict(api: ClusterApi) -> None:
    stored = api.must(api.admin.post(CRONTABS, crontab("a")))
    meddler = Meddler(lambda: api.must(api.admin.patch(f"{CRONTABS}/a", {"metadata": {"labels": {"a": "b"}}})))
    stored["spec"]["l"] = ["x"] * 2000
    status, answer = call(api, meddler, "PUT", f"{CRONTABS}/a", stored, "application/json")
    assert (status, answer["reason"], meddler.changes) == (409, "Conflict", [])


def test_a_name_that_is_taken_meanwhile_is_taken(api: ClusterApi) -> None:
    meddler = Meddler(lambda: api.must(api.admin.post(CRONTABS, crontab("a"))))
    body = crontab("a", l=["x"] * 2000)
    status, answer = call(api, meddler, "POST", CRONTABS, body, "application/json")
    assert (status, answer["reason"]) == (409, "AlreadyExists")


def test_an_object_that_goes_meanwhile_is_missing(api: ClusterApi) -> None:
    api.must(api.admin.post(CRONTABS, crontab("a")))
    meddler = Meddler(lambda: api.must(api.admin.delete(f"{CRONTABS}/a")))
    body = crontab("a", l=["x"] * 2000)
    status, answer = call(api, meddler, "PATCH", f"{CRONTABS}/a", body, "application/merge-patch+json")
    assert (status, answer["reason"]) == (404, "NotFound")
