"""A life that is lived once and copied by every test that wants to hurt it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.conftest import SHOP, Api
from tests.recovery.lives import Lived, kontor, let_go, lived


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


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """A node in this process, with something on the shelf."""
    made = Api(tmp_path / "data")
    made.done("/v1/configuration", SHOP)
    made.receive("CUSHION", "leipzig", 10)
    yield made
    made.node.stop()
    made.close_node()
    made.runner.close()


def finished(api: Api) -> None:
    """Wait until the snapshot that is being made is there or has failed."""

    async def wait() -> None:
        async with asyncio.timeout(600):
            while api.node.snapshots.making is not None:  # noqa: ASYNC110 - a process has no event to wait for
                await asyncio.sleep(0.02)

    api.runner.run(wait())


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Whatever became of a life, the next test is not looked at by it."""
    let_go()
