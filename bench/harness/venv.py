"""The Python that the peers run in: build/bench-venv, made on first use from bench/requirements.txt."""

import hashlib
import pathlib
import subprocess
import sys

PGAI = "pgai==0.12.1"


class Venv:
    """Made when it is first asked for; once made, it is kept."""

    def __init__(self, root: pathlib.Path):
        self._dir = root / "build/bench-venv"
        self._requirements = root / "bench/requirements.txt"

    def python(self) -> str:
        """Its interpreter. Raises RuntimeError with pip's last line where it cannot be made."""
        stamp = self._dir / "made-of"
        made_of = hashlib.sha256(self._requirements.read_bytes() + PGAI.encode()).hexdigest()
        python = str(self._dir / "bin/python")
        if not stamp.exists() or stamp.read_text() != made_of:
            print("installing the peers into build/bench-venv (once)", file=sys.stderr)
            run([sys.executable, "-m", "venv", "--clear", str(self._dir)])
            run([python, "-m", "pip", "install", "-q", "-r", str(self._requirements)])
            run([python, "-m", "pip", "install", "-q", "--no-deps", PGAI])
            stamp.write_text(made_of)
        return python


def run(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise RuntimeError(f"{' '.join(argv[1:4])}: {lines[-1]}")
