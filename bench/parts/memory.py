"""Resident memory while a backlog of 100,000 rows is worked off, with a text of 256 MB among them; and whether the work keeps
its pace to the end."""

from harness import vectors
from harness.bench import Bench
from harness.contestants import Embedd, load
from harness.metrics import Worker


def run(bench: Bench) -> None:
    rows = bench.size(100_000, 10_000)
    huge = bench.size(256, 64)
    bench.provider.set_latency(0)
    embedd, server = Embedd(bench), bench.server
    embedd.prepared("run")
    # The huge one in the middle, so that it comes while everything is busy.
    load(bench, "run", rows // 2, 1000)
    text = f"repeat('many words make a long text, and this one is very long. ', {huge} * 1000000 / 60 + 1)"
    server.sql("run", f"INSERT INTO items (id, body) VALUES (0, left({text}, {huge} * 1000000))")
    load(bench, "run", rows - rows // 2, 1000, first=rows // 2 + 1)
    server.settle("run")
    worker = Worker([bench.embedd, "worker"], embedd.environment("run"), str(bench.work), watch_memory=True)
    try:
        worker.follow(rows + 1, patience_seconds=600)
    finally:
        ended = worker.stop()
    vectors.check(server, "run", rows, "(SELECT * FROM items WHERE id > 0) i")
    if not server.number("run", "SELECT count(embedding) FROM items WHERE id = 0"):
        raise RuntimeError("the huge text has no vector")
    name = f"most resident memory, {rows:,} rows and a text of {huge} MB"
    bench.add(name, "MiB", [ended.peak_rss_kib / 1024], goal="<= 64", note="VmHWM of the worker")
    tenth = rows / 10
    curve = worker.curve
    bench.add_ratio(
        f"pace of the last tenth of {rows:,} ÷ of the second",
        [curve.rate(8.9 * tenth, 9.9 * tenth)],
        [curve.rate(tenth, 2 * tenth)],
    )
