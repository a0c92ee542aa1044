"""Databases on the private server: made once with all they need, then copied for each run.

A run starts from a copy of its base, so every run of a contestant finds the same bytes: no dead rows of the run
before, no statistics that came late, the same queue.
"""

import os
import re
import subprocess
from pathlib import Path


class Server:
    """The private PostgreSQL that scripts/bench has started."""

    def __init__(self, url: str, psql: str):
        self._url = url  # …/postgres
        self._psql = psql

    @property
    def pgbench(self) -> str:
        return str(Path(self._psql).with_name("pgbench"))

    def url(self, database: str) -> str:
        return self._url.rsplit("/", 1)[0] + "/" + database

    def sql(self, database: str, *statements: str) -> str:
        """Runs each statement in a transaction of its own; the last one's rows, fields parted by |."""
        return self.script(database, "".join(statement.rstrip(";") + ";\n" for statement in statements))

    def script(self, database: str, text: str) -> str:
        command = [self._psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]
        done = subprocess.run(command, input=text, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"psql in {database}: {done.stderr.strip()}")
        return done.stdout.strip()

    def session(self, database: str) -> subprocess.Popen:
        """A session that stays: it runs what is written to its stdin, and ends when that is closed."""
        command = [self._psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)

    def each(self, database: str, statement: str, times: int) -> float:
        """Milliseconds that `statement` takes, by pgbench: prepared, alone in its transaction, `times` in one session.
        No commit waits for the disk."""
        command = [self.pgbench, "-n", "-M", "prepared", "-t", str(times), "-f", "/dev/stdin", self.url(database)]
        settings = {**os.environ, "PGOPTIONS": "-c synchronous_commit=off"}
        done = subprocess.run(command, input=statement, capture_output=True, text=True, env=settings)
        if done.returncode != 0:
            raise RuntimeError(f"pgbench in {database}: {done.stderr.strip()}")
        return float(re.search(r"latency average = ([0-9.]+) ms", done.stdout)[1])

    def clients(self, database: str, statement: str, clients: int, seconds: int, log: str) -> subprocess.Popen:
        """pgbench, under way: so many sessions run `statement` for `seconds`; `log`: the path that its logs begin with."""
        command = [self.pgbench, "-n", "-c", str(clients), "-T", str(seconds)]
        command += ["-l", "--log-prefix", log, "-f", "/dev/stdin", self.url(database)]
        pgbench = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        pgbench.stdin.write(statement)
        pgbench.stdin.close()
        return pgbench

    def number(self, database: str, query: str) -> float:
        return float(self.sql(database, query))

    def create(self, database: str) -> None:
        """An empty database with pgvector, and the table that all contestants fill."""
        self.drop(database)
        self.sql("postgres", f"CREATE DATABASE {database}")
        self.sql(
            database,
            "CREATE EXTENSION vector",
            "CREATE TABLE items (id bigint PRIMARY KEY, body text NOT NULL, note int NOT NULL DEFAULT 0,"
            " embedding vector(1536))",
        )

    def copy(self, base: str, database: str) -> None:
        """A fresh copy of `base`. FILE_COPY ends with a checkpoint, so none falls into the run by chance."""
        self.drop(database)
        self.sql("postgres", f"CREATE DATABASE {database} TEMPLATE {base} STRATEGY file_copy")
        self.sql(database, "SELECT sum(length(body)) FROM items", "SELECT count(id) FROM items")  # warm

    def drop(self, database: str) -> None:
        self.sql("postgres", f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def drop_all(self) -> None:
        """Of a part's databases, none is left to the next part."""
        ours = "SELECT datname FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')"
        for database in self.sql("postgres", ours).split():
            self.drop(database)

    def settle(self, database: str) -> None:
        """What time does to a table that is left alone: vacuumed, analysed, on disk."""
        self.sql(database, "VACUUM ANALYZE", "CHECKPOINT")

    def settings(self) -> dict[str, str]:
        names = (
            "server_version fsync synchronous_commit full_page_writes wal_compression shared_buffers max_wal_size"
            " checkpoint_timeout autovacuum jit"
        ).split()
        wanted = ", ".join(f"'{name}'" for name in names)
        rows = self.sql("postgres", f"SELECT name, current_setting(name) FROM pg_settings WHERE name IN ({wanted})")
        settings = dict(row.split("|") for row in rows.splitlines())
        query = "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"
        settings["pgvector"] = self.sql("postgres", query)
        return settings
