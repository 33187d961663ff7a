"""What an endpoint is made of: an operation says how a request becomes a change or a read, and what the answer looks
like.

The route table (api/app.py) and the OpenAPI document (api/http/openapi.py) are made from the same operations.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from engine import limits
from engine.commands import Command
from engine.facts import Fact
from engine.results import Rejection, ResultCode
from engine.state.state import State

if TYPE_CHECKING:
    from api.server.server import Server


class Call:
    """One request, decoded: who asks, for what. `path` are decoded path parameters, `content` the body as it came."""

    __slots__ = ("actor", "body", "content", "headers", "key", "path", "query", "server")

    def __init__(
        self,
        server: "Server",
        actor: str,
        path: dict[str, str],
        query: Any,
        body: Any,
        headers: dict[bytes, bytes],
        key: str | None,
        content: bytes,
    ) -> None:
        self.server = server
        self.actor = actor
        self.path = path
        self.query = query
        self.body = body
        self.headers = headers
        self.key = key
        self.content = content


Renderer = Callable[[State, int, tuple[Fact, ...]], Any]


class Changing(msgspec.Struct, frozen=True):
    """Carry out `command`; `render(state, seq, facts)` gives the answer as a struct, right after it was applied.

    `within` is where the body stands in the command's document: refusals then point into the body. `complete` adds to
    the first answer what must never be journalled; an answer that is given again goes without.
    """

    command: Command
    render: Renderer
    within: str = ""
    complete: Callable[[bytes], bytes] | None = None


class Reading(NamedTuple):
    """Answer from durable state: `read(state, now_ns)` gives a struct or a refusal."""

    read: Callable[[State, int], Any]


class Reply(msgspec.Struct, frozen=True, gc=False):
    """An answer that is ready to be sent."""

    status: int
    body: bytes
    media_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Stream(NamedTuple):
    """An answer that is sent piece by piece until `chunks` ends or the caller goes away."""

    chunks: AsyncIterator[bytes]
    media_type: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    status: int = 200


Handled = Changing | Reading | Reply | Stream | Rejection
Handler = Callable[[Call], Handled | Awaitable[Handled]]
Reader = Callable[[Call], Callable[[State, int], Any]]


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    """An operation that takes no query parameters."""


class Operation(msgspec.Struct, frozen=True):
    """One line of the route table.

    `body` is the type the JSON body decodes to (None: no body is read), `query` the type of the query string, `answer`
    the type of a success. `resource(call)` reads the single resource that `If-Match` speaks of; on a GET it makes the
    ETag. `codes` are the refusals it may give besides those every operation may give. `hot` operations take the fast
    lane (api/http/lane.py). A body of more than `raw_above_bytes` is handed over as it came, to be read in turns.
    """

    id: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    summary: str
    tag: str
    handle: Handler
    answer: Any
    status: int = 200
    body: Any = None
    query: Any = NoQuery
    codes: tuple[ResultCode, ...] = ()
    resource: Reader | None = None
    public: bool = False
    description: str = ""
    example: Any = None
    answer_media_type: str = "application/json"
    body_optional: bool = False
    body_schema: Any = None
    hot: bool = False
    raw_above_bytes: int | None = None


class PageQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What every list takes. `limit` entries at most; `cursor` as the page before gave it."""

    limit: Annotated[int, Meta(ge=1, le=limits.LIST_LIMIT_MAX)] = limits.LIST_LIMIT_DEFAULT
    cursor: str | None = None


Item = TypeVar("Item")


class PageOf(msgspec.Struct, Generic[Item]):
    """What every list answers with. A list's own page has its name and says in which order its items come."""

    items: list[Item]
    next_cursor: str | None
