"""The page as an application: who may ask, files, and trainings as server-sent events.

Everything is read only. Knows no socket.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import asdict
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lilliput.errors import LilliputError
from lilliput.faces.web.site import POLICY, Site, type_of
from lilliput.files import json_text
from lilliput.lab.showing import visible
from lilliput.lab.verbs import RUNS
from lilliput.lab.watching import Watch

LOOK_EVERY = 1.0
"""Seconds between two looks at the runs."""
BEAT_EVERY = 15
"""Looks without news after which a comment is sent, so that nothing between here and the reader
thinks the connection dead."""
_HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def application(site: Site, *, hosts: frozenset[str] | None, token: str, port: int) -> ASGIApp:
    """The whole application.

    Args:
        hosts: what a request may name as its host; None: anything, where a token guards.
        token: what a visitor must bring once, as ?token=…; empty: none is asked for.
        port: where it listens; a browser keeps one token for each, so that two servers of one
            machine do not take each other's visitors away.
    """

    async def file(request: Request) -> Response:
        path = site.file_of(request.path_params["path"])
        try:
            content = await run_in_threadpool(site.content, path)
        except (LilliputError, OSError) as error:
            return PlainTextResponse(f"{visible(str(error))}\n", 500)
        if content is None:
            return PlainTextResponse("There is no such page; the first is at /\n", 404)
        return Response(content, headers={"Content-Type": type_of(path)})

    async def events(request: Request) -> Response:
        return StreamingResponse(_news(), media_type="text/event-stream")

    routes = [Route("/events", events), Route("/{path:path}", file)]
    return _Guard(Starlette(routes=routes), hosts, token, f"lilliput-token-{port}")


async def _news() -> AsyncIterator[str]:
    """What is new of the runs, as events, without end: broken off when the reader leaves, and at
    the end of the server."""
    watch = Watch(RUNS)
    quiet = 0
    yield "retry: 2000\n\n"
    while True:
        found = await run_in_threadpool(lambda: list(watch.news()))
        quiet = 0 if found else quiet + 1
        for news in found:
            yield f"data: {json_text(asdict(news))}\n\n"
        if quiet == 1:
            # All is told for now; a reader without runs knows it too.
            yield "event: told\ndata:\n\n"
        elif quiet % BEAT_EVERY == 0 and quiet:
            yield ":\n\n"
        await asyncio.sleep(LOOK_EVERY)


class _Guard:
    """Turns away whoever must not ask, and puts the page's headers on every answer.

    Another site's script can make a browser send requests here under a name of that site's own
    (DNS rebinding), but it cannot choose the Host of them.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None, token: str, cookie: str) -> None:
        self.app, self.hosts, self.token, self.cookie = app, hosts, token, cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        answer = self._refusal(scope) or self.app
        await answer(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if self.hosts is not None and headers.get("host", "").lower() not in self.hosts:
            return PlainTextResponse(
                "This page answers only under the address that `lilliput serve` printed.\n", 421
            )
        if not self.token:
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if any(_same(value, self.token) for name, value in query if name == "token"):
            # Kept in a cookie, so that it does not stand in the address any longer; `//x`
            # would be another site.
            rest = urlencode([pair for pair in query if pair[0] != "token"])
            address = "/" + scope["path"].lstrip("/") + (f"?{rest}" if rest else "")
            answer = RedirectResponse(address, 303)
            answer.set_cookie(self.cookie, self.token, httponly=True, samesite="lax")
            return answer
        if _same(Request(scope).cookies.get(self.cookie, ""), self.token):
            return None
        return PlainTextResponse(
            "A token is needed: open the whole address that `lilliput serve` printed.\n", 403
        )


def _same(one: str, other: str) -> bool:
    """Whether two words are the same, in a time that does not say how much of them is."""
    return secrets.compare_digest(one.encode(), other.encode())
