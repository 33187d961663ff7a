"""Numbers that Kontor gives, by kind. The prefix is how such a number is written outside, so that nobody mixes them up."""

from typing import Annotated

from msgspec import Meta

ReservationNumber = Annotated[int, Meta(extra={"prefix": "r-"})]
FulfilmentNumber = Annotated[int, Meta(extra={"prefix": "f-"})]
ReturnNumber = Annotated[int, Meta(extra={"prefix": "ret-"})]
InboundNumber = Annotated[int, Meta(extra={"prefix": "in-"})]
ChangeNumber = Annotated[int, Meta(extra={"prefix": "c-"})]
TransferNumber = Annotated[int, Meta(extra={"prefix": "t-"})]
PickListNumber = Annotated[int, Meta(extra={"prefix": "p-"})]
PaymentRequestNumber = Annotated[int, Meta(extra={"prefix": "pay-"})]
