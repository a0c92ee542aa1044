"""The vector index, not the worker, sets a backfill's pace.

20,000 rows with an HNSW index in place, and the index built after them. Takes minutes, so it runs only when it is
named; once, whatever --runs says.
"""

import time

from harness import processes, vectors
from harness.bench import Bench
from harness.contestants import Embedd

INDEX = (
    "CREATE INDEX items_embedding ON items USING hnsw (embedding vector_cosine_ops)"
    " WITH (m = 16, ef_construction = 64)"
)


def run(bench: Bench) -> None:
    rows = bench.size(20_000, 2_000)
    bench.provider.set_latency(0)
    embedd = Embedd(bench)
    after = seconds(bench, embedd, rows, before=False)
    before = seconds(bench, embedd, rows, before=True)
    bench.add(f"{rows:,} rows, then the index", "s", [after])
    bench.add(f"{rows:,} rows with the index in place", "s", [before])
    bench.add_ratio("index in place ÷ built afterwards", [before], [after])


def seconds(bench: Bench, embedd: Embedd, rows: int, before: bool) -> float:
    server = bench.server
    server.copy(embedd.base(rows, 1000), "run")
    if before:
        server.sql("run", INDEX)
    argv, env = embedd.command("run")
    began = time.perf_counter()
    processes.run(argv, env, cwd=str(bench.work)).checked("worker")
    if not before:
        server.sql("run", "SET maintenance_work_mem = '1GB'; " + INDEX)
    took = time.perf_counter() - began
    vectors.check(server, "run", rows)
    return took
