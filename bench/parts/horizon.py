"""What an old snapshot costs: jobs done a second before, during and after one that is held for ten minutes under churn.

A dump, a report, a forgotten session: as long as it lasts, nobody may clear away what a job leaves behind in the queue
and its index, and the queue's readers have to get past it. Takes a quarter of an hour, so it runs only when it is named;
once, whatever --runs says. Vectors have 64 dimensions, for it is the queue that is looked at.
"""

import random
import time

from harness import processes
from harness.bench import Bench
from harness.contestants import Embedd
from harness.figures import percentile
from harness.metrics import Worker
from parts.freshness import ANNOUNCE, FIRST_PROBE, probe

DIMENSIONS = 64
TEXT = "repeat(' some words of text', 5)"
UPDATES_PER_SECOND, ROWS_PER_UPDATE = 2_240, 20
PULSES = 3
IDLE = "SELECT count(*) FROM (SELECT FROM embedd.queue_1 LIMIT 1) waiting"


def run(bench: Bench) -> None:
    Horizon(bench).run()


class Horizon:
    """A worker and its table, at which things happen."""

    def __init__(self, bench: Bench):
        self._bench = bench
        self._rows = bench.size(100_000, 20_000)
        self._pulse_rows = bench.size(20_000, 4_000)
        self._pulses = 0
        self._probes = 0
        self._embedd = Embedd(bench)

    def run(self) -> None:
        bench, server = self._bench, self._bench.server
        bench.provider.set_latency(0)
        self._fill()
        argv, environment = [bench.embedd, "worker"], self._embedd.environment("run")
        self._worker = Worker(argv, environment, str(bench.work))
        try:
            before, fresh_before = self._done("before"), self._freshness()
            seconds = bench.size(600, 20)
            snapshot = server.session("run")
            snapshot.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM items LIMIT 1;\n")
            snapshot.stdin.flush()
            updated = self._churn(seconds)
            self._settle()
            during, fresh_during = self._done("during"), self._freshness()
            dead = server.number("run", "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'queue_1'")
            snapshot.stdin.close()
            snapshot.wait()
            server.sql("run", "VACUUM embedd.queue_1", "VACUUM embedd.ledger_1", "VACUUM items")
            after = self._done("after")
        finally:
            self._worker.stop()
        held = f"a snapshot of {seconds} s, {updated:,} updates meanwhile, {dead:,.0f} dead rows in the queue"
        bench.add(f"{self._pulse_rows:,} jobs done before", "jobs/s", before)
        bench.add("the same while the snapshot is held", "jobs/s", during, note=held)
        bench.add("the same afterwards, vacuumed", "jobs/s", after)
        bench.add_ratio("during ÷ before", during, before, goal=">= 0.7")
        bench.add_ratio("afterwards ÷ before", after, before)
        bench.add("freshness at idle before, p50", "ms", [fresh_before])
        bench.add("the same while the snapshot is held", "ms", [fresh_during])

    def _fill(self) -> None:
        bench, server = self._bench, self._bench.server
        server.create("run")
        server.sql("run", f"ALTER TABLE items ALTER COLUMN embedding TYPE vector({DIMENSIONS})")
        self._command("migrate")
        create = "vectorizer create items --table items --text {body} --column embedding"
        self._command(*create.split(), "--dimensions", DIMENSIONS)
        server.sql(
            "run",
            f"INSERT INTO items (id, body) SELECT i, 'row ' || i || {TEXT} FROM generate_series(1, {self._rows}) i",
            *ANNOUNCE,
        )
        self._command("worker", "--once")
        server.settle("run")
        bench.say(f"{self._rows:,} rows are embedded")

    def _command(self, *words: str | int) -> None:
        environment = self._embedd.environment("run")
        run = processes.run([self._bench.embedd, *words], environment, cwd=str(self._bench.work))
        run.checked(" ".join(str(word) for word in words[:2]))

    def _done(self, when: str) -> list[float]:
        """Jobs a second of each pulse: rows that get another text in one statement."""
        rates = []
        for _ in range(PULSES):
            first = 1 + self._pulses * self._pulse_rows % self._rows
            stored = self._worker.poll()
            self._update(f"pulse {self._pulses}", first, first + self._pulse_rows - 1)
            self._worker.follow(stored + self._pulse_rows, patience_seconds=300)
            rates.append(self._worker.curve.rate(stored + 1_000, stored + self._pulse_rows))
            self._pulses += 1
            self._settle()
        self._bench.say(f"{when}: " + ", ".join(f"{rate:,.0f}" for rate in rates) + " jobs/s")
        return rates

    def _update(self, name: str, first: int, last: int) -> None:
        self._bench.server.sql("run", update(name, first, last))

    def _settle(self) -> None:
        while self._bench.server.number("run", IDLE) > 0:
            time.sleep(0.1)
        self._worker.poll()

    def _freshness(self) -> float:
        first = FIRST_PROBE + self._probes
        self._probes += 100
        return percentile(probe(self._bench, 100, pause_ms=20, first=first), 0.5)

    def _churn(self, seconds: float) -> int:
        """Users at work: the rows they updated. Waits for them where they are slower than that."""
        user = self._bench.server.session("run")
        pick = random.Random(1)
        began, statements = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            while statements * ROWS_PER_UPDATE < passed * UPDATES_PER_SECOND:
                first = pick.randrange(1, self._rows - ROWS_PER_UPDATE)
                user.stdin.write(update(f"churn {statements}", first, first + ROWS_PER_UPDATE - 1) + ";\n")
                statements += 1
            user.stdin.flush()
            self._worker.poll()
            time.sleep(0.05)
        user.stdin.close()
        if user.wait() != 0:
            raise RuntimeError("a user's update failed")
        return statements * ROWS_PER_UPDATE


def update(name: str, first: int, last: int) -> str:
    return f"UPDATE items SET body = '{name} of ' || id || {TEXT} WHERE id BETWEEN {first} AND {last}"
