"""Whether a long queue slows the worker down: rows/s over equal windows, at backlogs of 10 k, 100 k and 1 M.

Draining a million rows takes minutes and says no more than its beginning: what a claim costs depends on how long the
queue is. So the worker is stopped after a few windows. The first rows, while it starts up, are left out.
"""

import statistics

from harness.bench import Bench
from harness.contestants import Embedd
from harness.metrics import Worker

SKIPPED = 2_000


def run(bench: Bench) -> None:
    bench.provider.set_latency(0)
    embedd = Embedd(bench)
    window = bench.size(8_000, 2_000)
    backlogs = (4_000, 40_000) if bench.quick else (10_000, 100_000, 1_000_000)
    rates = {backlog: windows(bench, embedd, backlog, window) for backlog in backlogs}
    for backlog, samples in rates.items():
        bench.add(f"backlog of {backlog:,}", "rows/s", samples, note="rows of 100 B")
    for backlog in backlogs[1:]:
        smallest = statistics.median(rates[backlogs[0]])
        name = f"backlog of {backlog:,} ÷ {backlogs[0]:,}"
        bench.add_ratio(name, rates[backlog], [smallest] * len(rates[backlog]))


def windows(bench: Bench, embedd: Embedd, backlog: int, length: int) -> list[float]:
    """One rate for each run. A backlog that is long enough for all windows is filled only once."""
    if backlog >= 10 * length * bench.runs:
        return drain(bench, embedd, backlog, length, bench.runs)
    rates = []
    for _ in range(bench.runs):
        rates += drain(bench, embedd, backlog, min(length, backlog - SKIPPED), 1)
    return rates


def drain(bench: Bench, embedd: Embedd, backlog: int, length: int, count: int) -> list[float]:
    server = bench.server
    embedd.prepared("run")
    # In a few transactions, as they would come, and all with text of their own.
    for first in range(1, backlog + 1, 100_000):
        last = min(backlog, first + 99_999)
        server.sql(
            "run",
            "INSERT INTO items (id, body) SELECT i, 'row ' || i || repeat(' some words of text', 5)"
            f" FROM generate_series({first}, {last}) i",
        )
    server.settle("run")
    worker = Worker([bench.embedd, "worker"], embedd.environment("run"), str(bench.work))
    try:
        worker.follow(min(backlog, SKIPPED + count * length), patience_seconds=600)
    finally:
        worker.stop()
    starts = [SKIPPED + i * length for i in range(count)]
    return [worker.curve.rate(start, start + length) for start in starts]
