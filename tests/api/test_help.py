"""`kontor --help` and the help of every group: whole sentences, at once."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from api.cli.main import COMMANDS, main

IMPORTS_NOTHING_MORE = """
import sys
from api.cli.main import main
main(["--help"], standalone_mode=False)
heavy = {"numpy", "msgspec", "lmdb", "engine.machine"} & sys.modules.keys()
assert not heavy, heavy
"""


def _table(*arguments: str) -> dict[str, str]:
    """Each command with what is said of it."""
    result = CliRunner().invoke(main, [*arguments, "--help"], terminal_width=80)
    assert result.exit_code == 0
    lines: dict[str, str] = {}
    for line in result.output.partition("Commands:\n")[2].splitlines():
        if line.startswith("   "):
            lines[list(lines)[-1]] += " " + line.strip()
        elif line.strip():
            name, _, words = line.strip().partition(" ")
            lines[name] = words.strip()
    return lines


def test_help_says_of_every_command_in_one_whole_sentence_what_it_is_for() -> None:
    table = _table()
    assert table.keys() == COMMANDS.keys()
    assert all(words[0].isupper() and words.endswith(".") and "..." not in words for words in table.values())


@pytest.mark.parametrize("group", ["export", "key", "sourcing", "stock"])
def test_the_help_of_a_group_cuts_no_sentence_either(group: str) -> None:
    table = _table(group)
    assert table
    assert not [words for words in table.values() if words.endswith("...")]


def test_help_imports_neither_the_engine_nor_its_libraries() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS_NOTHING_MORE], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
