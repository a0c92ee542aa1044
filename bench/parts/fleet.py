"""Four workers on one database and one account, at a provider that enforces its limits per minute.

Together they should use what the account allows, be refused hardly ever, and share it evenly. Once with tokens scarce,
once with requests; both at the same time, for each has a database and a provider of its own, and hardly anybody works:
a limit is waited for. Takes minutes, so it runs only when it is named; once, whatever --runs says.
"""

import dataclasses
import itertools
import time

from harness.bench import DIMENSIONS, Bench
from harness.contestants import Embedd, load
from harness.metrics import Worker
from harness.provider import Provider

WORKERS = 4
LENGTH = 1000
TOKENS = LENGTH // 4  # as the provider counts them
LATENCY_MS = 100
BURST_SECONDS = 10  # of the allowance, which the provider refills all the time, may be used at once
PERIOD_SECONDS = 0.05


@dataclasses.dataclass(frozen=True)
class Setting:
    """An account that is short of one thing."""

    scarce: str  # tokens or requests
    per_minute: int
    rows_per_second: float  # what that comes to
    environment: dict[str, str]  # of the workers


SETTINGS = (
    Setting("tokens", 6_000_000, 6_000_000 / 60 / TOKENS, {}),
    Setting("requests", 600, 600 / 60 * 16, {"EMBEDD_BATCH_INPUTS": "16"}),
)


@dataclasses.dataclass(frozen=True)
class Moment:
    """What the provider has seen by then."""

    at: float
    requests: int
    refused: int  # with 429
    answered: int
    inputs: int
    tokens: int


def run(bench: Bench) -> None:
    warm_up, span = bench.size(30, 8), bench.size(180, 20)
    embedd = Embedd(bench)
    fleets: list[Fleet] = []
    try:
        for setting in SETTINGS:
            fleets.append(Fleet(bench, embedd, setting, warm_up + span))
        for fleet in fleets:
            fleet.start()
        bench.say(f"{warm_up} s to settle in, then {span} s that count")
        watch(fleets, warm_up)
        for fleet in fleets:
            fleet.begin()
        watch(fleets, span)
        for fleet in fleets:
            fleet.report(bench)
    finally:
        for fleet in fleets:
            fleet.stop()


def watch(fleets: list["Fleet"], seconds: float) -> None:
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        time.sleep(PERIOD_SECONDS)
        for fleet in fleets:
            fleet.look()


class Fleet:
    """Four workers, their database, their provider."""

    def __init__(self, bench: Bench, embedd: Embedd, setting: Setting, seconds: float):
        self._setting = setting
        self._workers: list[Worker] = []
        self._stored_before: list[float] = []
        self._moments: list[Moment] = []
        self._began = 0  # index of the first moment that counts
        database = f"fleet_{setting.scarce}"
        embedd.prepared(database)
        # Enough for all that time, the burst at its beginning, and some more.
        self._rows = round((seconds + BURST_SECONDS) * setting.rows_per_second * 1.1) + 1_000
        load(bench, database, self._rows, LENGTH)
        bench.server.settle(database)
        limit = (f"--{setting.scarce}-per-minute", setting.per_minute, "--burst-seconds", BURST_SECONDS)
        self._provider = Provider(bench.scripted_provider, DIMENSIONS, *limit)
        self._provider.set_latency(LATENCY_MS)
        self._environment = embedd.environment(database) | setting.environment
        self._environment["OPENAI_BASE_URL"] = self._provider.base_url
        self._argv, self._cwd = [bench.embedd, "worker"], str(bench.work)

    def start(self) -> None:
        for _ in range(WORKERS):
            self._workers.append(Worker(self._argv, self._environment, self._cwd))

    def look(self) -> None:
        stats = self._provider.stats()
        refused = stats["statuses"].get("429", 0)
        counts = (stats[name] for name in ("answered", "inputs", "tokens"))
        self._moments.append(Moment(time.perf_counter(), stats["requests"], refused, *counts))

    def begin(self) -> None:
        self._began = len(self._moments) - 1
        self._stored_before = [worker.poll() for worker in self._workers]

    def report(self, bench: Bench) -> None:
        stored = [worker.poll() - before for worker, before in zip(self._workers, self._stored_before, strict=True)]
        moments = self._moments[self._began :]
        before, after = moments[0], moments[-1]
        if after.inputs >= self._rows:
            raise RuntimeError(f"short of {self._setting.scarce}: all {self._rows} rows are embedded already")
        short_of = f"{WORKERS} workers short of {self._setting.scarce}"
        refused = (after.refused - before.refused) / (after.requests - before.requests)
        note = f"{before.refused} of {before.requests} before, while they learned the limit"
        bench.add(f"{short_of}: answered 429", "%", [refused * 100], goal="<= 1", note=note)

        first, last = answer_to_answer(moments)
        seconds = last.at - first.at
        used = {"tokens": last.tokens - first.tokens, "requests": last.answered - first.answered}[self._setting.scarce]
        share = used / (self._setting.per_minute * seconds / 60)
        bench.add(f"{short_of}: used of the limit", "%", [share * 100], goal=">= 95", note=f"of {seconds:.1f} s")
        rows = (last.inputs - first.inputs) / (last.answered - first.answered)
        bench.add(f"{short_of}: rows per request", "rows", [rows])

        mean = sum(stored) / WORKERS
        bench.add(f"{short_of}: least rows of a worker ÷ mean", "×", [min(stored) / mean])
        bench.add(f"{short_of}: most rows of a worker ÷ mean", "×", [max(stored) / mean])

    def stop(self) -> None:
        for worker in self._workers:
            worker.stop()
        self._provider.stop()


def answer_to_answer(moments: list[Moment]) -> tuple[Moment, Moment]:
    """The first and the last moment at which an answer had just been given: between them are whole requests, so it does
    not matter that a request may be worth more than a second of the limit."""
    changes = [now for before, now in itertools.pairwise(moments) if now.answered > before.answered]
    if len(changes) < 2:
        raise RuntimeError("the provider has answered hardly anything")
    return changes[0], changes[-1]
