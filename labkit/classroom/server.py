"""The pages and the API of a class, served by the teacher's laptop.

There are no cookies: the teacher's pages send the key of the board in a header, voters and learners send their own. So
no other site can send requests in their name. There is no log.
"""

import asyncio
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from labkit.core.html import render_source, tokens
from labkit.core.language import said, translations_in
from labkit.core.sharing import Share
from labkit.core.yaml_file import read_yaml
from labkit.lessons.mistakes import mistakes
from labkit.lessons.steps import step_ids

from . import questions
from .board import STATES, board, public
from .connections import BODY_SECONDS, client, has_asked
from .limits import Limits, Refusal, read_key, read_text
from .store import ROUNDS, Store

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

STATIC = Path(__file__).with_name("static")
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
SETTINGS: dict[str, Any] = read_yaml(__file__, "settings.yaml")
FOR_LABS = ("/api/learner", "/api/outcomes")
"""The paths that a lab in a page uses, which comes from another port."""
MAX_BODY = 32 * 1024
MAX_OUTCOMES = 100
MAX_NAME = 40
MAX_GUESS = 200
MAX_AGO_SECONDS = 7 * 24 * 3600.0

CROWD = 60
"""The board shows when more answers to a question come from one address: a large class behind one, or one machine."""

STILL_SECONDS = 15.0
"""After so long without news a stream sends a comment, so that a page that has gone is noticed."""

REST_SECONDS = 0.25
"""Between two messages of a stream: what happens meanwhile comes in one."""


class Classroom:
    """The handlers of a class; ``site`` is a folder with a build of the lab's page."""

    def __init__(self, store: Store, site: Path | None = None) -> None:
        self.store = store
        self.site = site
        self.link = self.site_link = self.picture = ""
        """The addresses that others reach, such as ``http://192.168.1.7:8440``, of the class and of the lab's page;
        and the QR code of the first."""
        self._limits = Limits()
        self._news = {"room": asyncio.Event(), "board": asyncio.Event()}
        """Set at the next change of what the room, or the board, shows."""
        self._trouble, self._over = "", False

    def app(self) -> web.Application:
        """Return the application of aiohttp."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[self._answer_in_words])
        app.add_routes(
            [
                web.get("/", self._page),
                web.get(r"/{name:vote|board|class\.css|class\.js|vote\.js|board\.js}", self._page),
                web.get("/api/events", partial(self._stream, topic="room", read=self._public)),
                web.put("/api/vote", self._vote),
                web.put("/api/learner", self._join),
                web.delete("/api/learner", self._leave),
                web.post("/api/outcomes", self._add_outcomes),
                web.get(
                    "/teacher/events", partial(self._stream, topic="board", read=self._for_teacher)
                ),
                web.get("/teacher/questions", self._list_questions),
                web.post("/teacher/ask", self._ask),
                web.post("/teacher/question", self._act),
                web.delete(r"/teacher/learners/{id:\d{1,9}}", self._remove),
                web.get("/teacher/everything", self._everything),
                *(web.options(path, self._let_the_site_in) for path in FOR_LABS),
            ]
        )
        app.on_response_prepare.append(self._add_headers)
        app.on_shutdown.append(self._end_streams)
        return app

    def site_app(self) -> web.Application:
        """Return the application of the lab's page, for a port of its own.

        With the board's origin, what a cell writes into the page could read the key of the board.
        """
        app = web.Application(middlewares=[_hide_dot_files])
        app.add_routes([web.static("/site", self.site or Path())])
        return app

    async def _let_the_site_in(self, _request: web.Request) -> web.StreamResponse:
        """Answer a browser that asks whether the lab's page, on another port, may send what labs send."""
        methods = {"Access-Control-Allow-Methods": "PUT, POST, DELETE"}
        allowed = {"Access-Control-Allow-Headers": "Authorization, Content-Type"}
        return web.Response(headers=methods | allowed)

    async def _add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(SETTINGS["headers"])
        if self.site_link and request.path in FOR_LABS:
            response.headers["Access-Control-Allow-Origin"] = self.site_link

    @web.middleware
    async def _answer_in_words(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the key of the board, and answer refused requests with a sentence and a way out."""
        has_asked(request)
        try:
            if request.path.startswith("/teacher/"):
                self._check_secret(request, _bearer(request), self.store.teacher_key, "board-key")
            return await handler(request)
        except Refusal as error:
            refusal = error
        except web.HTTPRequestEntityTooLarge:
            refusal = Refusal("too-large", most=MAX_BODY)
        except web.HTTPClientError:
            refusal = Refusal("no-page")
        if refusal.status == 507:
            self._trouble = f"{refusal.what} {said('Free some space there.')}"
            self._wake("board")
        return web.json_response(
            {"what": refusal.what, "todo": refusal.todo}, status=refusal.status
        )

    def _check_secret(self, request: web.Request, sent: str, secret: str, refusal: str) -> None:
        # As bytes: compare_digest accepts text in ASCII only. Its time does not depend on the
        # first letter that differs.
        if not hmac.compare_digest(sent.encode(), secret.encode()):
            self._limits.guesses.check(_client(request), "too-many-codes")
            raise Refusal(refusal)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info.get("name", "vote")
        if Path(name).suffix:
            content = (STATIC / name).read_text(encoding="utf-8")
            if name == "class.css":
                content = tokens() + content
        else:
            name, script = f"{name}.html", f"{name}.js"
            scripts = [(STATIC / name).read_text(encoding="utf-8") for name in ("class.js", script)]
            words = translations_in("\n".join(scripts))
            content = render_source((STATIC / name).read_text(encoding="utf-8"), words=words)
        return web.Response(text=content, content_type=TYPES[Path(name).suffix])

    async def _end_streams(self, _app: web.Application) -> None:
        self._over = True
        self._wake("board", "room")

    async def _stream(
        self, request: web.Request, topic: str, read: Callable[[], object]
    ) -> web.StreamResponse:
        """Send what ``read`` returns, now and after each change (server-sent events)."""
        sent = ""
        # ConnectionError: the page was closed.
        # The board is no guest: whoever has its key is the teacher.
        place = nullcontext() if topic == "board" else self._limits.stream(_client(request))
        with place, suppress(ConnectionError):
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            while not self._over:
                # Before the data is read: a change after this line sets this event, and is not missed.
                news = self._news[topic]
                text = json.dumps(read(), ensure_ascii=False)
                await response.write(f"data: {text}\n\n".encode() if text != sent else b":\n\n")
                sent = text
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), STILL_SECONDS)
                    await asyncio.sleep(REST_SECONDS)
        return response

    async def share(self, share: Share) -> None:
        """Share the room's question with this user's demo, now and after each change."""
        before: dict[str, Any] = {}
        while not self._over:
            news = self._news["board"]
            asked = self.store.current()
            now = {**public(asked), "source": asked["source"] if asked else ""}
            if now != before:
                await asyncio.to_thread(share, now)
            before = now
            await news.wait()
            await asyncio.sleep(REST_SECONDS)

    def _wake(self, *topics: str) -> None:
        for topic in topics:
            self._news[topic].set()
            # A new event, not the old one cleared: a stream that reads right now holds the old one,
            # finds it set, and reads again.
            self._news[topic] = asyncio.Event()

    def _changed(self, *, everybody: bool = False) -> web.StreamResponse:
        """Wake the board, and perhaps the room; return the answer to a request that has changed something."""
        # The change was written, so the disk has space again.
        self._trouble = ""
        self._wake("board", *(["room"] if everybody else []))
        return web.json_response({})

    def _public(self) -> dict[str, Any]:
        return {
            "class": self.store.id,
            "site": self.site_link and f"{self.site_link}/site/index.html",
            "question": public(self.store.current()),
        }

    async def _vote(self, request: web.Request) -> web.StreamResponse:
        body = await self._body_with_code(request)
        token = read_key(body.get("token"))
        choice = body.get("choice")
        self._limits.requests.check(token, "too-fast")
        self._limits.check_newcomer(_client(request), "votes", token)
        asked = self.store.current()
        if asked is None or asked["id"] != body.get("question") or asked["stage"] not in ROUNDS:
            raise Refusal("no-votes")
        if body.get("round") != ROUNDS[asked["stage"]]:
            raise Refusal("other-round")
        # type and not isinstance: JSON's true is a bool, which is an int, and would vote for
        # option 1.
        if type(choice) is not int or choice not in range(len(asked["options"])):
            raise Refusal("no-choice")
        self.store.vote(asked["id"], ROUNDS[asked["stage"]], token, choice)
        return self._changed(everybody=bool(asked["bars"]))

    async def _body_with_code(self, request: web.Request) -> dict[str, Any]:
        """Return a request's body if it has the join code, in any case and with any spaces."""
        body = await _body(request)
        code = "".join(filter(str.isalnum, str(body.get("code", ""))[:40].upper()))
        self._check_secret(request, code, self.store.code, "code")
        return body

    async def _join(self, request: web.Request) -> web.StreamResponse:
        body = await self._body_with_code(request)
        key = read_key(body.get("key"))
        name = read_text(body.get("name"))
        if len(name) > MAX_NAME:
            raise Refusal("long-name", most=MAX_NAME)
        self._limits.requests.check(key, "too-fast")
        self._limits.check_newcomer(_client(request), "labs", key)
        name = self.store.join(key, name)
        self._changed()
        return web.json_response({"name": name, "class": self.store.id})

    async def _leave(self, request: web.Request) -> web.StreamResponse:
        self.store.remove(self._learner(request))
        return self._changed()

    async def _add_outcomes(self, request: web.Request) -> web.StreamResponse:
        learner = self._learner(request)
        self._limits.requests.check(f"learner {learner}", "too-fast")
        outcomes = (await _body(request)).get("outcomes")
        if not isinstance(outcomes, list) or len(outcomes) > MAX_OUTCOMES:
            raise Refusal("many-outcomes", most=MAX_OUTCOMES)
        self.store.add_outcomes(learner, [_outcome(outcome) for outcome in outcomes])
        return self._changed()

    def _learner(self, request: web.Request) -> int:
        learner = self.store.learner(_bearer(request))
        if learner is None:
            raise Refusal("no-learner")
        return learner

    def _for_teacher(self) -> dict[str, Any]:
        seen = {"trouble": self._trouble, "address": self.link, "code": self.store.code}
        seen |= {"began": self.store.began, "now": time.time(), "crowd": len(self._crowd()[1])}
        return {**self._public(), **board(self.store), **seen}

    def _crowd(self) -> tuple[int, list[str]]:
        """Return the current question, and the voters of the address with most answers if those are suspiciously many."""
        asked = self.store.current()
        if asked is None:
            return 0, []
        found = (
            self.store.voted(asked["id"], tokens) for tokens in self._limits.by_address("votes")
        )
        voters = max(found, key=len, default=[])
        return asked["id"], voters if len(voters) > CROWD else []

    async def _list_questions(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"questions": questions.catalogue(), "qr": self.picture})

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        source = body.get("source")
        own = [body.get(name) for name in ("ask", "options", "right")]
        self.store.ask(questions.find(str(source)) if source else questions.own(*own))
        return self._changed(everybody=True)

    async def _act(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        asked = self.store.current()
        change = SETTINGS["actions"][asked["stage"]].get(body.get("do")) if asked else None
        if asked is None or asked["id"] != body.get("question") or change is None:
            raise Refusal("stage")
        change = dict(change)
        if change.pop("leave out", False):
            self.store.remove_votes(*self._crowd())
        if again := change.pop("empty", 0):
            self.store.empty_round(asked["id"], again)
        self.store.change(asked["id"], **change)
        return self._changed(everybody=True)

    async def _remove(self, request: web.Request) -> web.StreamResponse:
        self.store.remove(int(request.match_info["id"]))
        return self._changed()

    async def _everything(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(list(self.store.everything()))


@web.middleware
async def _hide_dot_files(request: web.Request, handler: Handler) -> web.StreamResponse:
    has_asked(request)
    if any(part.startswith(".") for part in Path(request.path).parts):
        raise web.HTTPNotFound
    return await handler(request)


def _client(request: web.Request) -> str:
    return client(request.remote or "")


def _bearer(request: web.Request) -> str:
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return sent.encode("ascii", "replace").decode()


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            read = await request.read()
    except TimeoutError:
        raise Refusal("too-slow") from None
    with suppress(ValueError, RecursionError):
        body = json.loads(read)
        if isinstance(body, dict):
            return body
    raise Refusal("no-object")


def _outcome(sent: object) -> dict[str, Any]:
    """Return an outcome to be stored; its time is by this machine's clock, since a learner's can be wrong."""
    found: dict[str, Any] = sent if isinstance(sent, dict) else {}
    try:
        number = int(found["number"])
        ago = float(found["ago"])
        guess = read_text(found["guess"])[:MAX_GUESS]
        step, state, kind = (str(found[name]) for name in ("step", "state", "kind"))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise Refusal("no-outcome") from None
    if (
        step not in step_ids()
        or state not in STATES
        or kind not in ("", *mistakes())
        or not 0 < number < 2**53
    ):
        raise Refusal("no-outcome")
    # json.loads accepts NaN. max(0.0, NaN) is 0.0, because no comparison with NaN is true; with the
    # arguments in the other order it would be NaN.
    at = time.time() - min(max(0.0, ago), MAX_AGO_SECONDS)
    return {"number": number, "step": step, "state": state, "kind": kind, "guess": guess, "at": at}
