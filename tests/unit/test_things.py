"""One `Thing` gives the operations of a noun: what they share is said once, and what is forgotten is no operation."""

from typing import Any

import msgspec
import pytest

from api import app
from api.http.things import STEP_CODES, Thing, no_fields
from engine.commands.transfers import ShipTransfer
from engine.results import Rejection, ResultCode

KETTLES = {7: "brass kettle"}
NO_KETTLE = Rejection(ResultCode.NOT_FOUND, "there is no such kettle")


def kettles(**fields: Any) -> Thing[int, str]:
    return Thing(
        path="/v1/kettles/{kettle}",
        tag="Kettles",
        answer=str,
        missing=NO_KETTLE,
        key=lambda path: int(path["kettle"]) if path["kettle"].isdigit() else None,
        find=lambda state, number: KETTLES.get(number),
        render=lambda state, kettle: kettle.upper(),
        **fields,
    )


def test_a_step_stands_below_the_thing_and_may_go_without_a_body() -> None:
    step = kettles(empty=no_fields("Steam", __name__)).step("boilKettle", "boil", "Boil it", ShipTransfer)
    assert (step.id, step.method, step.path, step.tag) == ("boilKettle", "POST", "/v1/kettles/{kettle}/boil", "Kettles")
    assert step.codes == STEP_CODES
    assert step.body_optional
    assert msgspec.json.decode(b"{}", type=step.body) is not None
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.json.decode(b'{"whistle":true}', type=step.body)


def test_a_row_may_say_otherwise_what_the_thing_says_for_all() -> None:
    made = kettles().make(
        "makeKettle", "Make one", lambda call: NO_KETTLE, None, path="/v1/kitchens/{kitchen}", tag="Kitchens"
    )
    assert (made.path, made.tag, made.status, made.answer) == ("/v1/kitchens/{kitchen}", "Kitchens", 201, str)


def test_a_step_without_a_name_for_its_empty_body_is_no_operation() -> None:
    with pytest.raises(AssertionError, match="boilKettle needs a name for its empty body"):
        kettles().step("boilKettle", "boil", "Boil it", ShipTransfer)


def test_every_body_without_fields_may_be_left_out() -> None:
    empty = [
        o
        for o in app.operations()
        if o.body is not None and getattr(o.body, "__struct_fields__", None) in ((), ("all",))
    ]
    assert {"cancelTransfer", "voidPayment", "settleReturn", "acceptFulfilment"} <= {o.id for o in empty}
    assert all(operation.body_optional for operation in empty)
    again = next(o for o in app.operations() if o.id == "sourceOrderAgain")
    assert again.body_optional, "it has fields, but none that names a part"
