"""`/metrics` at an address of its own: for a Prometheus that has no API key, on a network that customers don't see."""

from api.http.endpoint import Receive, Scope, Send, refusal_reply, send_reply
from api.http.operations import Reply
from api.server.metrics import CONTENT_TYPE
from api.server.server import Server
from engine.results import Rejection, ResultCode

NOTHING_ELSE = Rejection(ResultCode.NOT_FOUND, "only `/metrics` is at this address")


class Scraping:
    """The application of that address. It asks for no key and knows nothing but the page."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if scope["path"] != "/metrics" or scope["method"] != "GET":
            await send_reply(send, refusal_reply(NOTHING_ELSE, headers), headers)
            return
        await send_reply(send, Reply(200, self._server.metrics.render(), CONTENT_TYPE.encode()), headers)
