"""As many random commands as wanted, every invariant checked after every step, with crashes: `python -m tests.simulation.many_lives`.

`--commands 1000000 --processes 2 --first-seed 1000`. Prints what was done by kind; ends with an error at the first life that fails,
naming its seed.
"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.simulation.test_random_life import live

STEPS = 600


def one(seed: int) -> tuple[int, dict[str, int]]:
    """A life; its seed, and how often what was done."""
    return seed, live(seed, STEPS).kinds


def run(commands: int, processes: int, first_seed: int) -> dict[str, int]:
    """Lives until so many commands were decided. Raises what the first failing life raises."""
    kinds: dict[str, int] = {}
    decided = 0
    started = time.perf_counter()
    seed = first_seed
    with ProcessPoolExecutor(processes) as pool:
        while decided < commands:
            wave = [pool.submit(one, seed + at) for at in range(processes * 25)]
            seed += len(wave)
            for done in as_completed(wave):
                for kind, count in done.result()[1].items():
                    kinds[kind] = kinds.get(kind, 0) + count
            decided = sum(count for kind, count in kinds.items() if not kind.startswith("system "))
            seconds = time.perf_counter() - started
            print(f"{decided:,} commands in {seed - first_seed} lives, {seconds:.0f} s", file=sys.stderr, flush=True)
    return kinds


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=1_000)
    asked = parser.parse_args()
    for kind, count in sorted(run(asked.commands, asked.processes, asked.first_seed).items()):
        print(f"{count:>9,}  {kind}")


if __name__ == "__main__":
    main()
