"""Searches over HTTP, on the descriptions of the packages that apt knows and the built-in embedder.

Recall: of the ten nearest rows by an exact search, how many a search with default settings finds, over all rows and
within filters that select 10 % and 1 % of them. Throughput: hybrid searches by wrk, query vectors cached, beside what
pgbench gets from the statements that the server sends, over as many sessions as the server has connections. wrk, the
server, pgbench and PostgreSQL share the machine. Takes minutes, so it runs only when it is named.
"""

import contextlib
import json
import os
import pathlib
import random
import re
import resource
import socket
import subprocess
import time

from harness import corpus, service
from harness.bench import Bench
from harness.service import Service

NAME = corpus.PACKAGES
DIMENSIONS = 512
CONNECTIONS = 4  # EMBEDD_SERVE_CONNECTIONS' default
CROWD = 2_000  # connections that send nothing, or half a head
STATEMENTS = 10  # of different queries, for pgbench
FILTERS = (("all rows", None), ("10 % of the rows", 10), ("1 % of the rows", 1))


def run(bench: Bench) -> None:
    packages = corpus.known_packages()[: bench.size(100_000, 2_000)]
    if len(packages) < 2_000:
        bench.skip("searches", f"apt knows only {len(packages)} packages: run apt-get update")
        return
    prepare(bench, packages)
    queries = [text.split("\n")[0][:200] for _, text in random.Random(7).sample(packages, 100)]
    server = Service(bench, {"EMBEDD_SERVE_REQUESTS_PER_TOKEN": "64", "EMBEDD_SERVE_CLIENTS": str(CROWD + 200)})
    for what, percent in FILTERS:
        found = [recall(server, query, percent) for query in queries]
        goal = ">= 0.95" if percent is None else ""
        bench.add(f"recall@10, {what}", "", [sum(found) / len(found)], goal, f"{len(packages):,} rows, 100 queries")
    warm(server, queries)
    measured = {clients: [] for clients in (1, 16, 64)}
    sessions = []
    statements = as_sent(bench, queries[:STATEMENTS])
    for _ in range(bench.runs):
        for clients, samples in measured.items():
            samples.append(load(bench, server, queries[:STATEMENTS], clients))
        sessions.append(pgbench(bench, statements))
    for clients, samples in measured.items():
        plural = "" if clients == 1 else "s"
        bench.add(f"hybrid, {clients} client{plural}", "searches/s", [sample["rate"] for sample in samples])
        bench.add(f"hybrid, {clients} client{plural}: p50", "ms", [sample["p50"] for sample in samples])
        bench.add(f"hybrid, {clients} client{plural}: p99", "ms", [sample["p99"] for sample in samples])
    bench.add(f"pgbench, {CONNECTIONS} sessions", "searches/s", sessions)
    alone, beside = [], []  # of no more clients than searches run at a time: a queue's p99 varies tenfold
    for _ in range(bench.runs):
        alone.append(load(bench, server, queries[:STATEMENTS], CONNECTIONS)["p99"])
        with crowd(server.port):
            beside.append(load(bench, server, queries[:STATEMENTS], CONNECTIONS)["p99"])
    bench.add_ratio(f"p99 of {CONNECTIONS} clients: beside {CROWD:,} idle and slow connections ÷ without", beside, alone, "<= 1.5")
    rates = [sample["rate"] for sample in measured[16]]
    bench.add_ratio("hybrid, 16 clients ÷ pgbench", rates, sessions, ">= 0.9")
    bench.add("memory of the server", "MiB", [server.stop() / 1024], "<= 64")


def prepare(bench: Bench, packages: list[tuple[str, str]]) -> None:
    bench.server.create("run")
    corpus.load_packages(bench, packages, DIMENSIONS)
    options = f"--dimensions {DIMENSIONS} --endpoint local --index hnsw".split()
    corpus.embed(bench, NAME, "{name}:{description}", {}, *options)
    bench.server.settle("run")


def recall(server: Service, query: str, percent: int | None) -> float:
    request = {"query": query, "mode": "vector", "columns": ["name"]}
    if percent is not None:
        request["filter"] = {"column": "bucket", "op": "<", "value": percent}
    near = server.search(NAME, **request, exact=True)["hits"]
    # Rows at the same distance as the tenth are as good as the tenth.
    farthest = min(hit["similarity"] for hit in near)
    found = server.search(NAME, **request)["hits"]
    return sum(hit["similarity"] >= farthest for hit in found) / len(near)


def warm(server: Service, queries: list[str]) -> None:
    for query in queries:
        server.search(NAME, query=query, columns=["name"])


def load(bench: Bench, server: Service, queries: list[str], clients: int) -> dict[str, float]:
    """What wrk sees: searches a second, and milliseconds."""
    bodies = ", ".join(json.dumps(json.dumps({"query": query, "columns": ["name"]})) for query in queries)
    script = bench.work / "searches.lua"
    script.write_text(
        f"local bodies = {{{bodies}}}\nlocal at = 0\n"
        'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
        "request = function() at = at % #bodies + 1; return wrk.format(nil, nil, nil, bodies[at]) end\n"
        "done = function(summary, latency)\n"
        '  io.write(string.format("RATE %f P50 %f P99 %f BAD %d\\n", summary.requests / summary.duration * 1e6,\n'
        "    latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.errors.status + summary.errors.timeout))\n"
        "end\n"
    )
    time.sleep(1)  # the searches that the clients before have given up still count
    command = ["wrk", "-t", "1", "-c", str(clients), "-d", f"{bench.size(10, 2)}s", "-s", script]
    done = subprocess.run([*command, f"http://127.0.0.1:{server.port}{service.path(NAME)}"], capture_output=True, text=True)
    found = re.search(r"RATE (\S+) P50 (\S+) P99 (\S+) BAD (\d+)", done.stdout)
    if not found or found[4] != "0":
        raise RuntimeError(f"wrk: {done.stdout}{done.stderr}{server.refusals()[-3:]}")
    return {"rate": float(found[1]), "p50": float(found[2]), "p99": float(found[3])}


@contextlib.contextmanager
def crowd(port: int):
    """Connections that are open meanwhile; the server gives each 30 s for its head."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, CROWD + 500), most))
    with contextlib.ExitStack() as open_ones:
        for number in range(CROWD):
            connection = open_ones.enter_context(socket.create_connection(("127.0.0.1", port)))
            if number % 2:
                connection.sendall(f"POST {service.path(NAME)} HTTP/1.1\r\nHost: ".encode())
        yield


def as_sent(bench: Bench, queries: list[str]) -> list[tuple[list[str], list[str]]]:
    """The statements of each query's search, from the log of PostgreSQL, and their parameters."""
    log = pathlib.Path(os.environ["EMBEDD_BENCH_LOG"])
    server = Service(bench, {"PGOPTIONS": "-c log_statement=all", "EMBEDD_SERVE_CONNECTIONS": "1"})
    warm(server, queries)  # the first search reads the catalog too
    searches = []
    for query in queries:
        before = log.stat().st_size
        server.search(NAME, query=query, columns=["name"])
        time.sleep(0.2)
        with log.open(errors="replace") as text:
            text.seek(before)
            lines = text.read()
        statements = re.findall(r"LOG:  (?:execute [^:]*|statement): (.*?)(?=\n\d{4}-\d\d-\d\d )", lines + "\n2000-01-01 ", re.DOTALL)
        parameters = re.findall(r"\$\d+ = '((?:[^']|'')*)'", lines)
        if len(statements) != 2:
            raise RuntimeError(f"the settings and the search were to be logged: {lines}")
        searches.append((statements, [value.replace("''", "'") for value in parameters]))
    server.stop()
    return searches


def pgbench(bench: Bench, searches: list[tuple[list[str], list[str]]]) -> float:
    """Transactions a second of the same statements, prepared, each search in one round trip."""
    command = [bench.server.pgbench, "-n", "-M", "prepared", "-c", str(CONNECTIONS), "-T", str(bench.size(10, 2))]
    for number, (statements, parameters) in enumerate(searches):
        text = ";\n".join(statements)
        for place in range(len(parameters), 0, -1):
            text = text.replace(f"${place}", f":p{number}_{place}")
            command += ["-D", f"p{number}_{place}={parameters[place - 1]}"]
        script = bench.work / f"search_{number}.sql"
        script.write_text(f"\\startpipeline\n{text};\n\\endpipeline\n")
        command += ["-f", script]
    done = subprocess.run([*command, bench.server.url("run")], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"pgbench: {done.stderr}")
    return float(re.search(r"tps = ([0-9.]+)", done.stdout)[1])
