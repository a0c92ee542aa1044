"""Whether a long queue slows the worker down: rows/s over equal windows, at backlogs of 10 k, 100 k and 1 M.

Embedding a million rows takes minutes and says no more than its beginning: what a claim costs depends on how long the
queue is. So the worker is stopped after a window, and goes on there in the next run. The first rows, while it
starts up, are left out.
"""

from harness.bench import Bench
from harness.contestants import Embedd
from harness.metrics import Worker

SKIPPED = 2_000


def run(bench: Bench) -> None:
    bench.provider.set_latency(0)
    embedd = Embedd(bench)
    window = bench.size(8_000, 2_000)
    backlogs = (4_000, 40_000) if bench.quick else (10_000, 100_000, 1_000_000)
    databases = {backlog: filled(bench, embedd, backlog) for backlog in backlogs}
    rates: dict[int, list[float]] = {backlog: [] for backlog in backlogs}
    for _ in range(bench.runs):
        for backlog, database in databases.items():
            # The shortest would be empty soon. The others stay as long as their names say, or nearly.
            shortest = backlog == backlogs[0]
            if shortest:
                bench.server.copy(database, "run")
            bench.server.sql("postgres", "CHECKPOINT")
            rates[backlog].append(rate_of(bench, embedd, "run" if shortest else database, window))
    for backlog, samples in rates.items():
        bench.add(f"backlog of {backlog:,}", "rows/s", samples, note="rows of 100 B")
    for backlog in backlogs[1:]:
        bench.add_ratio(f"backlog of {backlog:,} ÷ {backlogs[0]:,}", rates[backlog], rates[backlogs[0]])


def filled(bench: Bench, embedd: Embedd, backlog: int) -> str:
    """A database where so many rows wait."""
    database = f"backlog_{backlog}"
    embedd.prepared(database)
    # In a few transactions, as they would come, and all with text of their own.
    for first in range(1, backlog + 1, 100_000):
        last = min(backlog, first + 99_999)
        bench.server.sql(
            database,
            "INSERT INTO items (id, body) SELECT i, 'row ' || i || repeat(' some words of text', 5)"
            f" FROM generate_series({first}, {last}) i",
        )
    bench.server.settle(database)
    return database


def rate_of(bench: Bench, embedd: Embedd, database: str, window: int) -> float:
    """Rows a second over `window` rows, or what the backlog has of them, after the first ones."""
    worker = Worker([bench.embedd, "worker"], embedd.environment(database), str(bench.work))
    try:
        worker.follow(SKIPPED + window, patience_seconds=600)
    finally:
        worker.stop()
    return worker.curve.rate(SKIPPED, SKIPPED + window)
