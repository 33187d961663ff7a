"""`kontor bench`: the suite, where it is installed."""

from importlib.util import find_spec

import click


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    """Measure this machine: every figure with its conditions. `kontor bench --help` lists what can be chosen."""
    if find_spec("bench") is None:
        raise click.ClickException("the bench suite is not installed here; run it from a checkout: make bench")
    from bench.command import bench as suite

    suite.main(args=list(arguments), prog_name="kontor bench")
