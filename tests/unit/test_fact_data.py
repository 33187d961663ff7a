"""Every fact can be shown to clients."""

import pytest

from api.answers.facts import data_of, document_of
from tests.golden.samples import SAMPLES


@pytest.mark.parametrize("name", SAMPLES)
def test_every_fact_is_about_something(name: str) -> None:
    document = document_of(SAMPLES[name], 41)
    assert document.type
    assert document.id
    assert "postings" in data_of(SAMPLES[name])
