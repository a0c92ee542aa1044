"""Freshness: from the acknowledged commit of a row's text to the commit of its vector (bench/freshness.cc).

At idle, and while a backfill of 100,000 rows runs, behind which new rows must not wait.
"""

import json

from harness import processes
from harness.bench import Bench
from harness.contestants import Embedd, load
from harness.figures import percentile
from harness.metrics import Worker

FIRST_PROBE = 1_000_000_000

# Only probes are announced, so that the backfill costs what it always does.
ANNOUNCE = (
    "CREATE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM pg_notify('stored', NEW.id::text); RETURN NULL; END $$",
    "CREATE TRIGGER announce AFTER UPDATE OF embedding ON items FOR EACH ROW"
    f" WHEN (NEW.id >= {FIRST_PROBE} AND NEW.embedding IS NOT NULL) EXECUTE FUNCTION announce()",
)


def run(bench: Bench) -> None:
    bench.provider.set_latency(0)
    idle(bench)
    busy(bench)


def idle(bench: Bench) -> None:
    embedd, server = Embedd(bench), bench.server
    middles, tails = [], []
    for _ in range(bench.runs):
        embedd.prepared("run")
        load(bench, "run", 1000, 1000)
        server.sql("run", *ANNOUNCE)
        worker = Worker([bench.embedd, "worker"], embedd.environment("run"), str(bench.work))
        try:
            worker.follow(1000, patience_seconds=60)
            times = probe(bench, bench.size(200, 50), pause_ms=20)
        finally:
            worker.stop()
        middles.append(percentile(times, 0.5))
        tails.append(percentile(times, 0.99))
    bench.add("freshness at idle, p50", "ms", middles, goal="<= 20")
    bench.add("freshness at idle, p99", "ms", tails)


def busy(bench: Bench) -> None:
    """The rows are there before the vectorizer is, so they come through the walk over the table, as a backfill does."""
    embedd, server = Embedd(bench), bench.server
    rows = bench.size(100_000, 20_000)
    server.create("run")
    load(bench, "run", rows, 1000)
    embedd.declare("run")
    server.sql("run", *ANNOUNCE)
    server.settle("run")
    worker = Worker([bench.embedd, "worker"], embedd.environment("run"), str(bench.work))
    try:
        worker.follow(2_000, patience_seconds=60)
        times = during_backfill(bench, worker, rows)
        worker.follow(rows, patience_seconds=600)
    finally:
        worker.stop()
    note = f"{len(times)} rows"
    bench.add(f"freshness while {rows:,} rows wait, p50", "ms", [percentile(times, 0.5)], note=note)
    bench.add(f"freshness while {rows:,} rows wait, p99", "ms", [percentile(times, 0.99)], note=note)
    bench.add("backfill through the walk, with new rows coming", "rows/s", [worker.curve.rate(2_000, rows)])


def during_backfill(bench: Bench, worker: Worker, rows: int) -> list[float]:
    """A few at a time; the last few, which may have come when the backfill was done, do not count."""
    times: list[float] = []
    while True:
        few = probe(bench, 4, pause_ms=10, first=FIRST_PROBE + len(times))
        if worker.poll() >= rows:
            return times
        times += few


def probe(bench: Bench, rows: int, pause_ms: int, first: int = FIRST_PROBE) -> list[float]:
    """Milliseconds for each of `rows` new rows, one after the other."""
    argv = [bench.tool("freshness"), "--database", bench.server.url("run"), "--rows", rows]
    argv += ["--first-id", first, "--pause-ms", pause_ms]
    run = processes.run(argv).checked("freshness")
    return [value / 1000 for value in json.loads(run.output)["microseconds"]]
