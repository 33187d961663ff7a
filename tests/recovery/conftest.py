"""A life that is lived once and copied by every test that wants to hurt it."""

from pathlib import Path

import pytest

from tests.recovery.lives import Lived, kontor, lived


@pytest.fixture(scope="session")
def lived_once(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Nobody touches this one."""
    return lived(tmp_path_factory.mktemp("life") / "data")


@pytest.fixture
def life(lived_once: Lived, tmp_path: Path) -> Lived:
    """A copy of one's own."""
    return lived_once.copied_to(tmp_path / "data")


@pytest.fixture
def backup(lived_once: Lived, tmp_path: Path) -> Path:
    """A backup of it of one's own."""
    target = tmp_path / "backup"
    said = kontor("backup", target, "--data", lived_once.directory)
    assert said.code == 0, said.complaint
    return target
