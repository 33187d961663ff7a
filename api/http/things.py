"""One `Thing` for every noun with an address: what reads it, lists it, makes it and acts on it are rows of its resource."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from api.http.listing import from_cursor, kept_page, position_of
from api.http.operations import Call, Changing, Handled, Handler, Operation, Reading, Renderer
from engine.commands import Command
from engine.facts import Fact
from engine.results import Rejection, ResultCode
from engine.state.state import State

Key = TypeVar("Key")
One = TypeVar("One")
Made = TypeVar("Made")
Body = Any
STEP_CODES = (ResultCode.NOT_FOUND, ResultCode.INVALID_TRANSITION)


def no_fields(name: str, module: str) -> type[msgspec.Struct]:
    """The body of an action that needs none, under the name by which clients know it."""
    words = {"__doc__": "No fields: `{}` or no body at all."}
    return msgspec.defstruct(name, [], module=module, namespace=words, frozen=True, forbid_unknown_fields=True)


class Thing(msgspec.Struct, Generic[Key, One], frozen=True, kw_only=True):
    """What is at an address: how it is called there, found and answered with. Its methods give the rows of the route table.

    `key(path)` reads its key from the path's parameters; None for what can't be one. A change answers with `render(state, one)`, as
    `answer`, and so does reading it, unless `detail(call, one)` tells more. `empty` is the body of steps that need none.
    """

    path: str
    tag: str
    answer: Any
    missing: Rejection
    key: Callable[[dict[str, str]], Key | Rejection | None]
    find: Callable[[State, Key], One | None]
    render: Callable[[State, One], Any]
    detail: Callable[[Call, One], Any] | None = None
    empty: Any = None

    def key_in(self, call: Call) -> Key | Rejection:
        """The key in the path of a call."""
        key = self.key(call.path)
        return self.missing if key is None else key

    def found(self, call: Call) -> One | Rejection:
        """The one in the path of a call, as it is now."""
        key = self.key_in(call)
        if isinstance(key, Rejection):
            return key
        one = self.find(call.server.state, key)
        return self.missing if one is None else one

    def resource(self, call: Call) -> Callable[[State, int], Any]:
        """Reads the one in the path, for its ETag."""
        key = self.key_in(call)

        def read(state: State, now_ns: int) -> Any:
            if isinstance(key, Rejection):
                return key
            one = self.find(state, key)
            if one is None:
                return self.missing
            return self.render(state, one) if self.detail is None else self.detail(call, one)

        return read

    def reading(self, call: Call) -> Handled:
        """Read the one in the path."""
        return Reading(self.resource(call))

    def change(self, call: Call, command: Callable[[Key], Command]) -> Handled:
        """Do something to the one in the path; answer with it."""
        key = self.key_in(call)
        if isinstance(key, Rejection):
            return key
        return Changing(command(key), lambda state, seq, facts: self._answer(state, key))

    def made(self, fact: type[Made], key: Callable[[Made], Key]) -> Renderer:
        """Renders the one that a fact of this kind made."""

        def render(state: State, seq: int, facts: tuple[Fact, ...]) -> Any:
            return self._answer(state, key(next(each for each in facts if isinstance(each, fact))))

        return render

    def _answer(self, state: State, key: Key) -> Any:
        one = self.find(state, key)
        assert one is not None, "it was changed just now"
        return self.render(state, one)

    def get(self, name: str, summary: str, **more: Any) -> Operation:
        """GET: read one. `more` are other fields of the operation, here and below."""
        return self._operation(
            id=name, method="GET", path=self.path, summary=summary, resource=self.resource,
            codes=(ResultCode.NOT_FOUND,), **{"handle": self.reading, **more},
        )  # fmt: skip

    def list_(self, name: str, summary: str, handle: Handler, query: Any, page: Any, **more: Any) -> Operation:
        """GET on the collection: a page of them."""
        return self._operation(
            id=name, method="GET", path=self._collection, summary=summary, handle=handle, query=query, answer=page,
            **more,
        )  # fmt: skip

    def list_kept(
        self,
        name: str,
        summary: str,
        query: Any,
        page: Any,
        table: Callable[[State], Any],
        wanted: Callable[[Any, One], bool],
        **more: Any,
    ) -> Operation:
        """The same of things of which the last ended ones are kept: those that `wanted(query, one)`, the youngest first."""

        def page_of(call: Call, state: State, before: int | None) -> Any:
            kept, limit = table(state), call.query.limit
            found, cursor = kept_page(kept.open, kept.ended, before, limit, lambda one: wanted(call.query, one))
            return page([self.render(state, one) for one in found], cursor)

        return self.list_(name, summary, from_cursor(position_of, page_of), query, page, **more)

    def make(self, name: str, summary: str, handle: Handler, body: Body, **more: Any) -> Operation:
        """POST on the collection, or on `path`: a new one."""
        return self._operation(
            id=name, method="POST", summary=summary, handle=handle, body=body, status=201,
            **{"path": self._collection, **more},
        )  # fmt: skip

    def post(self, name: str, step: str, summary: str, body: Body, handle: Handler, **more: Any) -> Operation:
        """POST on `<path>/<step>`, with a handler of its own."""
        return self._operation(
            id=name, method="POST", path=f"{self.path}/{step}", summary=summary, body=body, handle=handle,
            resource=self.resource, **{"codes": STEP_CODES, **more},
        )  # fmt: skip

    def act(
        self, name: str, step: str, summary: str, body: Body, command: Callable[[Key, Any], Command], **more: Any
    ) -> Operation:
        """The same, answered with the one after `command(key, body)`."""
        return self.post(
            name, step, summary, body, lambda call: self.change(call, lambda key: command(key, call.body)), **more
        )

    def step(self, name: str, step: str, summary: str, command: Callable[[Key], Command], **more: Any) -> Operation:
        """The same where there is nothing to say in a body."""
        body = more.pop("body", self.empty)
        assert body is not None, f"{name} needs a name for its empty body"
        return self.act(name, step, summary, body, lambda key, _: command(key), body_optional=True, **more)

    @property
    def _collection(self) -> str:
        return self.path.rpartition("/")[0]

    def _operation(self, **fields: Any) -> Operation:
        return Operation(**{"tag": self.tag, "answer": self.answer, **fields})
