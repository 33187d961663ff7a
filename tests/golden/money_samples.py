"""One of every fact about prices and money, with every field set to something of its own. See samples.py."""

from engine.commands.pricing import (
    BundleItem,
    BundlePrice,
    BuyXGetY,
    DatedRate,
    Gives,
    PriceList,
    PriceStep,
    Promotion,
    PromotionConditions,
    PromotionLimits,
    ShippingPrices,
    ShippingStep,
    TaxRates,
    Voucher,
)
from engine.commands.providers import PaymentProvider
from engine.facts import Fact
from engine.facts import money as om
from engine.facts import orders as of
from engine.facts.money import (
    DocumentIssued,
    MoneyBooked,
    OrderPriced,
    PaymentAdded,
    PaymentCaptured,
    PaymentMoved,
    PaymentsRefunded,
    PaymentVoided,
    PeriodLocked,
    ReceivableWrittenOff,
    RefundPaidOut,
    ReturnSettled,
    UnitsCharged,
    UnitsCredited,
    VoucherUsed,
)
from engine.facts.pricing import PriceListSet, PromotionSet, ShippingPricesSet, TaxRatesSet, VoucherSet
from engine.facts.providers import PaymentAnswered, PaymentAsked, PaymentProviderSet

PRICED = om.Priced(1_500, 3_000, 2_700, 431, 190_000, "S", True, (om.Discount("autumn", 300),), "shelf")
TAXED = om.Priced(1_500, 3_000, 2_700, 431, 190_000, "S", True, (om.Discount("autumn", 300),), "shelf", "DE")
CONDITIONS = PromotionConditions(
    channels=("web",),
    countries=("DE",),
    since="2026-11-24",
    until="2026-12-24T18:00:00Z",
    min_goods_minor=5_000,
    min_quantity=2,
    items=("BRASS-KETTLE",),
    item_groups=("kitchen",),
    customer_groups=("trade",),
    first_order=True,
    voucher=True,
)
PROMOTIONS = (
    Promotion(
        "Autumn", Gives(percent="7.5", on="items", max_minor=900, max_units=3), CONDITIONS, "best_of:autumn", 4,
        PromotionLimits(100, 1, 50_000), "claw_back",
    ),
    Promotion("Autumn", Gives(amount=500)),
    Promotion("Autumn", Gives(amount_per_item=50)),
    Promotion("Autumn", Gives(fixed_price=900)),
    Promotion("Autumn", Gives(buy_x_get_y=BuyXGetY(2, 1, "50"))),
    Promotion("Autumn", Gives(bundle_price=BundlePrice(("BRASS-KETTLE", BundleItem("TEA-TOWEL", 2)), 4_000))),
    Promotion("Autumn", Gives(free_shipping=True)),
    Promotion("Autumn", Gives(free_item="TEA-TOWEL")),
)  # fmt: skip
MONEY_SAMPLES: dict[str, Fact] = {
    "order_priced/4": OrderPriced(
        "W-1001",
        "EUR",
        (TAXED,),
        om.Priced(490, 490, 490, 78, 190_000, "S", True, (), None, "DE"),
        (),
        (om.Condition("autumn", (0,), 5_000, 2),),
        "p-41",
    ),
    "document_issued/1": DocumentIssued(
        "W-1001", om.Document("invoice", 2026, 17), 739_944, 3_190, (om.Share(0, 2, 2_700, 431),), 17, ()
    ),
    "money_booked/1": MoneyBooked(
        "W-1001",
        "EUR",
        739_944,
        "invoice",
        "INV-2026-000017",
        (om.MoneyPosting("revenue:DE:S:0.19", "receivable", 2_681),),
        (),
    ),
    "payment_moved/1": PaymentMoved("W-1001", "p-1", "W-1001.x", "ret-4-1", 490, ()),
    "shipping_prices_set/1": ShippingPricesSet(
        "parcel",
        ShippingPrices(
            "EUR",
            (ShippingStep(490), ShippingStep(0, 5_000)),
            False,
            "Parcel",
            ("web",),
            ("DE",),
            ("trade",),
            ("ship",),
            "2026-11-24",
            "2026-12-24T18:00:00Z",
            3,
        ),
        (),
    ),
    "payment_provider_set/1": PaymentProviderSet(
        "acme", PaymentProvider("https://pay.example.org/kontor", ("card", "wallet"), "manual", "manual", 2), ()
    ),
    "payment_asked/1": PaymentAsked("W-1001", "p-1", 7, "acme", "capture", 3_190, ()),
    "payment_answered/1": PaymentAnswered("W-1001", 7, "failed", "card declined", ()),
    "refund_paid_out/1": RefundPaidOut("W-1001", "p-1", 490, ()),
    "receivable_written_off/1": ReceivableWrittenOff("W-1001", 450, "moved away", ()),
    "period_locked/1": PeriodLocked(739_920, ()),
    "units_charged/2": UnitsCharged("W-1001", (om.Charge(0, 2, TAXED),), ()),
    "units_credited/2": UnitsCredited(
        "W-1001",
        "returned",
        (
            om.Share(0, 1, 1_350, 216, (om.Discount("autumn", 150), om.Discount(None, 50, "regular customer"))),
            om.Share(-1, 1, 490, 78),
        ),
        (),
        (om.ClawedBack("autumn", (om.ClawedLine(0, 1, 150, 24, 150),)),),
    ),
    "payment_added/1": PaymentAdded("W-1001", "p-1", "card", 3_190, "authorised", ()),
    "payment_captured/1": PaymentCaptured("W-1001", "p-1", 3_190, ()),
    "payment_voided/1": PaymentVoided("W-1001", "p-1", ()),
    "payments_refunded/1": PaymentsRefunded("W-1001", (om.Refund("p-1", 490),), ()),
    "voucher_set/1": VoucherSet("FRIENDS", Voucher(kind="promotion", promotion="autumn", uses_max=1), ()),
    "voucher_set/2": VoucherSet("GIFT", Voucher(kind="value", balance_minor=5_000, currency="EUR"), ()),
    "voucher_used/1": VoucherUsed("W-1001", "FRIENDS", ()),
    "return_settled/1": ReturnSettled("W-1001", 4, (of.Take(0, 1),), ()),
    "price_list_set/1": PriceListSet(
        "shelf",
        PriceList(
            currency="EUR",
            prices={"BRASS-KETTLE": (PriceStep(295), PriceStep(255, 12))},
            tax_included=False,
            name="Shelf prices",
            channels=("web",),
            countries=("DE",),
            customer_groups=("trade",),
            valid_from="2026-11-24",
            valid_to="2026-12-24T18:00:00Z",
            priority=3,
        ),
        (),
    ),
    "tax_rates_set/1": TaxRatesSet(
        "DE", TaxRates({"standard": (DatedRate("0.16", "2020-07-01", "S"), DatedRate("0.19", "2021-01-01"))}), ()
    ),
    **{f"promotion_set/{at}": PromotionSet("autumn", body, ()) for at, body in enumerate(PROMOTIONS, 1)},
}
OLDER_MONEY: dict[str, Fact] = {
    "order_priced/3": OrderPriced(
        "W-1001",
        "EUR",
        (TAXED,),
        om.Priced(490, 490, 490, 78, 190_000, "S", True, (), None, "DE"),
        (),
        (om.Condition("autumn", (0,), 5_000, 2),),
    ),
    "order_priced/2": OrderPriced(
        "W-1001", "EUR", (TAXED,), om.Priced(490, 490, 490, 78, 190_000, "S", True, (), None, "DE"), ()
    ),
    "units_credited/1": UnitsCredited(
        "W-1001",
        "cancelled",
        (
            om.Share(0, 1, 1_350, 216, (om.Discount("autumn", 150), om.Discount(None, 50, "regular customer"))),
            om.Share(-1, 1, 490, 78),
        ),
        (),
    ),
    "order_priced/1": OrderPriced("W-1001", "EUR", (PRICED,), om.Priced(490, 490, 490, 78, 190_000, "S", True), ()),
    "units_charged/1": UnitsCharged("W-1001", (om.Charge(0, 2, PRICED),), ()),
}
