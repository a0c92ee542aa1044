"""Where the CPU time of a row goes, by process: worker, its two connections, provider; and the ceiling's connection.

CPU time hardly depends on what else runs on the machine, so these figures are the ones to compare between commits.
"""

import time

from harness import processes
from harness.bench import DIMENSIONS, Bench
from harness.contestants import Ceiling, Embedd
from harness.metrics import Worker


def run(bench: Bench) -> None:
    rows = bench.size(20_000, 4_000)
    bench.provider.set_latency(0)
    embedd, ceiling = Embedd(bench), Ceiling(bench)
    spent: dict[str, list[float]] = {}
    for _ in range(bench.runs):
        seconds_of = of_embedd(bench, embedd, rows)
        seconds_of["PostgreSQL, SQL ceiling"] = of_ceiling(bench, ceiling, rows)
        for name, seconds in seconds_of.items():
            spent.setdefault(name, []).append(seconds / rows * 1e6)
    for name, samples in spent.items():
        bench.add(f"CPU per row: {name}", "µs", samples)


def of_embedd(bench: Bench, embedd: Embedd, rows: int) -> dict[str, float]:
    bench.server.copy(embedd.base(rows, 1000), "run")
    provider = bench.provider.cpu_seconds()
    worker = Worker([bench.embedd, "worker"], embedd.environment("run"), str(bench.work))
    try:
        worker.follow(rows, patience_seconds=120)
        # Each connection keeps its work: that of the settlements, which also books what was spent, tells by its last
        # statement.
        settling, claiming = 0.0, 0.0
        for pid, settles in backends(bench):
            if settles:
                settling += processes.cpu_seconds_of(pid)
            else:
                claiming += processes.cpu_seconds_of(pid)
        return {
            "PostgreSQL, claims": claiming,
            "PostgreSQL, settlements": settling,
            "worker": processes.cpu_seconds_of(worker.child.pid),
            "provider": bench.provider.cpu_seconds() - provider,
        }
    finally:
        worker.stop()


def of_ceiling(bench: Bench, ceiling: Ceiling, rows: int) -> float:
    """Of its backend, as last seen before it ends with its client: at most some milliseconds are missing."""
    bench.server.copy(ceiling.base(rows, 1000), "run")
    argv = [bench.tool("sql_ceiling"), "--database", bench.server.url("run"), "--rows", rows]
    child = processes.Child([*argv, "--dimensions", DIMENSIONS], {})
    found: list[tuple[int, bool]] = []
    while not found:
        found = backends(bench)
    seconds = 0.0
    while True:
        try:
            seconds = processes.cpu_seconds_of(found[0][0])
        except OSError:
            break
        time.sleep(0.01)
    child.wait().checked("sql_ceiling")
    return seconds


def backends(bench: Bench) -> list[tuple[int, bool]]:
    """The processes that serve the run's database, and whether each is that of the settlements."""
    query = r"""SELECT pid, query ~ '^\s*(WITH jobs|INSERT INTO embedd\.usage|DISCARD)' FROM pg_stat_activity
                WHERE datname = 'run' AND backend_type = 'client backend'"""
    rows = bench.server.sql("postgres", query).splitlines()
    return [(int(pid), settles == "t") for pid, settles in (row.split("|") for row in rows)]
