"""How good the hits of hybrid searches are beside those of each leg alone, by queries that people have judged.

The queries are those of bench/judged/queries.json, over the packages that apt knows and the sample traces. With the
built-in embedder always; with an OpenAI-compatible server if OPENAI_API_KEY or OPENAI_BASE_URL is set (EMBEDD_BENCH_MODEL,
EMBEDD_BENCH_DIMENSIONS: its model), which embeds every package once. The legs are compared with every vector compared;
what the vector index then costs is a figure of its own. Takes minutes, so it runs only when it is named.
"""

import os
import statistics

from harness import corpus, judged
from harness.bench import DIMENSIONS, MODEL, Bench
from harness.judged import Query
from harness.service import Service

LEGS = ("vector", "text")
MODES = ("hybrid", *LEGS)
NAMES = {corpus.PACKAGES: "name", corpus.TRACES: "title"}
PACKAGES_TEXT = "{name}: {description}"


def run(bench: Bench) -> None:
    queries = judged.read(bench.root / "bench/judged/queries.json")
    packages = corpus.known_packages()
    if bench.quick:
        wanted = {name for query in queries for name in query.grades}
        packages = [(name, text) for place, (name, text) in enumerate(packages) if name in wanted or place % 30 == 0]
    missing(bench, queries, {name for name, _ in packages})
    measure(bench, "built-in embedder", packages, queries, 512, {}, "--endpoint", "local")
    settings = {name: value for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL") if (value := os.environ.get(name))}
    if not settings:
        bench.skip("another embedder", "no endpoint is configured: set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own")
        return
    model = os.environ.get("EMBEDD_BENCH_MODEL", MODEL)
    dimensions = int(os.environ.get("EMBEDD_BENCH_DIMENSIONS", DIMENSIONS))
    # A server of one's own takes any key, but rows wait as long as there is none.
    measure(bench, model, packages, queries, dimensions, {"OPENAI_API_KEY": "none", **settings}, "--model", model)


def missing(bench: Bench, queries: list[Query], known: set[str]) -> None:
    grades = [item for query in queries if query.corpus == corpus.PACKAGES for item in query.grades.items()]
    every, relevant = {name for name, _ in grades}, {name for name, grade in grades if grade > 0}
    bench.add(f"judged packages that apt does not know, of {len(every):,}", "", [len(every - known)])
    bench.add(f"the same of those with a grade above 0, of {len(relevant):,}", "", [len(relevant - known)])


def measure(
    bench: Bench, embedder: str, packages: list, queries: list[Query], dimensions: int, environment: dict, *endpoint: str
) -> None:
    bench.server.create("run")
    corpus.load_packages(bench, packages, dimensions)
    corpus.load_traces(bench, dimensions)
    # pgvector's HNSW takes 2,000 dimensions of full precision.
    options = ("--dimensions", str(dimensions), "--index", "hnsw" if dimensions <= 2_000 else "halfvec", *endpoint)
    corpus.embed(bench, corpus.PACKAGES, PACKAGES_TEXT, environment, *options)
    corpus.embed(bench, corpus.TRACES, corpus.TRACES_TEXT, environment, *options)
    bench.server.settle("run")
    titles = bench.server.sql("run", "SELECT title FROM traces").splitlines()
    rows = {corpus.PACKAGES: {name for name, _ in packages}, corpus.TRACES: set(titles)}
    judgeable = [known for query in queries if (known := query.among(rows[query.corpus])).relevant]
    server = Service(bench, environment)
    answered = [(query, {mode: names(query, search(server, query, mode, exact=True)) for mode in MODES}) for query in judgeable]
    for name in rows:
        legs(bench, f"{embedder}, {name}", [(query, hits) for query, hits in answered if query.corpus == name], whole=True)
    for kind in judged.KINDS:
        those = [(query, hits) for query, hits in answered if query.corpus == corpus.PACKAGES and query.kind == kind]
        legs(bench, f"{embedder}, packages by {kind}", those, whole=False)
        index(bench, server, f"{embedder}, packages by {kind}", [query for query, _ in those])
    server.stop()


def legs(bench: Bench, what: str, answered: list[tuple[Query, dict]], whole: bool) -> None:
    """Hybrid beside each leg; with `whole`, also the recall, and a goal."""
    if not answered:
        bench.skip(what, "apt knows none of the judged packages: run apt-get update")
        return
    queries = [query for query, _ in answered]
    hits = {mode: [found[mode] for _, found in answered] for mode in MODES}
    for metric, score in (("nDCG@10", Query.ndcg), ("recall@10", Query.recall))[: 2 if whole else 1]:
        means = {mode: mean(score, queries, hits[mode]) for mode in MODES}
        for mode in MODES:
            bench.add(f"{what}: {metric}, {mode}", "", [means[mode]], note=note(queries, hits[mode]))
        better = max(LEGS, key=means.get)
        name, goal = f"{what}: {metric}, hybrid ÷ the better leg ({better})", ">= 1" if whole else ""
        bench.add_ratio(name, [means["hybrid"]], [means[better]], goal)


def index(bench: Bench, server: Service, what: str, queries: list[Query]) -> None:
    """What a search with default settings loses by the vector index."""
    if not queries:
        return
    found = []
    for query in queries:
        near = search(server, query, "vector", exact=True)
        # Rows at the same distance as the tenth are as good as the tenth.
        farthest = min(hit["similarity"] for hit in near)
        found.append(sum(hit["similarity"] >= farthest for hit in search(server, query, "vector")) / len(near))
    bench.add(f"{what}: found by the vector index, of the ten nearest", "", [statistics.mean(found)])
    hits = [names(query, search(server, query, "hybrid")) for query in queries]
    bench.add(f"{what}: nDCG@10, hybrid, with the vector index", "", [mean(Query.ndcg, queries, hits)], note=note(queries, hits))


def search(server: Service, query: Query, mode: str, **more) -> list[dict]:
    request = {"query": query.text, "mode": mode, "k": judged.FIRST, "columns": [NAMES[query.corpus]], "deadline_ms": 30_000}
    reply = server.search(query.corpus, **request, **more)
    if reply["degraded"]:
        raise RuntimeError(f"{query.text!r}, {mode}: {reply['degraded']}")
    return reply["hits"]


def names(query: Query, hits: list[dict]) -> list[str]:
    return [hit["row"][NAMES[query.corpus]] for hit in hits]


def mean(score, queries: list[Query], hits: list[list[str]]) -> float:
    return statistics.mean(score(query, found) for query, found in zip(queries, hits, strict=True))


def note(queries: list[Query], hits: list[list[str]]) -> str:
    given = sum(len(found) for found in hits)
    unjudged = sum(query.unjudged(found) for query, found in zip(queries, hits, strict=True))
    empty = sum(not found for found in hits)
    return f"{len(queries)} queries, {empty} without hits; {unjudged} of {given} hits not judged"
