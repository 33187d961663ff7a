"""API keys over HTTP. A secret is shown once; the node keeps only its SHA-256."""

import base64
import hashlib
import secrets

import msgspec

from api.answers.timestamps import Timestamp, iso, iso_or_none
from api.http.endpoint import encode
from api.http.listing import counted_page, from_cursor, id_of, position_of
from api.http.operations import Call, Changing, Handled, Operation, PageOf, PageQuery
from api.http.things import Thing
from engine.commands.access import CreateApiKey, RevokeApiKey
from engine.commands.fields import Name
from engine.facts import Fact
from engine.results import Rejection, ResultCode
from engine.state.api_keys import ApiKey
from engine.state.state import State


class KeyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What people call the key, to know it again."""

    name: Name


class KeyAnswer(msgspec.Struct):
    """A key, without its secret. `revoked_at` null: it is live."""

    id: str
    name: str
    created_at: Timestamp
    revoked_at: Timestamp | None


class NewKeyAnswer(KeyAnswer, kw_only=True):
    """A new key with its secret, `Authorization: Bearer <secret>`. It is null when the answer is given again."""

    secret: str | None


class KeyPage(PageOf[KeyAnswer]):
    """The oldest first, revoked ones too."""


def new_secret() -> str:
    """256 random bits, easy to recognise in a leak."""
    return "kontor_" + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


def _answer(key: ApiKey) -> KeyAnswer:
    return KeyAnswer(key.key_id, key.name, iso(key.created_at_ns), iso_or_none(key.revoked_at_ns))


def create(call: Call) -> Handled:
    """Make a key. What is journalled of the answer has no secret, so a retry under the same key is answered without it."""
    secret, key_id = new_secret(), f"k-{secrets.token_hex(8)}"
    command = CreateApiKey(key_id, call.body.name, hashlib.sha256(secret.encode()).digest())

    def render(state: State, seq: int, facts: tuple[Fact, ...]) -> NewKeyAnswer:
        return NewKeyAnswer(**msgspec.structs.asdict(_answer(state.access.keys[key_id])), secret=None)

    def with_secret(body: bytes) -> bytes:
        answer = msgspec.json.decode(body, type=NewKeyAnswer)
        answer.secret = secret
        return encode(answer)

    return Changing(command, render, complete=with_secret)


def _page(call: Call, state: State, first: int | None) -> KeyPage:
    keys, cursor = counted_page(state.access.keys.values(), first, call.query.limit)
    return KeyPage([_answer(key) for key in keys], cursor)


KEYS = Thing(
    path="/v1/keys/{key}",
    tag="Access",
    answer=KeyAnswer,
    missing=Rejection(ResultCode.NOT_FOUND, "there is no such key"),
    key=id_of("key"),
    find=lambda state, key_id: state.access.keys.get(key_id),
    render=lambda state, key: _answer(key),
)


def revoke(call: Call) -> Handled:
    """Shut a key out from now on; doing so twice changes nothing."""
    return KEYS.change(call, RevokeApiKey)


OPERATIONS = [
    KEYS.make(
        "createKey", "Make an API key and show its secret, once", create, KeyBody, answer=NewKeyAnswer,
        example={"name": "web shop"},
        description="The secret is never stored. Under an `Idempotency-Key` a retry gets the same key with `secret` "
        "null: if the first answer was lost, revoke that key and make another.",
    ),
    KEYS.list_("listKeys", "API keys, revoked ones too", from_cursor(position_of, _page), PageQuery, KeyPage),
    Operation(
        id="revokeKey", method="DELETE", path=KEYS.path, tag=KEYS.tag, handle=revoke, resource=KEYS.resource,
        summary="Shut a key out from now on", answer=KeyAnswer, codes=(ResultCode.NOT_FOUND,),
    ),
]  # fmt: skip
