"""Texts that people wrote for people, in a database `run` with vectorizers: the packages that apt knows, and the sample traces."""

import random
import re
import subprocess

from harness import processes
from harness.bench import Bench

PACKAGES = "packages"
TRACES = "traces"
# As `embedd traces init` declares it, and with as many dimensions as the bench asks for.
TRACES_TEXT = "{title}\\n{context_text}\\n{solution_text}"


def known_packages() -> list[tuple[str, str]]:
    """Names and descriptions, the short line first."""
    done = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True, errors="replace")
    found = {}
    for block in done.stdout.split("\n\n"):
        name = re.search(r"^Package: (\S+)$", block, re.MULTILINE)
        text = re.search(r"^Description(?:-en)?: (.*(?:\n .*)*)", block, re.MULTILINE)
        if name and text:
            found.setdefault(name[1], text[1].replace("\n .", "\n").replace("\0", ""))
    return sorted(found.items())


def load_packages(bench: Bench, packages: list[tuple[str, str]], dimensions: int) -> None:
    """The table `packages`; `bucket` is a number from 0 to 99, by chance."""
    bench.server.sql(
        "run",
        "CREATE TABLE packages (name text PRIMARY KEY, description text NOT NULL, bucket int NOT NULL,"
        f" embedding vector({dimensions}))",
    )

    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")

    chance = random.Random(11)
    rows = (f"{escaped(name)}\t{escaped(text)}\t{chance.randrange(100)}\n" for name, text in packages)
    path = bench.work / "packages"
    path.write_text("".join(rows))
    bench.server.script("run", f"\\copy packages (name, description, bucket) from '{path}'\n")


def load_traces(bench: Bench, dimensions: int) -> None:
    """The table `traces` with what samples/traces.sql inserts."""
    bench.server.sql(
        "run",
        "CREATE TABLE tags (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE)",
        "CREATE TABLE trace_tags (trace_id uuid, tag_id int, PRIMARY KEY (trace_id, tag_id))",
        "CREATE TABLE traces (id uuid PRIMARY KEY, title text, context_text text, solution_text text,"
        f" trust_score numeric, embedding vector({dimensions}))",
    )
    bench.server.script("run", (bench.root / "samples/traces.sql").read_text())


def embed(bench: Bench, table: str, text: str, environment: dict[str, str], *options: str) -> None:
    """A vectorizer of the table's name: all rows embedded, the index built if `options` ask for one, searched by words too."""
    create = ["vectorizer", "create", table, "--table", table, "--text", text, "--column", "embedding", *options]
    finish = ([f"vectorizer reindex {table}"] if "--index" in options else []) + [f"vectorizer text-search {table} english"]
    for command in (["migrate"], create, "worker --once".split(), *(words.split() for words in finish)):
        bench.say(" ".join(command))
        variables = {"DATABASE_URL": bench.server.url("run"), "EMBEDD_LOG_LEVEL": "warn", **environment}
        processes.run([bench.embedd, *command], variables).checked(" ".join(command[:2]))
