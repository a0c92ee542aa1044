"""The vector index, not the worker, sets a backfill's pace.

20,000 rows with the index in place, and with the index built when they are there, as `vectorizer create --index` and
`vectorizer reindex` do it: HNSW over the vectors, and over half-precision copies of them. Takes minutes, so it runs
only when it is named; once, whatever --runs says.
"""

import json

from harness import processes, vectors
from harness.bench import Bench
from harness.contestants import Embedd

KINDS = ("hnsw", "halfvec")
VALID = (
    "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam"
    " WHERE i.indrelid = 'items'::regclass AND i.indisvalid AND a.amname = 'hnsw'"
)


def run(bench: Bench) -> None:
    rows = bench.size(20_000, 1_000)
    bench.provider.set_latency(0)
    for kind in KINDS:
        embedd = Embedd(bench, index=kind)
        start_up = embedd.start_up().seconds

        bench.server.copy(embedd.base(rows, 1000), "run")
        filled = embed(bench, embedd, rows) - start_up
        bench.say(f"{kind}: {rows:,} rows embedded in {filled:.1f} s; now the index")
        build = reindex(bench, embedd)
        afterwards = filled + build.seconds

        bench.say(f"{kind}: index built in {build.seconds:.1f} s; now the same rows with the index in place")
        bench.server.copy(embedd.base(rows, 1000), "run")
        reindex(bench, embedd, "--now")  # no row has its vector yet, so this builds an empty one
        in_place = embed(bench, embedd, rows) - start_up

        bench.add(f"{kind}, {rows:,} rows: index in place", "rows/s", [rows / in_place])
        bench.add(f"{kind}, {rows:,} rows: index built afterwards", "rows/s", [rows / afterwards])
        bench.add_ratio(f"{kind}: built afterwards ÷ in place", [in_place], [afterwards])
        built = json.loads(build.output.splitlines()[-1])[0]
        bench.add(f"{kind}: the build alone", "rows/s", [rows / built["seconds"]])
        bench.add(f"{kind}: size of the index", "MiB", [built["bytes"] / 2**20])


def embed(bench: Bench, embedd: Embedd, rows: int) -> float:
    """Seconds until all rows have their vectors."""
    took = embedd.run("run", "worker", "--once").seconds
    vectors.check(bench.server, "run", rows)
    return took


def reindex(bench: Bench, embedd: Embedd, *options: str) -> processes.Run:
    run = embedd.run("run", "vectorizer", "reindex", "items", "--json", *options)
    if bench.server.number("run", VALID) != 1:
        raise RuntimeError(f"there should be one index now:\n{run.output}")
    return run
