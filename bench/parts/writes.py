"""What users pay: 5,000 rows inserted, their text changed, another column changed, with the vectorizer and without."""

import re

from harness.bench import Bench
from harness.contestants import Embedd, load

ROWS = 5_000
TIME = re.compile(r"^Time: ([0-9.]+) ms", re.MULTILINE)

# Each statement on a fresh table whose rows wait for nothing, as they do most of the time.
INSERT = f"INSERT INTO items (id, body) SELECT id, body FROM texts WHERE id <= {ROWS}"
TEXT = "UPDATE items SET body = body || ' and more'"
OTHER = "UPDATE items SET note = note + 1"
VECTORS = "UPDATE items SET embedding = array_fill(random()::real, ARRAY[1536])::vector"
ONE = f"\\set id random(1, {ROWS})\nUPDATE items SET note = note + 1 WHERE id = :id;\n"


def run(bench: Bench) -> None:
    embedd, server = Embedd(bench), bench.server
    databases = ("plain", "watched", "triggered")
    for database in databases:
        server.create(database)
    embedd.prepare("watched")
    for database in databases:
        load(bench, database, ROWS, 1000)
        server.sql(database, "CREATE TABLE texts AS SELECT id, body FROM items", "TRUNCATE items")
        server.settle(database)
    server.sql(
        "triggered",
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER nothing AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION nothing()",
    )

    statements = ("INSERT", "text UPDATE", "other UPDATE", "other UPDATE, one row")
    times = {database: {name: [] for name in statements} for database in databases}
    for repetition in range(bench.runs * 5):
        for database in databases if repetition % 2 == 0 else reversed(databases):
            for name, milliseconds in zip(statements, measure(bench, database), strict=True):
                times[database][name].append(milliseconds)
    for name in ("INSERT", "text UPDATE"):
        bench.add_ratio(f"{name} of {ROWS:,} rows, with ÷ without", times["watched"][name], times["plain"][name])
        extra = [a - b for a, b in zip(times["watched"][name], times["plain"][name], strict=True)]
        bench.add(f"{name}, extra per row", "µs", [value * 1000 / ROWS for value in extra])
    labels = {"other UPDATE": f"{ROWS:,} rows at once", "other UPDATE, one row": "one row in a transaction"}
    for name, rows in labels.items():
        label = f"UPDATE of another column, {rows}"
        bench.add_ratio(f"{label}, with ÷ without", times["watched"][name], times["plain"][name], goal="<= 1.1")
        bench.add_ratio(f"{label}, empty trigger ÷ without", times["triggered"][name], times["plain"][name])


def measure(bench: Bench, database: str) -> list[float]:
    """Milliseconds of the four statements: three as psql times them, the fourth on average."""
    forget = "DELETE FROM embedd.queue_1;\n" if database == "watched" else ""
    output = bench.server.script(
        database,
        "TRUNCATE items;\nVACUUM items;\nCHECKPOINT;\n"
        f"\\timing on\n{INSERT};\n\\timing off\n{forget}VACUUM ANALYZE items;\n"
        f"\\timing on\n{TEXT};\n\\timing off\n{VECTORS};\n{forget}VACUUM ANALYZE;\nCHECKPOINT;\n"
        f"\\timing on\n{OTHER};\n\\timing off\n",
    )
    return [*(float(time) for time in TIME.findall(output)), bench.server.each(database, ONE, 4000)]
