"""One run of the bench: the tools it drives, the sizes it uses, the figures it has so far."""

import argparse
import pathlib
import sys
import time

from harness.database import Server
from harness.figures import Figure, ratios, shown
from harness.provider import Provider

DIMENSIONS = 1536
MODEL = "text-embedding-3-small"


class Bench:
    """What a part is given to run with."""

    def __init__(self, options: argparse.Namespace, server: Server, root: pathlib.Path, work: pathlib.Path):
        self.server = server
        self.root = root
        self.work = work  # our own directory, for texts
        self.build = root / "build/bench"
        self.runs: int = options.runs
        self.quick: bool = options.quick
        self.provider = Provider(self.scripted_provider, DIMENSIONS)
        self.figures: list[Figure] = []
        self.part = ""
        self._began = time.monotonic()

    @property
    def embedd(self) -> pathlib.Path:
        return self.build / "src/embedd"

    @property
    def scripted_provider(self) -> pathlib.Path:
        return self.build / "tests/scripted_provider"

    def tool(self, name: str) -> pathlib.Path:
        return self.build / "bench" / name

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:6.1f} s] {self.part}: {text}", file=sys.stderr, flush=True)

    def add(self, name: str, unit: str, samples: list[float], goal: str = "", note: str = "") -> Figure:
        figure = Figure(self.part, name, unit, samples, goal, note)
        self.figures.append(figure)
        remarks = (f" (goal {goal})" if goal else "") + (f"; {note}" if note else "")
        self.say(f"{name}: {shown(figure.value)} {unit}{remarks}")
        return figure

    def add_ratio(
        self, name: str, above: list[float], below: list[float], goal: str = "", unit: str = "×", note: str = ""
    ) -> Figure:
        return self.add(name, unit, ratios(above, below), goal, note)

    def skip(self, name: str, why: str) -> None:
        self.figures.append(Figure(self.part, name, "", [], skipped=why))
        self.say(f"{name}: skipped: {why}")
