"""One word, one meaning: the glossary says each word once, and has every account of the stock ledger."""

import re
from pathlib import Path

from engine.facts.postings import Account

PAGE = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
WORDS = [word.lower() for word in re.findall(r"\*\*([^*]+)\*\*", PAGE)]


def test_no_word_has_two_meanings() -> None:
    assert sorted(word for word in set(WORDS) if WORDS.count(word) > 1) == []


def test_every_account_of_the_stock_ledger_is_a_word() -> None:
    assert [account.name for account in Account if account.name.lower().replace("_", " ") not in WORDS] == []
