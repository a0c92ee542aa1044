"""Children, with what they cost: wall time, CPU time, the most memory that was resident."""

import dataclasses
import os
import pathlib
import subprocess
import tempfile
import threading
import time


# A proxy would stand between a contestant and a provider on loopback.
THEIRS = ("EMBEDD_", "OPENAI_", "DATABASE_URL", "PG", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@dataclasses.dataclass
class Run:
    """How a child ended, and what it cost."""

    status: int
    seconds: float
    cpu_seconds: float  # user and system, of the child and its own children
    peak_rss_kib: int  # VmHWM as last seen; 0 if not asked for
    output: str

    def checked(self, what: str, *fine: int) -> "Run":
        """Itself, if the status is 0 or one of `fine`."""
        if self.status not in (0, *fine):
            raise RuntimeError(f"{what} ended with status {self.status}:\n{self.output[-3000:]}")
        return self


class Child:
    """A process that runs beside us, its output in a file; wait() says what it cost."""

    def __init__(self, argv: list, env: dict[str, str], watch_memory: bool = False, cwd: str = "/"):
        self._log = tempfile.TemporaryFile()
        self._peak_rss_kib = 0
        self._ended = threading.Event()
        self._began = time.perf_counter()
        self._process = subprocess.Popen(
            [str(word) for word in argv],
            env={**base_environment(), **env},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._watcher = threading.Thread(target=self._watch, daemon=True) if watch_memory else None
        if self._watcher:
            self._watcher.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def terminate(self) -> None:
        self._process.terminate()

    def wait(self) -> Run:
        # Not waitpid with a timeout: Python would poll, and be late by up to 50 ms.
        _, status, usage = os.wait4(self.pid, 0)
        seconds = time.perf_counter() - self._began
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._ended.set()
        if self._watcher:
            self._watcher.join()
        self._log.seek(0)
        output = self._log.read().decode(errors="replace")
        cpu_seconds = usage.ru_utime + usage.ru_stime
        return Run(self._process.returncode, seconds, cpu_seconds, self._peak_rss_kib, output)

    def output(self) -> str:
        """What it has written so far. The child writes at the file's position, so that stays where it is."""
        return os.pread(self._log.fileno(), os.fstat(self._log.fileno()).st_size, 0).decode(errors="replace")

    def peak_rss_kib(self) -> int:
        """VmHWM, the kernel's own maximum. (ru_maxrss would hold what Python had before the exec.)"""
        try:
            for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1])
        except OSError:
            pass
        return 0

    def _watch(self) -> None:
        while not self._ended.is_set():
            self._peak_rss_kib = max(self._peak_rss_kib, self.peak_rss_kib())
            self._ended.wait(0.02)


def run(argv: list, env: dict[str, str] | None = None, watch_memory: bool = False, cwd: str = "/") -> Run:
    return Child(argv, env or {}, watch_memory, cwd).wait()


def base_environment() -> dict[str, str]:
    """Ours, without what a person has set for their own embedd or database."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(THEIRS)}


def cpu_seconds_of(pid: int) -> float:
    """CPU time of a process that is still running."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
