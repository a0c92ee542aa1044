"""Rows of 100 B and 8 kB against the SQL ceiling for the same rows (1 kB is in `throughput`)."""

from harness.bench import Bench
from harness.contestants import Ceiling, Embedd


def run(bench: Bench) -> None:
    bench.provider.set_latency(0)
    ceiling, embedd = Ceiling(bench), Embedd(bench)
    for label, length, rows in (
        ("100 B", 100, bench.size(60_000, 4_000)),
        ("8 kB", 8_000, bench.size(16_000, 2_000)),
    ):
        limits, rates = [], []
        for _ in range(bench.runs):
            limits.append(ceiling.measure(rows, length).per_second)
            rates.append(embedd.measure(rows, length).per_second)
        bench.add(f"embedd, rows of {label}", "rows/s", rates)
        bench.add_ratio(f"embedd ÷ SQL ceiling, rows of {label}", rates, limits)
