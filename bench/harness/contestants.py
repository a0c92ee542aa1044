"""Those who embed: each makes its base database, then empties a copy of its queue and says how fast.

A contestant's rate leaves out what it takes to start and to end: its wall time less that of the same command on a base
whose rows are none. All of them run until nothing is left, on the same rows, over TCP, as the same user.
"""

import dataclasses
import json
import pathlib

from harness import processes, texts, vectors
from harness.bench import DIMENSIONS, MODEL, Bench


@dataclasses.dataclass
class Rate:
    """What a run achieved, without start and end."""

    rows: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        return self.rows / self.seconds

    @property
    def cpu_microseconds(self) -> float:
        return self.cpu_seconds / self.rows * 1e6


def load(bench: Bench, database: str, rows: int, length: int, first: int = 1) -> None:
    """Inserts rows of `length` characters, as a user would: triggers fire."""
    if rows == 0:
        return
    path = bench.work / f"texts_{length}_{rows}_{first}"
    if not path.exists():
        texts.write(path, rows, length, first)
    bench.server.script(database, f"\\copy items (id, body) FROM '{path}'\n")


class Contestant:
    """What they have in common: bases, copies of them, the measuring."""

    name = ""
    relation = "items"  # where the vectors are, by id

    def __init__(self, bench: Bench):
        self.bench = bench
        self._bases: set[str] = set()
        self._start_up: processes.Run | None = None

    def prepare(self, database: str) -> None:
        """What the contestant needs in the database, before any row is there."""

    def command(self, database: str) -> tuple[list, dict[str, str]]:
        """Embeds all rows, then ends."""
        raise NotImplementedError

    def base(self, rows: int, length: int) -> str:
        """The database that runs with these rows start from."""
        name = f"base_{self.name}_{rows}_{length}"
        if name not in self._bases:
            self.prepared(name)
            load(self.bench, name, rows, length)
            self.bench.server.settle(name)
            self._bases.add(name)
        return name

    def prepared(self, database: str) -> None:
        """Makes the database with no rows in it. Preparing may take seconds, so it is done once and copied."""
        if not self._bases:
            origin = f"base_{self.name}"
            self.bench.server.create(origin)
            self.prepare(origin)
            self._bases.add(origin)
        self.bench.server.copy(f"base_{self.name}", database)

    def measure(self, rows: int, length: int = 1000) -> Rate:
        start_up = self.start_up()
        base = self.base(rows, length)
        self.bench.server.copy(base, "run")
        argv, env = self.command("run")
        run = processes.run(argv, env, cwd=str(self.bench.work)).checked(self.name)
        vectors.check(self.bench.server, "run", rows, self.relation)
        return Rate(rows, run.seconds - start_up.seconds, run.cpu_seconds - start_up.cpu_seconds)

    def start_up(self) -> processes.Run:
        """The command with nothing to do: the median of three."""
        if self._start_up is None:
            self.prepared("run")
            argv, env = self.command("run")
            runs = [processes.run(argv, env, cwd=str(self.bench.work)).checked(self.name) for _ in range(3)]
            self._start_up = sorted(runs, key=lambda run: run.seconds)[1]
            self.bench.say(f"{self.name} takes {self._start_up.seconds:.2f} s to start and to end")
        return self._start_up


class Embedd(Contestant):
    """Our worker as it comes: every setting at its default. With `index`, the vectorizer asks for one of that kind."""

    def __init__(self, bench: Bench, index: str = ""):
        super().__init__(bench)
        self.name = f"embedd_{index}" if index else "embedd"
        self._index = ["--index", index] if index else []

    def prepare(self, database: str) -> None:
        self.declare(database)
        # The first walk over the table, which is due at once, then finds it empty; the next is due in an hour.
        self.run(database, "worker", "--once")

    def declare(self, database: str) -> None:
        """The vectorizer, whose first walk over the table is due."""
        self.run(database, "migrate")
        create = "vectorizer create items --table items --text {body} --column embedding".split()
        self.run(database, *create, *self._index)

    def run(self, database: str, *command: str) -> processes.Run:
        environment, cwd = self.environment(database), str(self.bench.work)
        return processes.run([self.bench.embedd, *command], environment, cwd=cwd).checked(" ".join(command[:2]))

    def environment(self, database: str) -> dict[str, str]:
        return {
            "DATABASE_URL": self.bench.server.url(database),
            "OPENAI_BASE_URL": self.bench.provider.base_url,
            "OPENAI_API_KEY": "bench",
            "EMBEDD_LOG_LEVEL": "warn",
        }

    def command(self, database: str) -> tuple[list, dict[str, str]]:
        return [self.bench.embedd, "worker", "--once"], self.environment(database)


class Original(Contestant):
    """The polling worker that embedd replaces (bench/original_worker.py), its sleep between polls removed."""

    name = "original"

    def __init__(self, bench: Bench, python: str):
        super().__init__(bench)
        self._python = python

    def command(self, database: str) -> tuple[list, dict[str, str]]:
        return [self._python, self.bench.root / "bench/original_worker.py"], {
            "DATABASE_URL": self.bench.server.url(database),
            "OPENAI_BASE_URL": self.bench.provider.base_url,
            "OPENAI_API_KEY": "bench",
        }


class Pgai(Contestant):
    """pgai's worker. batch_size 50 (its default) and concurrency 10 (its default is 1), the whole text as one chunk,
    no vector index, no waiting between polls (--once ends when the queue is empty)."""

    def __init__(self, bench: Bench, python: str, destination: str):
        super().__init__(bench)
        self.name = f"pgai_{destination}"
        self.relation = "items_vectors" if destination == "table" else "items"
        self._bin = pathlib.Path(python).parent
        self._pgai = self._bin / "pgai"
        self._destination = {
            "table": "ai.destination_table(target_table => 'items_store', view_name => 'items_vectors')",
            "column": "ai.destination_column('embedding')",
        }[destination]

    def prepare(self, database: str) -> None:
        server, base_url = self.bench.server, self.bench.provider.base_url
        processes.run([self._pgai, "install", "-d", server.url(database)]).checked("pgai install")
        server.sql(
            database,
            "ALTER TABLE items DROP COLUMN embedding",  # pgai adds its own, or has a view with that name for it
            f"""SELECT ai.create_vectorizer('items'::regclass, destination => {self._destination},
                  loading => ai.loading_column('body'), parsing => ai.parsing_none(), chunking => ai.chunking_none(),
                  embedding => ai.embedding_openai('{MODEL}', {DIMENSIONS}, base_url => '{base_url}'),
                  indexing => ai.indexing_none(), scheduling => ai.scheduling_none(),
                  processing => ai.processing_default(batch_size => 50, concurrency => 10))""",
        )

    def command(self, database: str) -> tuple[list, dict[str, str]]:
        # Without -c, the worker takes the vectorizer's own concurrency.
        argv = [self._pgai, "vectorizer", "worker", "-d", self.bench.server.url(database)]
        argv += ["--once", "--log-level", "WARN"]
        # Its tracer is off, for nobody listens; the tokenizer's vocabulary, which it would download, comes with it.
        vocabulary = next(self._bin.parent.glob("lib/*/site-packages/pgai/vectorizer/tiktoken_cache"))
        return argv, {"OPENAI_API_KEY": "bench", "DD_TRACE_ENABLED": "false", "TIKTOKEN_CACHE_DIR": str(vocabulary)}


class Ceiling(Contestant):
    """PostgreSQL alone: bench/sql_ceiling.cc stores vectors that it has beforehand."""

    name = "ceiling"

    def __init__(self, bench: Bench, clients: int = 1, batch: int = 512):
        super().__init__(bench)
        self._clients = clients
        self._batch = batch

    def measure(self, rows: int, length: int = 1000) -> Rate:
        self.bench.server.copy(self.base(rows, length), "run")
        argv = [self.bench.tool("sql_ceiling"), "--database", self.bench.server.url("run"), "--rows", rows]
        argv += ["--batch", self._batch, "--clients", self._clients, "--dimensions", DIMENSIONS]
        run = processes.run(argv).checked("sql_ceiling")
        stored = int(self.bench.server.number("run", "SELECT count(embedding) FROM items"))
        if stored != rows:
            raise RuntimeError(f"the ceiling stored {stored} of {rows} vectors")
        return Rate(rows, json.loads(run.output)["seconds"], run.cpu_seconds)
