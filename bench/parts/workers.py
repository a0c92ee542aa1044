"""Two and four workers on one queue against one. They share the cores with PostgreSQL and the provider."""

import time

from harness import processes, vectors
from harness.bench import Bench
from harness.contestants import Embedd

COUNTS = (1, 2, 4)


def run(bench: Bench) -> None:
    rows = bench.size(60_000, 8_000)
    bench.provider.set_latency(0)
    embedd = Embedd(bench)
    rates: dict[int, list[float]] = {count: [] for count in COUNTS}
    for _ in range(bench.runs):
        for count in COUNTS:
            rates[count].append(together(bench, embedd, count, rows))
    for count in COUNTS:
        bench.add(f"{count} worker{'s' if count > 1 else ''}", "rows/s", rates[count])
    for count in COUNTS[1:]:
        bench.add_ratio(f"{count} workers ÷ 1", rates[count], rates[1])


def together(bench: Bench, embedd: Embedd, count: int, rows: int) -> float:
    start_up = embedd.start_up()
    bench.server.copy(embedd.base(rows, 1000), "run")
    argv, env = embedd.command("run")
    began = time.perf_counter()
    children = [processes.Child(argv, env, cwd=str(bench.work)) for _ in range(count)]
    for child in children:
        # 3: "rows remain": it found nothing that another does not hold. The last one to end leaves none.
        child.wait().checked("worker", 3)
    seconds = time.perf_counter() - began - start_up.seconds
    vectors.check(bench.server, "run", rows)
    return rows / seconds
