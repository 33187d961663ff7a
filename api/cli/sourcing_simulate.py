"""`kontor sourcing simulate`: what would have been under another policy."""

import json
from pathlib import Path
from typing import Any

import click
import msgspec

from api.cli import options
from api.cli.progress import progress
from api.server.books import Paths
from engine.commands.policies import SourcingPolicy
from engine.facts import records
from engine.replay import follower
from engine.replay.what_if import Simulation, World
from engine.supply.policies import FUNCTIONS, problems_of
from engine.wal import JournalReader

TELL_EVERY = 5_000
NODES_SHOWN = 10


@click.command("simulate")
@options.data
@options.archive
@options.as_json
@click.option("--policy", required=True, help="The sourcing policy that would have been another.")
@click.option(
    "--with",
    "body",
    type=click.File("rb"),
    required=True,
    help="Its other body, as JSON, as PUT /v1/sourcing-policies/{policy} takes it.",
)
@click.option("--from", "first", type=click.IntRange(1), default=1, show_default=True, help="The first record.")
@click.option("--to", "last", type=click.IntRange(1), help="The last record.  [default: the newest]")
def simulate(
    directory: Path, archive: Path | None, as_json: bool, policy: str, body: Any, first: int, last: int | None
) -> None:
    """Run a span of the journal again under a changed policy, and compare. Nothing is touched.

    What people asked for is asked again at the same moments; stock moves as it would have. Both worlds are priced by the
    changed policy. Requests that were refused then left no trace and are not asked again. A node may be running on the directory.
    """
    changed = _policy(body.read())
    paths = Paths.of(directory, archive)
    if not paths.journal.is_dir():
        raise click.ClickException(f"{directory} is no data directory: it has no journal")
    journal = JournalReader(paths.journal, paths.archive)
    try:
        last = journal.last_seq if last is None else min(last, journal.last_seq)
        first = max(first, journal.first_seq)
        with progress(as_json) as tell:
            worlds = [follower.state_at(journal, paths.snapshots, first - 1, tell).state for _ in range(2)]
            simulation = Simulation(worlds[0], worlds[1], policy, changed)
            for batch in journal.read(first - 1):
                for seq, encoded in enumerate(batch.records, batch.first_seq):
                    if first <= seq <= last:
                        simulation.fold(seq, batch.time_ns, records.decode(encoded))
                        if seq % TELL_EVERY == 0:
                            tell("records", seq, last)
                if batch.last_seq >= last:
                    break
        known = simulation.recorded.configuration.sourcing_policies
    finally:
        journal.close()
    if policy not in known:
        raise click.ClickException(f"there is no sourcing policy {policy!r} (known: {', '.join(known) or 'none'})")
    found = {
        "policy": policy,
        "from": first,
        "to": last,
        "as_it_was": figures(simulation.as_it_was),
        "as_changed": figures(simulation.as_changed),
        "left_out": simulation.skipped,
    }
    click.echo(json.dumps(found) if as_json else "\n".join(_table(found)))


def _policy(text: bytes) -> SourcingPolicy:
    try:
        changed = msgspec.json.decode(text, type=SourcingPolicy)
    except msgspec.MsgspecError as error:
        raise click.UsageError(f"the policy can't be read: {error}") from None
    wrong = problems_of(changed, tuple(FUNCTIONS))
    if wrong:
        raise click.UsageError("; ".join(f"{pointer}: {detail}" for pointer, detail in wrong))
    return changed


def figures(world: World) -> dict[str, Any]:
    """A world in numbers, for machines and people."""
    served = max(1, world.decisions - world.stock_outs)
    days = sorted(world.delivery_days.items())
    counted = sum(count for _, count in days)
    late, below = 0, 0
    for day, count in days:
        late = day
        below += count
        if below >= 0.95 * counted:
            break
    busiest = sorted(world.by_node.items(), key=lambda entry: (-entry[1][0], entry[0]))
    return {
        "decisions": world.decisions,
        "stock_outs": world.stock_outs,
        "cost_minor": world.cost_minor,
        "cost_minor_mean": round(world.cost_minor / served, 1),
        "parcels": world.parcels,
        "split_share": round(world.split / served, 4),
        "km_mean": round(world.km / max(1, world.parcels), 1),
        "delivery_days_mean": round(sum(day * count for day, count in days) / max(1, counted), 2),
        "delivery_days_p95": late,
        "nodes": {node: {"orders": orders, "units": units} for node, (orders, units) in busiest},
    }


def _table(found: dict[str, Any]) -> list[str]:
    was, changed = found["as_it_was"], found["as_changed"]
    lines = [
        f"records {found['from']:,} to {found['to']:,}, policy {found['policy']}; priced by the changed policy",
        "",
    ]
    lines.append(f"{'':<24}{'as it was':>16}{'changed':>16}{'difference':>16}")
    for name in was:
        if name != "nodes":
            difference = round(changed[name] - was[name], 4)
            lines.append(f"{name.replace('_', ' '):<24}{was[name]:>16,}{changed[name]:>16,}{difference:>+16,}")
    lines += ["", f"{'orders by node':<24}"]
    nodes = dict.fromkeys([*list(changed["nodes"])[:NODES_SHOWN], *list(was["nodes"])[:NODES_SHOWN]])
    for node in nodes:
        before, after = (
            was["nodes"].get(node, {"orders": 0})["orders"],
            changed["nodes"].get(node, {"orders": 0})["orders"],
        )
        lines.append(f"  {node:<22}{before:>16,}{after:>16,}{after - before:>+16,}")
    if found["left_out"]:
        lines += ["", f"{found['left_out']:,} later requests could not be repeated under the changed policy"]
    return lines
