"""A store of chunks: how fast texts of 1 MB are cut, embedded and swapped in, and what an edit of one word costs."""

import pathlib
import random

from harness.bench import Bench
from harness.contestants import Embedd
from harness.texts import WORDS

RULE = "recursive:400"


class Store(Embedd):
    """The vectorizer has a store, for which it cuts the texts."""

    def __init__(self, bench: Bench):
        super().__init__(bench)
        self.name = "embedd_store"

    def declare(self, database: str) -> None:
        self.run(database, "migrate")
        create = f"vectorizer create items --table items --text {{body}} --store --chunk {RULE}".split()
        self.run(database, *create)


def write(path: pathlib.Path, rows: int, length: int) -> None:
    """A file for COPY: id, tab, text of paragraphs of some 60 words."""
    pick = random.Random(length)
    with path.open("w", encoding="ascii") as file:
        for row in range(1, rows + 1):
            paragraphs, size = [], 0
            while size < length:
                words = pick.choices(WORDS, k=pick.randrange(30, 90))
                paragraphs.append(f"{' '.join(words).capitalize()} {row}.")
                size += len(paragraphs[-1]) + 2
            file.write(f"{row}\t" + r"\n\n".join(paragraphs) + "\n")


def run(bench: Bench) -> None:
    rows, length = bench.size(24, 3), 1_000_000
    bench.provider.set_latency(0)
    store, server = Store(bench), bench.server
    start_up = store.start_up()
    path = bench.work / f"long_texts_{rows}"
    write(path, rows, length)
    seconds, cpu, chunks = [], [], 0
    for _ in range(bench.runs):
        store.prepared("run")
        server.script("run", f"\\copy items (id, body) FROM '{path}'\n")
        server.settle("run")
        done = store.run("run", "worker", "--once")
        chunks = int(server.number("run", "SELECT count(*) FROM items_embedding_store"))
        seconds.append(done.seconds - start_up.seconds)
        cpu.append((done.cpu_seconds - start_up.cpu_seconds) / chunks * 1e6)
    note = f"{rows} texts, {chunks:,} chunks, {RULE}"
    bench.add("chunked texts of 1 MB", "texts/s", [rows / each for each in seconds], note=note)
    bench.add("chunks cut, embedded and stored", "chunks/s", [chunks / each for each in seconds])
    bench.add("worker CPU per chunk", "µs", cpu)

    before = bench.provider.stats()["inputs"]
    edits = min(rows, 10)
    server.sql("run", f"UPDATE items SET body = overlay(body PLACING 'changed' FROM 500000 FOR 7) WHERE id <= {edits}")
    store.run("run", "worker", "--once")
    bought = (bench.provider.stats()["inputs"] - before) / edits
    bench.add("chunks bought for a word changed in 1 MB", "chunks", [bought], goal="<= 2")
