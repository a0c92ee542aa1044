"""A running worker's own count of stored rows, polled from /metrics, as a curve over time."""

import itertools
import re
import socket
import time
import urllib.request

from harness import processes

ROWS = re.compile(r"^embedd_rows_embedded_total(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)
PERIOD_SECONDS = 0.05


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Curve:
    """Rows stored, by time."""

    def __init__(self) -> None:
        self.points: list[tuple[float, float]] = []

    def add(self, rows: float) -> None:
        self.points.append((time.perf_counter(), rows))

    @property
    def rows(self) -> float:
        return self.points[-1][1] if self.points else 0

    def at(self, rows: float) -> float:
        """When so many rows were stored: between two points, on the line."""
        for (before, low), (after, high) in itertools.pairwise(self.points):
            if low <= rows <= high and high > low:
                return before + (after - before) * (rows - low) / (high - low)
        raise RuntimeError(f"the curve does not reach {rows:.0f} rows")

    def rate(self, first: float, last: float) -> float:
        return (last - first) / (self.at(last) - self.at(first))


class Worker:
    """A worker that stays, and its curve."""

    def __init__(self, argv: list, env: dict[str, str], cwd: str, watch_memory: bool = False):
        self.url = f"http://127.0.0.1:{(port := free_port())}/metrics"
        env = {**env, "EMBEDD_HTTP": f"127.0.0.1:{port}"}
        self.child = processes.Child(argv, env, watch_memory, cwd)
        self.curve = Curve()

    def poll(self) -> float:
        try:
            with urllib.request.urlopen(self.url, timeout=5) as answer:
                counts = ROWS.findall(answer.read().decode())
            self.curve.add(sum(float(count) for count in counts))
        except OSError:
            pass  # not up yet
        return self.curve.rows

    def follow(self, rows: float, patience_seconds: float) -> None:
        """Until so many rows are stored."""
        deadline = time.monotonic() + patience_seconds
        while self.poll() < rows:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.curve.rows:.0f} of {rows:.0f} rows after {patience_seconds:.0f} s")
            time.sleep(PERIOD_SECONDS)

    def stop(self) -> processes.Run:
        self.child.terminate()
        return self.child.wait()
