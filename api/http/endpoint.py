"""From bytes to an operation and back: what both lanes share, and the bare ASGI callable behind every path."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, MutableMapping
from inspect import isawaitable
from time import perf_counter
from typing import Any, NamedTuple, cast

import msgspec

from api.answers import problems
from api.http.auth import actor_of, why_not_here
from api.http.bodies import BodyReader
from api.http.filters import Filters
from api.http.operations import Call, Changing, Handled, NoQuery, Operation, Reading, Reply, Stream
from api.http.queries import QueryReader
from api.server.server import Server
from engine import limits
from engine.facts import Fact
from engine.results import FieldError, Rejection, ResultCode
from engine.state.state import State
from engine.writer import Change, Done, Failed, Query

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = dict[bytes, bytes]

JSON = b"application/json"
BODY_TOO_LARGE = Rejection(ResultCode.BODY_TOO_LARGE, f"at most {limits.BODY_BYTES_MAX} bytes are taken")
encode = msgspec.json.Encoder().encode


class ClientGone(Exception):
    """The caller went away before its request was whole."""


class Endpoint:
    """All operations of one path, over ASGI. Knows no rule of the business."""

    def __init__(self, server: Server, operations: list[Operation]) -> None:
        self._server = server
        self.prepared = {operation.method: Prepared(server, operation) for operation in operations}
        get = self.prepared.get("GET")
        self._taken = self.prepared if get is None else self.prepared | {"HEAD": get}
        self._allow = ", ".join(sorted(self._taken)).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        headers: Headers = dict(scope["headers"])
        is_head = scope["method"] == "HEAD"
        prepared = self._taken.get(scope["method"])
        if prepared is None:
            refusal = Rejection(ResultCode.METHOD_NOT_ALLOWED, f"this address takes {self._allow.decode()}")
            await send_reply(send, refusal_reply(refusal, headers, ((b"allow", self._allow),)), headers)
            return
        try:
            reply = await self._answer(prepared, scope, receive, headers)
        except ClientGone:
            return
        except Exception as error:
            self._server.report(error)
            reply = refusal_reply(Rejection(ResultCode.INTERNAL_ERROR), headers)
        if type(reply) is Reply:
            await send_reply(send, reply, headers, is_head)
        elif is_head:
            await _send_head(send, cast(Stream, reply), headers)
        else:
            assert isinstance(reply, Stream)
            await self._send_stream(receive, send, reply, headers)
        prepared.metrics.done(reply.status, perf_counter() - started)

    async def _answer(self, prepared: "Prepared", scope: Scope, receive: Receive, headers: Headers) -> Reply | Stream:
        admitted = prepared.admit(headers, scope.get("client"), scope["query_string"])
        if isinstance(admitted, Rejection):
            return prepared.refused(admitted, headers)
        content = b""
        if prepared.reader is not None:
            message = await receive()
            content = message.get("body", b"")
            if message.get("more_body") or message["type"] != "http.request":
                whole = await _rest_of_body(message, receive)
                if whole is None:
                    return prepared.refused(BODY_TOO_LARGE, headers)
                content = whole
        call = prepared.call(admitted, scope["path_params"], headers, content)
        if isinstance(call, Rejection):
            return prepared.refused(call, headers)
        future: asyncio.Future[Reply] = self._server.loop.create_future()
        handled = prepared.operation.handle(call)
        if isawaitable(handled):
            handled = await handled
        return prepared.go_on(handled, call, scope["path"], future.set_result) or await future

    async def _send_stream(self, receive: Receive, send: Send, stream: Stream, headers: Headers) -> None:
        """Send pieces as they come, and stop when the caller goes away."""
        tasks = [asyncio.ensure_future(_send_pieces(send, stream, headers)), asyncio.ensure_future(_gone(receive))]
        done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        for task in done:
            error = task.exception()
            if isinstance(error, Exception):
                self._server.report(error)


class Admitted(NamedTuple):
    """What the head of a request says: who asks, and the idempotency key, if there is one."""

    actor: str
    query: Any
    key: str | None


class Prepared:
    """One operation, ready to be called: from the head to `Admitted`, with the body to a `Call`, from what the
    operation makes of it to a `Reply`. Nothing here waits, so that both lanes share it."""

    def __init__(self, server: Server, operation: Operation) -> None:
        self.server = server
        self.operation = operation
        self.metrics = server.metrics.operation(operation.id)
        without = b"{}" if operation.body_optional else b""
        self.reader = None if operation.body is None else BodyReader(operation.body, without)
        self._queries = QueryReader(operation.query)
        self._filters = Filters(operation.query)
        self._empty_query = operation.query() if operation.query is NoQuery else None
        self._is_post = operation.method == "POST"
        self._tagged_answer = operation.method == "PUT" and operation.resource is not None

    def admit(self, headers: Headers, client: tuple[str, Any] | None, query_string: bytes) -> Admitted | Rejection:
        """Look at the head."""
        operation, server = self.operation, self.server
        guarded = server.dev and not (
            operation.public and self._is_post
        )  # a report that is signed may come from anywhere
        misdirected = why_not_here(headers, client, operation.method) if guarded else None
        if misdirected is not None:
            return misdirected
        actor = "public" if operation.public else actor_of(headers, client, server.state.access, server.dev)
        if isinstance(actor, Rejection):
            return actor
        query = (
            self._empty_query
            if self._empty_query is not None and not query_string
            else self._queries.read(query_string)
        )
        if isinstance(query, Rejection):
            return query
        if query_string:
            refusal = self._filters.refusal(query, server.state)
            if refusal is not None:
                return refusal
        key = None
        if self._is_post and b"idempotency-key" in headers:
            given = _idempotency_key(headers[b"idempotency-key"])
            if isinstance(given, Rejection):
                return given
            key = given
        if self.reader is not None:
            refusal = _body_refused(headers)
            if refusal is not None:
                return refusal
        return Admitted(actor, query, key)

    def call(self, admitted: Admitted, path: dict[str, str], headers: Headers, content: bytes) -> Call | Rejection:
        """Decode the body; `path` are the path's parameters."""
        body: Any = None
        raw_above = self.operation.raw_above_bytes
        if raw_above is not None and len(content) > raw_above:
            body = msgspec.Raw(content)
        elif self.reader is not None:
            body = self.reader.read(content)
            if isinstance(body, Rejection):
                return body
        return Call(self.server, admitted.actor, path, admitted.query, body, headers, admitted.key, content)

    def answer(
        self,
        headers: Headers,
        client: tuple[str, Any] | None,
        path: str,
        parameters: dict[str, str],
        content: bytes,
        answered: Callable[[Reply], None],
    ) -> Reply | None:
        """All of it for a whole request to a hot operation, as `go_on`."""
        try:
            admitted = self.admit(headers, client, b"")
            if isinstance(admitted, Rejection):
                return self.refused(admitted, headers)
            call = self.call(admitted, parameters, headers, content)
            if isinstance(call, Rejection):
                return self.refused(call, headers)
            reply = self.go_on(cast(Handled, self.operation.handle(call)), call, path, answered)
        except Exception as error:
            self.server.report(error)
            return refusal_reply(Rejection(ResultCode.INTERNAL_ERROR), headers)
        assert not isinstance(reply, Stream), "a hot operation answers at once"
        return reply

    def go_on(
        self, handled: Handled, call: Call, path: str, answered: Callable[[Reply], None]
    ) -> Reply | Stream | None:
        """The reply, if it is known; None if `answered` will be called with it, once what it rests on is durable."""
        if type(handled) is Changing:
            return self._change(handled, call, path, answered)
        if type(handled) is Reading:
            return self._read(handled, call, answered)
        if isinstance(handled, Rejection):
            return self.refused(handled, call.headers)
        assert isinstance(handled, Reply | Stream)
        return handled

    def _change(self, changing: Changing, call: Call, path: str, answered: Callable[[Reply], None]) -> Reply | None:
        server, status, of_facts = self.server, self.operation.status, changing.render
        key = payload = earlier = None
        if call.key is not None:
            digests = server.key_digests(call.actor, call.key, self.operation.method, path, encode(call.body))
            key, payload, earlier = digests

        def render(state: State, seq: int, facts: tuple[Fact, ...]) -> tuple[int, bytes]:
            return status, encode(of_facts(state, seq, facts))

        def deliver(outcome: Done | Rejection) -> None:
            try:
                reply = self._changed(changing, call, outcome)
            except Exception as error:
                reply = self._failed(call, error)
            answered(reply)

        guard = self._if_match(call) if b"if-match" in call.headers else None
        refusal = server.submit(
            Change(changing.command, call.actor, render, deliver, key, payload, len(call.content), guard, earlier)
        )
        return None if refusal is None else self._changed(changing, call, refusal)

    def _changed(self, changing: Changing, call: Call, outcome: Done | Rejection) -> Reply:
        if isinstance(outcome, Rejection):
            return self.refused(_pointing_into_the_body(outcome, changing.within), call.headers)
        seq_header = (b"kontor-seq", b"%d" % outcome.seq)
        if outcome.status >= 500:
            detail = f"the change was recorded as {outcome.seq}, but its answer could not be written; read it back"
            return refusal_reply(Rejection(ResultCode.INTERNAL_ERROR, detail), call.headers, (seq_header,))
        if outcome.replayed:
            return Reply(outcome.status, outcome.body, JSON, (seq_header, (b"idempotent-replayed", b"true")))
        if self._tagged_answer:
            return Reply(outcome.status, outcome.body, JSON, (seq_header, (b"etag", etag_of(outcome.body))))
        body = outcome.body if changing.complete is None else changing.complete(outcome.body)
        return Reply(outcome.status, body, JSON, (seq_header,))

    def _failed(self, call: Call, error: Exception) -> Reply:
        """A reply that can't be made is a failure of one request, not of the batch."""
        self.server.report(error)
        return refusal_reply(Rejection(ResultCode.INTERNAL_ERROR), call.headers)

    def _read(self, reading: Reading, call: Call, answered: Callable[[Reply], None]) -> Reply | None:
        def read(state: State, now_ns: int) -> Rejection | bytes:
            answer = reading.read(state, now_ns)
            return answer if isinstance(answer, Rejection) else encode(answer)

        def deliver(outcome: Any) -> None:
            try:
                reply = self._was_read(call, outcome)
            except Exception as error:
                reply = self._failed(call, error)
            answered(reply)

        refusal = self.server.submit(Query(read, deliver))
        return None if refusal is None else self.refused(refusal, call.headers)

    def _was_read(self, call: Call, outcome: Any) -> Reply:
        if isinstance(outcome, Failed):
            return refusal_reply(Rejection(ResultCode.INTERNAL_ERROR), call.headers)
        if isinstance(outcome, Rejection):
            return self.refused(outcome, call.headers)
        if self.operation.resource is None:
            return Reply(self.operation.status, outcome)
        etag = etag_of(outcome)
        if call.headers.get(b"if-none-match") == etag:
            return Reply(304, b"", JSON, ((b"etag", etag),))
        return Reply(self.operation.status, outcome, JSON, ((b"etag", etag),))

    def _if_match(self, call: Call) -> Callable[[State, int], Rejection | None] | None:
        """The precondition of a change, if the caller gave one and the operation is about a single resource."""
        wanted = call.headers.get(b"if-match")
        if wanted is None or self.operation.resource is None:
            return None
        read = self.operation.resource(call)
        tags = [tag.strip() for tag in wanted.split(b",")]

        def guard(state: State, now_ns: int) -> Rejection | None:
            answer = read(state, now_ns)
            if isinstance(answer, Rejection):
                return Rejection(
                    ResultCode.PRECONDITION_FAILED, "`If-Match` was given, but there is no such resource yet"
                )
            if b"*" in tags or etag_of(encode(answer)) in tags:
                return None
            return Rejection(ResultCode.PRECONDITION_FAILED, "the resource has changed; read it again")

        return guard

    def refused(self, rejection: Rejection, headers: Headers) -> Reply:
        """The reply for a refusal, counted."""
        self.server.metrics.refused(rejection.code.wire)
        return refusal_reply(rejection, headers)


def etag_of(body: bytes) -> bytes:
    """A strong validator: the hash of the representation."""
    return b'"' + hashlib.blake2b(body, digest_size=12).hexdigest().encode() + b'"'


def refusal_reply(rejection: Rejection, headers: Headers, extra: tuple[tuple[bytes, bytes], ...] = ()) -> Reply:
    """The problem document for a refusal."""
    request_id = headers.get(b"x-request-id")
    body = problems.body_of(rejection, None if request_id is None else request_id.decode("latin-1"))
    wait = problems.retry_after(rejection.code)
    if wait is not None:
        extra = (*extra, (b"retry-after", str(wait).encode()))
    if rejection.code in (ResultCode.BODY_TOO_LARGE, ResultCode.UNSUPPORTED_MEDIA_TYPE):
        extra = (*extra, (b"connection", b"close"))  # its body was not read
    if rejection.code is ResultCode.UNAUTHENTICATED:
        extra = (*extra, (b"www-authenticate", b"Bearer"))
    return Reply(rejection.code.status, body, problems.MEDIA_TYPE, extra)


async def _rest_of_body(message: MutableMapping[str, Any], receive: Receive) -> bytes | None:
    """A body that comes in parts, or None if it is larger than taken. Raises ClientGone."""
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limits.BODY_BYTES_MAX:
            return None
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def _body_refused(headers: Headers) -> Rejection | None:
    """What the headers say of a body that is not taken."""
    if b"content-encoding" in headers and headers[b"content-encoding"] not in (b"", b"identity"):
        return Rejection(ResultCode.UNSUPPORTED_MEDIA_TYPE, "bodies are taken without content encoding")
    media_type = headers.get(b"content-type")
    if media_type is not None and media_type != JSON:
        name, _, parameters = media_type.partition(b";")
        charset = parameters.strip().lower().replace(b'"', b"")
        if name.strip().lower() != JSON or charset not in (b"", b"charset=utf-8"):
            return Rejection(ResultCode.UNSUPPORTED_MEDIA_TYPE, "send the body as application/json in UTF-8")
    length = headers.get(b"content-length")
    if length is not None and (len(length) > 18 or not length.isdigit() or int(length) > limits.BODY_BYTES_MAX):
        return BODY_TOO_LARGE
    return None


def _idempotency_key(raw: bytes) -> str | Rejection:
    text = raw.decode("latin-1").strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if not 1 <= len(text) <= limits.IDEMPOTENCY_KEY_LENGTH_MAX or not text.isprintable():
        detail = f"`Idempotency-Key` has 1 to {limits.IDEMPOTENCY_KEY_LENGTH_MAX} printable characters"
        return Rejection(ResultCode.MALFORMED_REQUEST, detail)
    return text


def _pointing_into_the_body(rejection: Rejection, within: str) -> Rejection:
    """The same refusal, with pointers into the body where that is only a part of the command's document."""
    if not within:
        return rejection
    errors = tuple(
        FieldError("" if within.startswith(error.pointer) else error.pointer.removeprefix(within), error.detail)
        for error in rejection.errors
    )
    return msgspec.structs.replace(rejection, errors=errors)


async def send_reply(send: Send, reply: Reply, request_headers: Headers, is_head: bool = False) -> None:
    """Send an answer with its headers, to HEAD nothing else; the caller's request id and trace come back."""
    headers = [(b"content-type", reply.media_type), (b"content-length", b"%d" % len(reply.body)), *reply.headers]
    if b"x-request-id" in request_headers or b"traceparent" in request_headers:
        headers += _coming_back(request_headers)
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_head else reply.body})


async def _send_head(send: Send, stream: Stream, request_headers: Headers) -> None:
    """What HEAD is told of an answer that would come in pieces; none of them is made."""
    headers = [(b"content-type", stream.media_type), *stream.headers, *_coming_back(request_headers)]
    await send({"type": "http.response.start", "status": stream.status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _send_pieces(send: Send, stream: Stream, request_headers: Headers) -> None:
    headers = [(b"content-type", stream.media_type), *stream.headers, *_coming_back(request_headers)]
    await send({"type": "http.response.start", "status": stream.status, "headers": headers})
    async for piece in stream.chunks:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _gone(receive: Receive) -> None:
    """Returns when the caller has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _coming_back(request_headers: Headers) -> list[tuple[bytes, bytes]]:
    """What the caller sent to find its request again."""
    headers = []
    for name in (b"x-request-id", b"traceparent"):
        value = request_headers.get(name)
        if value is not None and len(value) <= 256:
            headers.append((name, value))
    return headers
