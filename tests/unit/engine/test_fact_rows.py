"""The rows of facts and commands: nothing is left out, and what a row says of a fact is true of it."""

from typing import get_args

import msgspec
import pytest

from engine.commands import Command
from engine.facts import Fact
from engine.facts.postings import AVAILABLE
from engine.facts.records import decode
from engine.machine import COMMANDS, FACTS
from engine.supply.looking_ahead import KEPT
from tests.golden import lives


def test_every_command_and_every_fact_has_its_row() -> None:
    assert set(COMMANDS) == set(Command.__subclasses__())
    assert set(FACTS) == set(get_args(Fact))


def test_what_a_fact_is_about_is_named_by_fields_it_has() -> None:
    for fact, row in FACTS.items():
        word, *fields = row.about.split()
        if word not in ("movement", "document", "state", "period"):  # told by more than fields
            assert set(fields or [word]) <= {field.name for field in msgspec.structs.fields(fact)}, fact


@pytest.mark.parametrize("seed", range(101, 107))
def test_no_plan_is_kept_as_foreseen_when_a_fact_makes_units_available(seed: int) -> None:
    seen = 0
    for batch in lives.random_life(seed).journal.read():
        for record in batch.records:
            for fact in decode(record).facts:
                if any(posting.target == AVAILABLE for posting in fact.postings):
                    assert FACTS[type(fact)].foreseen != KEPT, fact
                    seen += 1
    assert seen > 20
