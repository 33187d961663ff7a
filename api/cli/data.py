"""Commands on a data directory or a node: serve, apply, journal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import click
import msgspec

from api.answers import faults, problems
from api.answers.timestamps import iso
from api.cli import options
from api.cli.client import Client, Refused
from api.server.books import Paths
from engine.commands.configuration import Configure
from engine.facts import records
from engine.wal import JournalReader

if TYPE_CHECKING:
    from api.geography.postcodes import Postcodes


@click.command()
@options.data
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--dev", is_flag=True, help="Accept calls without an API key from this machine.")
@options.archive
@click.option(
    "--snapshot-seconds",
    default=900,
    show_default=True,
    type=click.IntRange(0),
    help="How often to make a snapshot; 0 is never.",
)
@click.option("--snapshots-kept", default=3, show_default=True, type=click.IntRange(1), help="Snapshots to keep.")
@click.option(
    "--segment-mib",
    default=1024,
    show_default=True,
    type=click.IntRange(1),
    help="Size at which the journal's segments are sealed.",
)
@options.postcodes("find coordinates where `ship_to` has only country and postal code")
@click.option(
    "--fast-lane/--no-fast-lane",
    default=True,
    help="Answer the hottest operations below ASGI (default), or everything in the application; the answers are the "
    "same.",
)
@click.option(
    "--frontends",
    default=0,
    show_default=True,
    type=click.IntRange(0, 64),
    help="Further processes that parse HTTP in front of the one that decides; 0 for none.",
)
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="Address of --metrics-port.")
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    help="Show /metrics here too, without a key.  [default: only on --port, with a key]",
)
@click.option(
    "--allow-private-outbound",
    is_flag=True,
    help="Let payment providers be at http and private addresses, as in tests; without it only at public https ones.",
)
@click.option(
    "--new-keys",
    is_flag=True,
    help="Start with a new key store where the one that the journal needs is lost for good: names and addresses stay "
    "sealed.",
)
@options.clock_ahead_max
@click.option(
    "--disk-free-warn-mib",
    default=1024,
    show_default=True,
    type=click.IntRange(0),
    help="Warn in the log when less is free on the disk of the data directory or of the archive.",
)
def serve(
    directory: Path,
    host: str,
    port: int,
    dev: bool,
    archive: Path | None,
    snapshot_seconds: int,
    snapshots_kept: int,
    segment_mib: int,
    postcodes: Postcodes | None,
    fast_lane: bool,
    frontends: int,
    metrics_host: str,
    metrics_port: int | None,
    allow_private_outbound: bool,
    new_keys: bool,
    clock_ahead_max: float,
    disk_free_warn_mib: int,
) -> None:
    """Serve the HTTP API from a data directory until it is stopped."""
    from api.serve import Settings
    from api.serve import serve as run
    from api.server.snapshots import Schedule

    schedule = Schedule(snapshot_seconds, snapshots_kept)
    segment_bytes = segment_mib * 1024 * 1024
    settings = Settings(directory, host, port, dev, archive, schedule, segment_bytes, postcodes, fast_lane, frontends)
    run(
        settings._replace(
            allow_private_outbound=allow_private_outbound,
            new_keys=new_keys,
            clock_ahead_seconds_max=clock_ahead_max,
            metrics_host=metrics_host,
            metrics_port=metrics_port,
            disk_free_warn_mib=disk_free_warn_mib,
        )
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Address of the running node.")
@options.key
@options.postcodes("find coordinates of nodes that have only country and postal code")
@options.as_json
def apply(file: Path, url: str, key: str | None, postcodes: Postcodes | None, as_json: bool) -> None:
    """Apply master data from FILE (JSON, YAML or TOML), all or nothing.

    The file is checked here first, so that a mistake is named with its place before anything is sent.
    """
    document = _read_document(file, postcodes)
    answer = Client(url, key).call("POST", "/v1/configuration", document)
    if as_json:
        click.echo(json.dumps(answer))
    else:
        counts = ", ".join(f"{len(part)} {name.replace('_', ' ')}" for name, part in document.items() if part)
        click.echo(f"applied {file.name}: {counts or 'nothing'}")


def _read_document(file: Path, postcodes: Postcodes | None) -> Any:
    from api.geography.locating import NotLocated, locate_nodes

    try:
        content = file.read_bytes()
        match file.suffix.lower():
            case ".toml":
                document = msgspec.toml.decode(content)
            case ".yaml" | ".yml":
                document = msgspec.yaml.decode(content)
            case _:
                document = msgspec.json.decode(content)
        if postcodes is not None:
            locate_nodes(document, postcodes)
        msgspec.convert(document, Configure)
    except msgspec.MsgspecError as error:
        refusal = problems.from_validation(error)
        if isinstance(error, msgspec.ValidationError):
            refusal = faults.faults_of(msgspec.json.encode(document), Configure, error)
        told = "\n".join(f"{file.name}: {fault.pointer or '/'}: {fault.detail}" for fault in refusal.errors)
        raise Refused(told) from None
    except NotLocated as error:
        raise Refused(f"{file.name}: {error}") from None
    return document


@click.command()
@options.data_or_url
@options.archive
@options.url
@options.key
@options.as_json
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1), help="Entries to print, the newest first."
)
@click.option("--sku", help="Only entries that move this SKU.")
@click.option("--node", help="Only entries that move stock at this node.")
@click.option("--order", help="Only entries about this order.")
@click.option("--reservation", help="Only entries about this reservation.")
@click.option("--actor", help="Only what this actor asked for.")
@click.option("--from", "from_", help="Not before this time (RFC 3339).")
@click.option("--to", help="Before this time (RFC 3339).")
def journal(
    directory: Path | None,
    archive: Path | None,
    url: str | None,
    key: str | None,
    as_json: bool,
    limit: int,
    **filters: str | None,
) -> None:
    """Print journal entries, the newest first, archived ones too, from a running node or a data directory."""
    options.one_of(directory, url)
    wanted = {name.rstrip("_"): value for name, value in filters.items() if value is not None}
    if directory is not None and wanted.keys() - {"sku", "node", "order", "actor"}:
        raise click.UsageError(
            "with --data only --sku, --node, --order and --actor are taken; use --url for the others"
        )
    entries = _from_directory(directory, archive, wanted) if directory else _from_node(Client(str(url), key), wanted)
    for shown, entry in enumerate(entries):
        if shown == limit:
            break
        click.echo(json.dumps(entry) if as_json else _line(entry))


def _from_node(client: Client, wanted: dict[str, str]) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        query = {**wanted, "limit": "500"} | ({"cursor": cursor} if cursor else {})
        page = client.call("GET", f"/v1/journal?{urlencode(query)}")
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _from_directory(directory: Path, archive: Path | None, wanted: dict[str, str]) -> Iterator[dict[str, Any]]:
    paths = Paths.of(directory, archive)
    if not paths.journal.is_dir():
        raise click.ClickException(f"{directory} is no data directory: it has no journal")
    journal = JournalReader(paths.journal, paths.archive)
    try:
        for batch in journal.read_backwards():
            for seq in range(batch.last_seq, batch.first_seq - 1, -1):
                record = records.decode(batch.records[seq - batch.first_seq])
                for fact in record.facts:
                    order = getattr(fact, "order", None)
                    entry = {
                        "seq": seq,
                        "time": iso(batch.time_ns),
                        "kind": records.kind_of(fact),
                        "actor": record.actor,
                        "document": {"type": "order", "id": order} if order else None,
                        "postings": [
                            {
                                "sku": p.sku,
                                "node": p.node,
                                "source_account": account_name(p.source),
                                "target_account": account_name(p.target),
                                "quantity": p.quantity,
                            }
                            for p in fact.postings
                        ],
                    }
                    if _matches(entry, order, wanted):
                        yield entry
    finally:
        journal.close()


def account_name(account: int) -> str:
    """An account as people read it."""
    from engine.facts.postings import Account

    return Account(account).name.lower()


def _matches(entry: dict[str, Any], order: str | None, wanted: dict[str, str]) -> bool:
    postings = entry["postings"]
    return (
        ("sku" not in wanted or any(p["sku"] == wanted["sku"] for p in postings))
        and ("node" not in wanted or any(p["node"] == wanted["node"] for p in postings))
        and ("order" not in wanted or order == wanted["order"])
        and ("actor" not in wanted or entry["actor"] == wanted["actor"])
    )


def _line(entry: dict[str, Any]) -> str:
    document = entry["document"]
    about = f" {document['type']} {document['id']}" if document else ""
    moved = "".join(
        f"\n    {p['quantity']:>10}  {p['sku']} at {p['node']}: {p['source_account']} -> {p['target_account']}"
        for p in entry["postings"]
    )
    return f"{entry['seq']:>10}  {entry['time']}  {entry['kind']}{about}  by {entry['actor']}{moved}"
