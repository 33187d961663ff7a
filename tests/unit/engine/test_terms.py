"""What sending to an area costs is kept while there is room: once for all postal areas that no rule tells apart."""

import pytest

from engine import limits
from engine.areas import Area
from engine.commands.configuration import Configure
from engine.commands.policies import Conditions, Override, Settings, SourcingPolicy
from engine.supply.policies import FUNCTIONS, PricedNodes
from engine.supply.terms import Terms, terms_cache
from tests.unit.engine.shop import HALLE, Shop
from tests.unit.engine.test_policy_plans import changed

NEXT_DOOR = Area("DE", "04", HALLE.latitude_tenths, HALLE.longitude_tenths)
ABROAD = Area("PL", "06", HALLE.latitude_tenths, HALLE.longitude_tenths)
SOMEWHERE = Area("DE", "06")

UPHILL = Settings(functions=("uphill",))


def uphill(shown: PricedNodes) -> list[int]:
    """Own code that charges seven euros for Halle."""
    return [700 if shown.postal_area == HALLE.postal_area else 0 for _ in shown.nodes]


def terms_of(shop: Shop, area: Area, variant: tuple[int, ...] = ()) -> Terms:
    return terms_cache(shop.state).get(shop.state, "web", area, "ship", variant)


def test_postal_areas_of_the_same_ten_kilometres_share_their_terms() -> None:
    shop = Shop()
    assert terms_of(shop, HALLE) is terms_of(shop, NEXT_DOOR)
    assert len({id(terms_of(shop, area)) for area in (HALLE, ABROAD, SOMEWHERE)}) == 3


@pytest.mark.parametrize(
    ("policy", "variant"),
    [
        (SourcingPolicy(name="Always", functions=("uphill",)), ()),
        (SourcingPolicy(name="Club", overrides=(Override(Conditions(customer_groups=("club",)), UPHILL),)), (0,)),
    ],
)
def test_own_code_is_asked_about_each_postal_area(
    monkeypatch: pytest.MonkeyPatch, policy: SourcingPolicy, variant: tuple[int, ...]
) -> None:
    monkeypatch.setitem(FUNCTIONS, "uphill", uphill)
    shop = Shop()
    shop.done(Configure(sourcing_policies={"hills": policy}))
    changed(shop, "channels", "web", sourcing_policy="hills")
    dearer = terms_of(shop, HALLE, variant).cost - terms_of(shop, NEXT_DOOR, variant).cost
    assert dearer.tolist() == [700, 700, 700]


def test_a_full_cache_forgets_the_oldest_terms_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "COST_CACHE_MAX", 2)
    shop = Shop()
    halle, abroad, somewhere = (terms_of(shop, area) for area in (HALLE, ABROAD, SOMEWHERE))
    assert (terms_of(shop, ABROAD), terms_of(shop, SOMEWHERE)) == (abroad, somewhere)
    assert terms_of(shop, HALLE) is not halle
