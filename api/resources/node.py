"""The node about itself: health, metrics, version, problems, documentation."""

import time

import msgspec

from api.answers.timestamps import Timestamp, iso
from api.http.operations import Call, Handled, Operation, Reading, Reply
from api.pages.assets import DOCS_CONTENT_SECURITY_POLICY, START_PAGE, asset
from api.server.metrics import CONTENT_TYPE
from engine.results import Rejection, ResultCode
from engine.state.state import State

TAG = "Operations"


class HealthAnswer(msgspec.Struct):
    """`ok`, or the answer is a problem."""

    status: str


class StartAnswer(msgspec.Struct):
    """Where things are on this node."""

    docs: str = "/docs"
    """Every operation, as a page."""
    openapi: str = "/openapi.json"
    """Every operation, as an OpenAPI document."""
    health: str = "/health/ready"
    """Whether it takes requests."""
    node: str = "/v1/node"
    """Version and position; it takes a key."""
    metrics: str = "/metrics"
    """For Prometheus; it takes a key."""


class NodeAnswer(msgspec.Struct):
    """What runs here. `history` is the id of what its seqs count: another one after a restore.

    `digest` is the hash of the state at `digest_seq`; ask with `?digest=fresh` for the present one.
    `dev`: it was started with `--dev` and takes calls of its own machine without a key.
    """

    version: str
    seq: int
    durable_seq: int
    time: Timestamp
    digest: str
    digest_seq: int
    segment: str
    journal_bytes: int
    uptime_seconds: int
    history: str
    dev: bool


class NodeQuery(msgspec.Struct, forbid_unknown_fields=True):
    """`digest=fresh` hashes the whole state now, however large it is."""

    digest: str = ""


class ProblemKind(msgspec.Struct):
    """What a problem code means. `retry_may_succeed`: the same request could end differently later."""

    type: str
    code: str
    title: str
    status: int
    retry_may_succeed: bool


def live(call: Call) -> Handled:
    """The process runs."""
    return Reply(200, b'{"status":"ok"}')


def ready(call: Call) -> Handled:
    """It takes requests."""
    if call.server.stopping:
        return Rejection(ResultCode.STOPPING, "the node is stopping")
    full = call.server.disk.full
    if full is not None:
        return Rejection(ResultCode.NOT_READY, f"changes are refused, reads go on: {full}")
    return Reply(200, b'{"status":"ok"}')


def metrics(call: Call) -> Handled:
    """For Prometheus."""
    return Reply(200, call.server.metrics.render(), CONTENT_TYPE.encode())


async def about(call: Call) -> Handled:
    """Version, position, digest."""
    node = call.server
    taken = await node.digests.digest(call.query.digest == "fresh")
    if isinstance(taken, Rejection):
        return taken
    digest_seq, digest = taken

    def read(state: State, now_ns: int) -> NodeAnswer:
        return NodeAnswer(
            version=node.version,
            seq=state.seq,
            durable_seq=state.seq,  # an answer leaves when everything it was read from is durable
            time=iso(state.time_ns),
            digest=digest,
            digest_seq=digest_seq,
            segment=node.journal.segment,
            journal_bytes=node.journal.bytes_used,
            uptime_seconds=int(time.time() - node.started_at),
            history=node.history_id,
            dev=node.dev,
        )

    return Reading(read)


def problem(call: Call) -> Handled:
    """What a code means."""
    for code in ResultCode:
        if code.wire == call.path["code"]:
            kind = ProblemKind(f"/problems/{code.wire}", code.wire, code.title, code.status, code.retry_may_succeed)
            return Reply(200, msgspec.json.encode(kind))
    return Rejection(ResultCode.NOT_FOUND, "there is no such problem code")


def start(call: Call) -> Handled:
    """Where to go from here: a page for browsers, the same addresses as JSON for everybody else."""
    if b"text/html" not in call.headers.get(b"accept", b""):
        return Reply(200, msgspec.json.encode(StartAnswer()))
    content, media_type = asset(START_PAGE) or (b"", "")
    policy = (b"content-security-policy", DOCS_CONTENT_SECURITY_POLICY.encode())
    return Reply(200, content, media_type.encode(), (policy,))


def page(call: Call) -> Handled:
    """The documentation page and its parts, all from this node."""
    found = asset(call.path.get("name", "docs.html"))
    if found is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such page")
    content, media_type = found
    policy = DOCS_CONTENT_SECURITY_POLICY
    return Reply(
        200,
        content,
        media_type.encode(),
        ((b"content-security-policy", policy.encode()),),
    )


OPERATIONS = [
    Operation(
        id="getStart", method="GET", path="/", tag=TAG, handle=start, public=True,
        summary="Where things are on this node", answer=StartAnswer,
    ),
    Operation(
        id="getLiveness", method="GET", path="/health/live", tag=TAG, handle=live, public=True,
        summary="Whether the process runs", answer=HealthAnswer,
    ),
    Operation(
        id="getReadiness", method="GET", path="/health/ready", tag=TAG, handle=ready, public=True,
        summary="Whether it takes requests", answer=HealthAnswer,
    ),
    Operation(
        id="getMetrics", method="GET", path="/metrics", tag=TAG, handle=metrics,
        summary="Metrics for Prometheus", answer=str, answer_media_type="text/plain",
        description="It takes a key, as every call does. Started with `--metrics-port`, the node shows the same page at an "
        "address of its own, without one.",
    ),
    Operation(
        id="getNode", method="GET", path="/v1/node", tag=TAG, handle=about, query=NodeQuery,
        summary="Version, journal position, digest of the state", answer=NodeAnswer,
    ),
    Operation(
        id="getProblem", method="GET", path="/problems/{code}", tag=TAG, handle=problem, public=True,
        summary="What a problem code means", answer=ProblemKind, codes=(ResultCode.NOT_FOUND,),
    ),
    Operation(
        id="getDocs", method="GET", path="/docs", tag=TAG, handle=page, public=True,
        summary="This documentation as a page", answer=str, answer_media_type="text/html",
    ),
    Operation(
        id="getDocsAsset", method="GET", path="/docs/{name:path}", tag=TAG, handle=page, public=True,
        summary="A part of the documentation page", answer=str, answer_media_type="application/octet-stream",
        codes=(ResultCode.NOT_FOUND,),
    ),
]  # fmt: skip
