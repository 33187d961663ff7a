"""Set-up: the locks are complete, hashed and say nothing about where packages come from."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("run.txt", "dev.txt")
UNLOCKED = {"peers"}
"""Extras that only the comparison of the bench suite uses, and that it does without."""
PIN = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+) \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
# The escaped dots and the character classes keep this file from finding itself.
INDEX_HOST = re.compile(rb"pypi\.org|pythonhosted\.org|--(?:extra-)?index-url[ =]+[a-z]+://")
MACHINE_PATH = re.compile(rb"(?<![\w./-])/(?:work|root|home/[a-z]+)/")


def read_lock(name: str) -> dict[str, tuple[str, int]]:
    """Version and number of hashes of every package in a lock."""
    pins: dict[str, tuple[str, int]] = {}
    package = ""
    for line in (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines():
        if pin := PIN.fullmatch(line):
            package = canonicalize_name(pin[1])
            assert package not in pins, f"{name}: {package} stands twice"
            pins[package] = (pin[2], 0)
        else:
            assert HASH.fullmatch(line), f"{name}: neither a pin nor a hash: {line!r}"
            version, count = pins[package]
            pins[package] = (version, count + 1)
    return pins


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def files_with(pattern: re.Pattern[bytes]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in tracked_files() if pattern.search(path.read_bytes())]


def tracked_files() -> list[Path]:
    """Every file under version control; outside a repository, every file of the folders that we write."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode == 0 and listing.stdout:
        paths = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
        return [path for path in paths if path.is_file()]
    ours = ("engine", "api", "bench", "tests", "docs", "examples", "requirements", ".ci")
    inside = [path for folder in ours for path in (ROOT / folder).rglob("*") if path.is_file()]
    return inside + [path for path in ROOT.iterdir() if path.is_file()]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_names_versions_and_hashes_and_nothing_else(lock: str) -> None:
    pins = read_lock(lock)
    assert len(pins) > 15
    assert [name for name, (_, hashes) in pins.items() if hashes == 0] == []


def test_what_runs_in_production_is_what_was_tested() -> None:
    run, dev = read_lock("run.txt"), read_lock("dev.txt")
    assert {name: dev.get(name) for name in run} == run


def test_every_dependency_is_locked_at_a_version_that_its_bound_allows() -> None:
    project = pyproject()["project"]
    wanted = [(text, "run.txt") for text in project["dependencies"]]
    for name, group in project["optional-dependencies"].items():
        if name not in UNLOCKED:
            wanted += [(text, "dev.txt") for text in group]
    assert len(wanted) > 20
    for text, lock in wanted:
        requirement = Requirement(text)
        version, _ = read_lock(lock)[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{text} is locked at {version}"


def test_the_build_needs_nothing_that_is_not_locked() -> None:
    dev = read_lock("dev.txt")
    for text in pyproject()["build-system"]["requires"]:
        requirement = Requirement(text)
        assert requirement.specifier.contains(dev[canonicalize_name(requirement.name)][0])


def test_no_tracked_file_names_a_package_index() -> None:
    assert files_with(INDEX_HOST) == []


def test_no_tracked_file_names_a_path_of_one_machine() -> None:
    assert files_with(MACHINE_PATH) == []


def test_the_merge_queue_runs_the_commands_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111, "not executable"
    lines = script.read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in lines
    assert lines.index("make lint") < lines.index("make test") == len(lines) - 1


def test_make_alone_lists_every_target() -> None:
    listed = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = {line.split()[0] for line in listed.splitlines()}
    ours = {
        "help",
        "setup",
        "run",
        "test",
        "test-all",
        "test-some",
        "test-programs",
        "mutants",
        "bench",
        "bench-peers",
        "drift",
        "lint",
        "lock",
        "clean",
    }
    assert targets == ours
