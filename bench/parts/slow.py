"""Model servers on a CPU: one request after another, at 5, 40 and 400 texts a second, for one worker and for four.

How much of the server's pace is used after the first 20 seconds, how much it computes for nobody, and how long a live
change waits while a backfill keeps it busy. Then one that computes eight at a time, and one that slows down to a tenth
for a minute. All of them run at the same time, for hardly anybody works: the servers' pace is waited for. Takes minutes,
so it runs only when it is named; once, whatever --runs says.
"""

import dataclasses
import json
import re
import time
import urllib.request
from collections.abc import Callable

from harness import processes
from harness.bench import DIMENSIONS, Bench
from harness.contestants import Embedd, load
from harness.figures import percentile
from harness.metrics import Worker
from harness.provider import Provider
from parts.freshness import ANNOUNCE, FIRST_PROBE

LENGTH = 50
WARM_UP_SECONDS = 20
PROBE_PAUSE_MS = 4_000
ABANDONED = re.compile(r"^embedd_inputs_abandoned_total(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Setting:
    texts_per_second: float
    workers: int
    parallel: int = 1
    slows_down: bool = False  # to a tenth, for the minute after the warm-up

    @property
    def name(self) -> str:
        server = f"{self.texts_per_second:g} texts/s"
        server += f", {self.parallel} at a time" if self.parallel > 1 else ""
        server += ", a tenth of it for a minute" if self.slows_down else ""
        return f"{server}, {self.workers} worker{'s' if self.workers > 1 else ''}"


SETTINGS = (
    *(Setting(pace, workers) for pace in (5, 40, 400) for workers in (1, 4)),
    Setting(40, 1, parallel=8),
    Setting(40, 1, slows_down=True),
    Setting(40, 4, slows_down=True),
)


def run(bench: Bench) -> None:
    span = bench.size(120, 20)
    slow_for = bench.size(60, 15)
    embedd = Embedd(bench)
    runs: list[Run] = []
    try:
        for setting in SETTINGS:
            runs.append(Run(bench, embedd, setting, 2 * WARM_UP_SECONDS + slow_for + span))
        for one in runs:
            one.start()
        wait(bench, "to settle in", WARM_UP_SECONDS)
        each(runs, lambda one: one.setting.slows_down, lambda one: one.set_pace(0.1))
        each(runs, lambda one: not one.setting.slows_down, Run.begin)
        wait(bench, "while some are slow", slow_for)
        each(runs, lambda one: one.setting.slows_down, lambda one: one.set_pace(1))
        wait(bench, "to settle in again", WARM_UP_SECONDS)
        each(runs, lambda one: one.setting.slows_down, Run.begin)
        wait(bench, "that count", span)
        for one in runs:
            one.end()
        for one in runs:
            one.report(bench)
    finally:
        for one in runs:
            one.stop()


def wait(bench: Bench, what: str, seconds: float) -> None:
    bench.say(f"{seconds:g} s {what}")
    time.sleep(seconds)


def each(runs: list["Run"], which: Callable[["Run"], bool], do: Callable[["Run"], None]) -> None:
    for one in runs:
        if which(one):
            do(one)


class Run:
    """A server, the workers that use it, their database, and a user who changes a row now and then."""

    def __init__(self, bench: Bench, embedd: Embedd, setting: Setting, seconds: float):
        self.setting = setting
        self._workers: list[Worker] = []
        self._probe: processes.Child | None = None
        self._seconds = seconds
        name = "slow_" + "_".join(re.findall(r"[a-z0-9]+", setting.name))
        bench.server.create(name)
        # The rows are there before the vectorizer is, so they come through the walk, as a backfill does.
        load(bench, name, round(setting.texts_per_second * seconds * 1.1) + 1_000, LENGTH)
        embedd.declare(name)
        bench.server.sql(name, *ANNOUNCE)
        bench.server.settle(name)
        pace = ("--texts-per-second", setting.texts_per_second, "--parallel", setting.parallel)
        self._provider = Provider(bench.scripted_provider, DIMENSIONS, *pace)
        self._environment = embedd.environment(name) | {"OPENAI_BASE_URL": self._provider.base_url}
        self._argv, self._cwd = [bench.embedd, "worker"], str(bench.work)
        self._probe_argv = [bench.tool("freshness"), "--database", bench.server.url(name)]
        self._probe_argv += ["--first-id", FIRST_PROBE, "--text-bytes", LENGTH, "--pause-ms", PROBE_PAUSE_MS]

    def start(self) -> None:
        for _ in range(self.setting.workers):
            self._workers.append(Worker(self._argv, self._environment, self._cwd))

    def set_pace(self, share: float) -> None:
        self._provider.set_texts_per_second(self.setting.texts_per_second * share)

    def begin(self) -> None:
        self._before, self._began = self._provider.stats(), time.perf_counter()
        # At worst a change waits for some ten seconds, and the next comes after the pause.
        rows = max(3, round(self._seconds / 25))
        self._probe = processes.Child([*self._probe_argv, "--rows", rows], {})

    def end(self) -> None:
        self._after, self._ended = self._provider.stats(), time.perf_counter()

    def report(self, bench: Bench) -> None:
        name = self.setting.name
        inputs = self._after["inputs"] - self._before["inputs"]
        share = inputs / (self._ended - self._began) / self.setting.texts_per_second
        bench.add(f"{name}: share of its pace", "×", [share], goal=">= 0.9")
        abandoned = self._after["abandoned"] / self._after["inputs"]
        given_up = sum(metric(worker) for worker in self._workers)
        note = f"{given_up:g} inputs given up by the workers; {self._after['repeated_texts']} computed twice"
        bench.add(f"{name}: computed for nobody", "%", [abandoned * 100], goal="<= 1", note=note)
        times = [value / 1e6 for value in json.loads(self._probe.wait().checked("freshness").output)["microseconds"]]
        bench.add(f"{name}: freshness of a live change, p50", "s", [percentile(times, 0.5)])
        bench.add(f"{name}: freshness of a live change, worst", "s", [max(times)], note=f"{len(times)} changes")

    def stop(self) -> None:
        for worker in self._workers:
            worker.stop()
        self._provider.stop()


def metric(worker: Worker) -> float:
    with urllib.request.urlopen(worker.url, timeout=5) as answer:
        return sum(float(count) for count in ABANDONED.findall(answer.read().decode()))
