"""`make test-some` runs what a change touches, and says so."""

import subprocess
from pathlib import Path

import pytest

from tests.touched import Tree, changed_since, is_test

ROOT = Path(__file__).parents[2]
SHOP = {
    "engine/ledger.py": "",
    "engine/orders.py": "from engine import ledger",
    "engine/pricing.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from engine import orders",
    "api/__init__.py": "",
    "api/cli/__init__.py": "",
    "api/cli/main.py": "def serve():\n    from api import app",
    "api/app.py": "import pkgutil\nfrom api import resources\nfrom engine import orders",
    "api/resources/__init__.py": "",
    "api/resources/stock.py": "from engine import pricing",
    "tests/unit/test_ledger.py": "import engine.ledger",
    "tests/unit/test_orders.py": '"""Not a word about engine.pricing."""\nfrom engine.orders import *',
    "tests/unit/test_pricing.py": "from engine.pricing import quote",
    "tests/recovery/conftest.py": 'COMMAND = ["-m", "api.cli.main", "serve"]',
    "tests/recovery/test_killed.py": "",
    "tests/golden/test_golden.py": 'FACTS = "facts.bin"',
    "tests/docs/test_readme.py": 'README = "README.md"',
    "tests/tidy/test_layers.py": "",
}
TIDY = "tests/tidy/test_layers.py"
WITH_A_NODE = ["tests/docs/test_readme.py", "tests/recovery/test_killed.py"]


def shop(root: Path) -> Tree:
    for name, text in SHOP.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return Tree(root)


@pytest.mark.parametrize(
    ("changed", "touched"),
    [
        ("engine/ledger.py", [*WITH_A_NODE, "tests/unit/test_ledger.py", "tests/unit/test_orders.py"]),
        ("engine/orders.py", [*WITH_A_NODE, "tests/unit/test_orders.py"]),
        ("engine/pricing.py", [*WITH_A_NODE, "tests/unit/test_pricing.py"]),
        ("api/resources/stock.py", WITH_A_NODE),
        ("tests/recovery/conftest.py", ["tests/recovery/test_killed.py"]),
        ("tests/golden/facts.bin", ["tests/golden/test_golden.py"]),
        ("README.md", ["tests/docs/test_readme.py"]),
        ("CHANGELOG.md", []),
        ("requirements/dev.txt", [name for name in SHOP if is_test(name)]),
    ],
)
def test_a_change_touches_the_tests_that_reach_it_and_the_tidy_ones(
    tmp_path: Path, changed: str, touched: list[str]
) -> None:
    assert shop(tmp_path).touched([changed]) == sorted({*touched, TIDY})


def test_without_a_change_there_is_nothing_to_run(tmp_path: Path) -> None:
    assert shop(tmp_path).touched([]) == []


def test_a_change_is_committed_or_not_or_not_even_known_to_git(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        author = ("-c", "user.name=Erika", "-c", "user.email=erika@example.org", "-c", "init.defaultBranch=main")
        subprocess.run(["git", *author, *words], cwd=tmp_path, check=True, capture_output=True)

    def write(name: str, text: str) -> None:
        (tmp_path / name).write_text(text, encoding="utf-8")

    git("init")
    for name in ("kept.py", "committed.py", "changed.py", "removed.py"):
        write(name, "before")
    git("add", ".")
    git("commit", "-m", "before")
    git("checkout", "-b", "kettle")
    write("committed.py", "after")
    git("rm", "removed.py")
    git("commit", "-a", "-m", "after")
    write("changed.py", "after")
    write("new.py", "after")
    assert changed_since("main", tmp_path) == ["changed.py", "committed.py", "new.py", "removed.py"]


def test_the_real_tree_is_understood() -> None:
    tree = Tree(ROOT)
    everything = [name for name in tree.files if is_test(name)]
    ledger = tree.touched(["engine/ledger.py"])
    assert {"tests/unit/engine/test_ledger.py", "tests/api/test_stock.py", "tests/recovery/test_kill_node.py"} <= {
        *ledger
    }
    assert "tests/unit/geography/test_opening_hours.py" not in ledger
    assert tree.touched(["bench/drift.py"]) == [
        "tests/bench/test_drift.py", *(name for name in everything if name.startswith("tests/tidy/"))
    ]  # fmt: skip
