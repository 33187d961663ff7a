"""`python -m bench`: run the benches and write a report, every number with its conditions."""

from bench.command import bench

if __name__ == "__main__":
    bench(prog_name="python -m bench")
