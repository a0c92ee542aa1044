"""A change of the model: what the successor costs users, and how long the switch keeps them out.

Eight users update rows of the table all the while, one row a transaction. Column and store; each switch is followed by
one back, so that every run measures two.
"""

import json
import time

from harness import vectors
from harness.bench import Bench
from harness.contestants import Embedd
from parts.chunks import Store

USERS = 8


def run(bench: Bench) -> None:
    rows = bench.size(20_000, 1_000)
    bench.provider.set_latency(0)
    for embedd, what in ((Embedd(bench), "column"), (Store(bench), "store")):
        bench.server.copy(embedd.base(rows, 1000), "run")
        bench.server.sql("run", "ALTER TABLE items ADD COLUMN touched bigint")
        embedd.run("run", "worker", "--once")
        embedd.run("run", *"vectorizer change items --model text-embedding-3-large --dimensions 1536".split())
        embedd.run("run", "worker", "--once")
        if what == "column":
            vectors.check(bench.server, "run", rows)
        measured = [switch(bench, embedd, rows, back) for _ in range(bench.runs) for back in ([], ["--back"])]
        locked, waited = zip(*measured, strict=True)
        note = f"{rows:,} rows, {USERS} users writing"
        bench.add(f"switch of a {what}: table locked", "ms", locked, note=note)
        bench.add(f"switch of a {what}: longest wait of a user", "ms", waited)


def switch(bench: Bench, embedd: Embedd, rows: int, back: list[str]) -> tuple[float, float]:
    """Milliseconds that the table was locked, and that a user waited at most."""
    statement = f"\\set id random(1, {rows})\nUPDATE items SET touched = :id WHERE id = :id;\n"
    users = bench.server.clients("run", statement, USERS, 3, str(bench.work / "users"))
    time.sleep(1)
    done = embedd.run("run", "vectorizer", "switch", "items", "--json", *back)
    if users.wait() != 0:
        raise RuntimeError("pgbench failed; its message is above")
    (log,) = bench.work.glob(f"users.{users.pid}*")
    longest = max(int(line.split()[2]) for line in log.read_text().splitlines()) / 1000
    log.unlink()
    return json.loads(done.output.splitlines()[-1])["locked_ms"], longest
