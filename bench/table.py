#!/usr/bin/env python3
"""The table of ./dev bench: runs the parts named, or those of the standard set; prints their figures as one table, and
keeps them as JSON in bench/results. Called by scripts/bench, which starts the private PostgreSQL."""

import argparse
import datetime
import importlib
import json
import os
import pathlib
import sys
import tempfile
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import report
from harness import machine
from harness.bench import Bench
from harness.database import Server

STANDARD = tuple("throughput budget sizes latency peers workers growth memory freshness writes chunks switch".split())
NAMED_ONLY = ("index", "fleet", "horizon", "walks", "slow", "search", "judged")  # take minutes


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(STANDARD + NAMED_ONLY))
    parser.add_argument("--runs", type=int, default=3, help="of which the median counts (3)")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works, not how fast")
    parser.add_argument("--host-kind", help="for the name of the results file (cores and memory)")
    parser.add_argument("--no-fsync", action="store_true", help="PostgreSQL does not wait for the disk")
    parser.add_argument("--no-results", action="store_true", help="keep no results file")
    options = parser.parse_args()
    for part in options.parts:
        if part not in STANDARD + NAMED_ONLY:
            parser.error(f"no such part: {part} (there are {', '.join(STANDARD + NAMED_ONLY)}, micro)")
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    return options


def run_parts(bench: Bench, parts: list[str]) -> list[str]:
    """Runs them all; those that failed. One that fails is no reason to lose the others' figures."""
    failed = []
    for part in parts:
        bench.part = part
        bench.say("begins")
        try:
            importlib.import_module(f"parts.{part}").run(bench)
        except Exception:
            traceback.print_exc()
            failed.append(part)
        bench.server.drop_all()
    return failed


def keep(results: dict, root: pathlib.Path, kind: str) -> pathlib.Path:
    path = root / "bench/results" / f"{results['date']}-{kind}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    return path


def main() -> int:
    options = arguments()
    root = pathlib.Path(__file__).resolve().parent.parent
    server = Server(os.environ["EMBEDD_BENCH_DATABASE_URL"], os.environ["EMBEDD_BENCH_PSQL"])
    results = {
        "date": datetime.date.today().isoformat(),
        "runs": options.runs,
        "quick": options.quick,
        "machine": machine.describe(root),
        "postgresql": server.settings(),
    }
    with tempfile.TemporaryDirectory(prefix="embedd-bench.") as work:
        bench = Bench(options, server, root, pathlib.Path(work))
        try:
            failed = run_parts(bench, options.parts or list(STANDARD))
        finally:
            bench.provider.stop()
    results["figures"] = [figure.as_json() for figure in bench.figures]
    print(report.table(results), end="", flush=True)
    if not options.no_results:
        described = results["machine"]
        kind = options.host_kind or f"{described['cores']}-cores-{round(described['memory_gib'])}-gib"
        unusual = [*options.parts]
        unusual += ["quick"] if options.quick else []
        unusual += ["no-fsync"] if results["postgresql"]["fsync"] == "off" else []
        kind = "-".join([kind, *unusual])
        print(f"kept in {keep(results, root, kind).relative_to(root)}", file=sys.stderr)
    for part in failed:
        print(f"error: {part} failed; its message is above", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
