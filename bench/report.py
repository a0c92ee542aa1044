#!/usr/bin/env python3
"""Prints the table of a results file of ./dev bench as Markdown.

report.py [bench/results/FILE.json]; without a file, the newest.
"""

import json
import pathlib
import sys

from harness.figures import shown


def cells(figure: dict) -> list[str]:
    if figure["skipped"]:
        return [figure["part"], figure["name"], f"skipped: {figure['skipped']}", "", "", figure["command"]]
    value = shown(figure["value"]) + (f" {figure['unit']}" if figure["unit"] else "")
    spread = ""
    if len(figure["samples"]) > 1:
        spread = f"{shown(min(figure['samples']))} – {shown(max(figure['samples']))}"
    goal = figure["goal"].replace(">=", "≥").replace("<=", "≤")
    if figure["met"] is not None:
        goal += " ✓" if figure["met"] else " ✗"
    return [figure["part"], figure["name"], value, spread, goal, figure["command"]]


def machine(results: dict) -> str:
    machine, settings = results["machine"], results["postgresql"]
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, Linux {machine['kernel']};"
        f" PostgreSQL {settings['server_version']}, pgvector {settings['pgvector']}, fsync {settings['fsync']},"
        f" synchronous_commit {settings['synchronous_commit']}, shared_buffers {settings['shared_buffers']},"
        f" max_wal_size {settings['max_wal_size']}; load before {machine['load_before']:.2f};"
        f" commit {machine['commit']}; {results['date']}, median of {results['runs']} runs"
        + (", small sizes (--quick)" if results["quick"] else "")
    )


def table(results: dict) -> str:
    rows = [["part", "figure", "median", "runs", "goal", "command"]]
    rows += [cells(figure) for figure in results["figures"]]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---|---|---:|---|---|---|")
    return machine(results) + "\n\n" + "\n".join(lines) + "\n"


def newest() -> pathlib.Path:
    files = sorted((pathlib.Path(__file__).parent / "results").glob("*.json"))
    if not files:
        sys.exit("no results yet: run ./dev bench")
    return files[-1]


def main() -> None:
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else newest()
    print(table(json.loads(path.read_text())), end="")


if __name__ == "__main__":
    main()
