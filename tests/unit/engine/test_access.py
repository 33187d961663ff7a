"""API keys: given out once, shut out for ever."""

from engine.commands.access import CreateApiKey, RevokeApiKey
from engine.results import ResultCode
from tests.unit.engine.shop import Shop

SECRET = bytes(range(32))


def test_a_key_lets_its_bearer_in_until_it_is_revoked() -> None:
    shop = Shop()
    shop.done(CreateApiKey("k-1", "till in Berlin", SECRET))
    assert shop.state.access.by_secret[SECRET].name == "till in Berlin"
    shop.restart()
    assert SECRET in shop.state.access.by_secret
    shop.done(RevokeApiKey("k-1"))
    assert SECRET not in shop.state.access.by_secret
    assert shop.state.access.keys["k-1"].revoked_at_ns == shop.now_ns
    shop.restart()
    assert SECRET not in shop.state.access.by_secret


def test_revoking_twice_writes_nothing() -> None:
    shop = Shop()
    shop.done(CreateApiKey("k-1", "till", SECRET))
    shop.done(RevokeApiKey("k-1"))
    before = shop.journal.last_seq
    shop.done(RevokeApiKey("k-1"))
    assert shop.journal.last_seq == before


def test_key_ids_never_come_twice() -> None:
    shop = Shop()
    shop.done(CreateApiKey("k-1", "till", SECRET))
    shop.refused(CreateApiKey("k-1", "thief", bytes(32)), ResultCode.IN_USE)
    shop.refused(RevokeApiKey("k-404"), ResultCode.NOT_FOUND)
