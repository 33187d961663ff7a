"""The DATEV format, category 21 (posting batch), header version 700, format version 13, as DATEV publishes it for
developers.

Text in Windows-1252, fields between semicolons, text in quotes, decimals with a comma, lines ended by CR LF. A batch is
of one currency and one financial year.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from api.exporting.bookings import Booking, amount_text

COLUMNS = (
    "Umsatz (ohne Soll/Haben-Kz)", "Soll/Haben-Kennzeichen", "WKZ Umsatz", "Kurs", "Basis-Umsatz", "WKZ Basis-Umsatz",
    "Konto", "Gegenkonto (ohne BU-Schlüssel)", "BU-Schlüssel", "Belegdatum", "Belegfeld 1", "Belegfeld 2", "Skonto",
    "Buchungstext", "Postensperre", "Diverse Adressnummer", "Geschäftspartnerbank", "Sachverhalt", "Zinssperre",
    "Beleglink",
    *(f"Beleginfo - {what} {number}" for number in range(1, 9) for what in ("Art", "Inhalt")),
    "KOST1 - Kostenstelle", "KOST2 - Kostenstelle", "Kost-Menge", "EU-Land u. UStID (Bestimmung)",
    "EU-Steuersatz (Bestimmung)", "Abw. Versteuerungsart", "Sachverhalt L+L", "Funktionsergänzung L+L",
    "BU 49 Hauptfunktionstyp", "BU 49 Hauptfunktionsnummer", "BU 49 Funktionsergänzung",
    *(f"Zusatzinformation{what} {number}" for number in range(1, 21) for what in (" - Art", "- Inhalt")),
    "Stück", "Gewicht", "Zahlweise", "Forderungsart", "Veranlagungsjahr", "Zugeordnete Fälligkeit", "Skontotyp",
    "Auftragsnummer", "Buchungstyp", "USt-Schlüssel (Anzahlungen)", "EU-Land (Anzahlungen)",
    "Sachverhalt L+L (Anzahlungen)", "EU-Steuersatz (Anzahlungen)", "Erlöskonto (Anzahlungen)", "Herkunft-Kz",
    "Buchungs GUID", "KOST-Datum", "SEPA-Mandatsreferenz", "Skontosperre", "Gesellschaftername", "Beteiligtennummer",
    "Identifikationsnummer", "Zeichnernummer", "Postensperre bis", "Bezeichnung SoBil-Sachverhalt",
    "Kennzeichen SoBil-Buchung", "Festschreibung", "Leistungsdatum", "Datum Zuord. Steuerperiode", "Fälligkeit",
    "Generalumkehr (GU)", "Steuersatz", "Land", "Abrechnungsreferenz", "BVV-Position",
    "EU-Land u. UStID (Ursprung)", "EU-Steuersatz (Ursprung)", "Abw. Skontokonto",
)  # fmt: skip
ENCODING = "cp1252"
_AT = {name: position for position, name in enumerate(COLUMNS)}
_TEXT_MAX, _DOCUMENT_MAX, _ORDER_MAX = 60, 36, 30
# Accounts without automatic tax, because tax is booked by itself. The longest beginning of an account's name counts.
CHARTS: dict[str, dict[str, str]] = {
    "03": {
        "receivable": "1410", "prepayment": "1710", "clearing": "1360", "refunds_payable": "1700",
        "voucher_liability": "1705", "vouchers_issued": "1360", "revenue:DE": "8200", "shipping:DE": "8200",
        "discounts:DE": "8700", "tax_payable:DE:S:0.19": "1776", "tax_payable:DE:S:0.07": "1771",
        "tax_payable:DE:S:0.16": "1775", "appeasement": "8700", "write_off": "2400",
    },
    "04": {
        "receivable": "1210", "prepayment": "3250", "clearing": "1460", "refunds_payable": "3500",
        "voucher_liability": "3510", "vouchers_issued": "1460", "revenue:DE": "4200", "shipping:DE": "4200",
        "discounts:DE": "4700", "tax_payable:DE:S:0.19": "3806", "tax_payable:DE:S:0.07": "3801",
        "tax_payable:DE:S:0.16": "3805", "appeasement": "4700", "write_off": "6930",
    },
}  # fmt: skip


class Batch(NamedTuple):
    """What the header says: whose books, which year, which days, and whether they are locked."""

    consultant: int
    client: int
    fiscal_year_begins: date
    first: date
    last: date
    currency: str
    chart: str
    account_length: int
    is_locked: bool
    made_at: datetime


class UnmappedAccounts(Exception):
    """Accounts that no number of the chart is known for."""

    def __init__(self, accounts: list[str]) -> None:
        super().__init__(", ".join(accounts))
        self.accounts = accounts


def number_of(account: str, chart: Mapping[str, str]) -> str | None:
    """The number of an account: that of its name, or of the longest beginning of it, cut at a colon."""
    name = account
    while name:
        if name in chart:
            return chart[name]
        name = name.rpartition(":")[0]
    return None


def header(batch: Batch) -> str:
    """The first line: 31 fields."""
    made = batch.made_at.astimezone(UTC)
    fields: list[Any] = [
        _quoted("EXTF"), 700, 21, _quoted("Buchungsstapel"), 13,
        f"{made:%Y%m%d%H%M%S}{made.microsecond // 1000:03}", "",
        _quoted("RE"), _quoted("Kontor"), _quoted(""), batch.consultant, batch.client,
        f"{batch.fiscal_year_begins:%Y%m%d}", batch.account_length, f"{batch.first:%Y%m%d}", f"{batch.last:%Y%m%d}",
        _quoted("Kontor"), _quoted(""), 1, 0, int(batch.is_locked), _quoted(batch.currency), "", _quoted(""), "", "",
        _quoted(batch.chart), "", "", _quoted(""), _quoted(""),
    ]  # fmt: skip
    return ";".join(map(str, fields))


def lines(batch: Batch, bookings: Iterable[Booking], accounts: Mapping[str, str]) -> Iterator[str]:
    """The whole file, line by line, without line ends. Raises UnmappedAccounts at its end, naming all of them."""
    yield header(batch)
    yield ";".join(COLUMNS)
    unmapped: dict[str, None] = {}
    for booking in bookings:
        if booking.fact.currency != batch.currency:
            continue
        for entry in booking.fact.entries:
            debit, credit = number_of(entry.target, accounts), number_of(entry.source, accounts)
            if debit is None or credit is None:
                missing = {entry.target: debit, entry.source: credit}
                unmapped.update(dict.fromkeys(name for name, number in missing.items() if number is None))
            elif debit != credit:
                yield _line(booking, entry.amount_minor, debit, credit, batch)
    if unmapped:
        raise UnmappedAccounts(sorted(unmapped))


def _line(booking: Booking, amount_minor: int, debit: str, credit: str, batch: Batch) -> str:
    fact = booking.fact
    fields = [""] * len(COLUMNS)
    order = "" if fact.order is None else _document(fact.order)[:_ORDER_MAX]
    for name, value in (
        ("Umsatz (ohne Soll/Haben-Kz)", amount_text(amount_minor, fact.currency, ",")),
        ("Soll/Haben-Kennzeichen", _quoted("S")),
        ("WKZ Umsatz", _quoted(fact.currency)),
        ("Konto", debit),
        ("Gegenkonto (ohne BU-Schlüssel)", credit),
        ("Belegdatum", f"{booking.day:%d%m}"),
        ("Belegfeld 1", _quoted(_document(fact.document_id)[:_DOCUMENT_MAX])),
        ("Buchungstext", _quoted(f"{fact.document_type} {fact.order or fact.document_id}"[:_TEXT_MAX])),
        ("Auftragsnummer", _quoted(order)),
        ("Festschreibung", str(int(batch.is_locked))),
        ("Leistungsdatum", f"{booking.day:%d%m%Y}" if fact.document_type in ("invoice", "credit_note") else ""),
    ):
        fields[_AT[name]] = value
    return ";".join(fields)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _document(text: str) -> str:
    """A number in the letters that DATEV takes for documents: A-Z a-z 0-9 $ & % * + - /."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "$&%*+-/") else "-" for letter in text)
