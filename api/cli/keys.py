"""API keys on the command line."""

import hashlib
import json
import secrets
import time
from pathlib import Path
from typing import Any

import click

from api.answers.timestamps import iso, iso_or_none
from api.cli import options
from api.cli.client import Client
from api.resources.keys import new_secret
from api.server.books import Books, Paths
from api.server.clock import ClockBehind, refuse_behind
from api.server.directory import look
from engine.commands import Command
from engine.commands.access import CreateApiKey, RevokeApiKey
from engine.results import Rejection
from engine.wal import DirectoryLock
from engine.writer import Change, Done, Writer


@click.group(cls=options.Group)
def key() -> None:
    """Create, list and revoke API keys, on a running node (--url) or a data directory (--data)."""


def _warn(words: str) -> None:
    click.echo(f"kontor: {words}", err=True)


class _Offline:
    """A data directory opened for one change, with no node running on it."""

    def __init__(self, directory: Path, clock_ahead_max: float | None = None) -> None:
        look(directory, _warn)
        self.lock = DirectoryLock(directory)
        self.books = Books(Paths.of(directory), warn=_warn)
        if clock_ahead_max is not None:
            try:
                refuse_behind(self.books.journal.last_time_ns, time.time_ns(), clock_ahead_max, _warn)
            except ClockBehind:
                self.close()
                raise

    def do(self, command: Command) -> None:
        """Carry out a command, durably. Raises ClickException when it is refused."""
        outcomes: list[Done | Rejection] = []
        writer = Writer(self.books.state, self.books.journal, time.time_ns)
        writer.submit(Change(command, "cli", lambda state, seq, facts: (200, b""), outcomes.append))
        while not outcomes:
            writer.settle()
        if isinstance(outcomes[0], Rejection):
            raise click.ClickException(outcomes[0].detail)

    def close(self) -> None:
        """Let the directory go."""
        self.books.close()
        self.lock.close()


@key.command()
@click.argument("name")
@options.data_or_url
@options.url
@options.key
@options.as_json
@options.clock_ahead_max
def create(
    name: str, directory: Path | None, url: str | None, key: str | None, as_json: bool, clock_ahead_max: float
) -> None:
    """Create a key called NAME and print its secret, which is shown only now."""
    options.one_of(directory, url)
    if directory is not None:
        secret, key_id = new_secret(), f"k-{secrets.token_hex(8)}"
        store = _Offline(directory, clock_ahead_max)
        try:
            store.do(CreateApiKey(key_id, name, hashlib.sha256(secret.encode()).digest()))
        finally:
            store.close()
        made = {"id": key_id, "name": name, "secret": secret}
    else:
        made = Client(str(url), key).call("POST", "/v1/keys", {"name": name})
    click.echo(
        json.dumps(made) if as_json else f"id      {made['id']}\nname    {made['name']}\nsecret  {made['secret']}"
    )


@key.command(name="list")
@options.data_or_url
@options.url
@options.key
@options.as_json
def list_(directory: Path | None, url: str | None, key: str | None, as_json: bool) -> None:
    """List keys, revoked ones too. Secrets are never shown."""
    options.one_of(directory, url)
    entries: list[dict[str, Any]]
    if directory is not None:
        store = _Offline(directory)
        entries = [
            {
                "id": k.key_id,
                "name": k.name,
                "created_at": iso(k.created_at_ns),
                "revoked_at": iso_or_none(k.revoked_at_ns),
            }
            for k in store.books.state.access.keys.values()
        ]
        store.close()
    else:
        entries = Client(str(url), key).call("GET", "/v1/keys?limit=500")["items"]
    if as_json:
        click.echo(json.dumps(entries))
    for entry in [] if as_json else entries:
        revoked = f"revoked {entry['revoked_at']}" if entry.get("revoked_at") else "live"
        click.echo(f"{entry['id']}  {entry['created_at']}  {revoked}  {entry['name']}")
    if not entries and not as_json:
        click.echo("no keys yet: kontor key create NAME")


@key.command()
@click.argument("key_id")
@options.data_or_url
@options.url
@options.key
@options.clock_ahead_max
def revoke(key_id: str, directory: Path | None, url: str | None, key: str | None, clock_ahead_max: float) -> None:
    """Shut the key with id KEY_ID out from now on."""
    options.one_of(directory, url)
    if directory is not None:
        store = _Offline(directory, clock_ahead_max)
        try:
            store.do(RevokeApiKey(key_id))
        finally:
            store.close()
    else:
        Client(str(url), key).call("DELETE", f"/v1/keys/{key_id}")
    click.echo(f"revoked {key_id}")
