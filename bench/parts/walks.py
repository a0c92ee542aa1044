"""What looking at a table of a million rows again costs an hour in which nothing happens: with a walk, and put off.

Busy seconds and blocks are those of the worker's sessions, as PostgreSQL counts them, less those of a run in which no
walk is due. How long the walk takes does not matter here: it pauses as its share of the time demands, and that follows
from what it costs. Takes minutes, so it runs only when it is named.
"""

import dataclasses

from harness import processes
from harness.bench import Bench
from harness.contestants import Embedd

DIMENSIONS = 64
TEXT = "rpad('row ' || i || ' ', 1000, 'some words of text ')"
HOUR = 3600
SHARE = 0.02  # EMBEDD_WALK_SHARE
SPENT = "SELECT active_time / 1000, blks_hit + blks_read FROM pg_stat_database WHERE datname = 'run'"


@dataclasses.dataclass
class Cost:
    seconds: float
    blocks: float

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(max(self.seconds - other.seconds, 1e-6), max(self.blocks - other.blocks, 1))


def run(bench: Bench) -> None:
    rows = bench.size(1_000_000, 20_000)
    embedd = Embedd(bench)
    fill(bench, embedd, rows)
    walks, spared = [], []
    for _ in range(bench.runs):
        nothing = cost(bench, embedd)
        bench.server.sql("run", *AN_HOUR_LATER, "UPDATE embedd.vectorizers SET walked_with = NULL")
        walks.append(cost(bench, embedd) - nothing)
        bench.server.sql("run", *AN_HOUR_LATER)
        spared.append(cost(bench, embedd) - nothing)
        if bench.server.sql("run", "SELECT walk_put_off_at IS NOT NULL FROM embedd.vectorizers") != "t":
            raise RuntimeError("the walk was not put off")
    busy, table = [walk.seconds for walk in walks], f"{rows:,} rows of 1 kB"
    bench.add("idle hour with a walk, busy", "s", busy, note=table)
    bench.add("idle hour with a walk, blocks", "blocks", [walk.blocks for walk in walks], note=table)
    bench.add("idle hour with a walk, of the hour", "%", [100 * seconds / HOUR for seconds in busy], note=table)
    bench.add("idle hour put off, busy", "s", [walk.seconds for walk in spared], note=table)
    bench.add("idle hour put off, blocks", "blocks", [walk.blocks for walk in spared], note=table)
    bench.add_ratio("idle hour put off ÷ with a walk, blocks", [c.blocks for c in spared], [c.blocks for c in walks])
    found = [HOUR + seconds / SHARE for seconds in busy]
    bench.add("longest until a change behind the triggers is found", "s", found, note="an hour, and the paced walk")


AN_HOUR_LATER = (
    "UPDATE embedd.vectorizers SET walked_at = walked_at - interval '61 minutes',"
    " walk_put_off_at = walk_put_off_at - interval '61 minutes'",
)


def fill(bench: Bench, embedd: Embedd, rows: int) -> None:
    """A table whose vectors are known, walked, and left alone since."""
    server = bench.server
    server.create("run")
    server.sql("run", f"ALTER TABLE items ALTER embedding TYPE vector({DIMENSIONS})")
    vector = f"(SELECT array_agg(1 / (i + n)::real) FROM generate_series(1, {DIMENSIONS}) n)::vector"
    server.sql("run", f"INSERT INTO items (id, body, embedding) SELECT i, {TEXT}, {vector} FROM generate_series(1, {rows}) i")
    embedd.run("run", "migrate")
    create = "vectorizer create items --table items --text {body} --column embedding --adopt-existing --trust-all"
    embedd.run("run", *create.split(), "--dimensions", str(DIMENSIONS))
    server.settle("run")
    for _ in range(2):  # the first notes down what it finds, the second finds nothing
        embedd.run("run", "worker", "--once")
        server.sql("run", "UPDATE embedd.vectorizers SET walked_at = NULL")
    embedd.run("run", "worker", "--once")
    server.settle("run")
    bench.say(f"{rows:,} rows are embedded and walked")


def cost(bench: Bench, embedd: Embedd) -> Cost:
    """Of a worker's run until nothing is left to do; it has ended, so its sessions have been counted."""
    before = spent(bench)
    argv, environment = embedd.command("run")
    processes.run(argv, environment, cwd=str(bench.work)).checked("worker --once")
    return spent(bench) - before


def spent(bench: Bench) -> Cost:
    seconds, blocks = bench.server.sql("run", SPENT).split("|")
    return Cost(float(seconds), float(blocks))
