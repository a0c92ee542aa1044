"""The scripted provider in a process of its own.

An OpenAI-compatible server whose vectors are a function of the text, so that what is stored can be checked.
"""

import http.client
import json
import pathlib
import subprocess
import time
import urllib.parse

from harness.processes import base_environment, cpu_seconds_of


class Provider:
    """The process, and its /control."""

    def __init__(self, binary: pathlib.Path, dimensions: int, *options: str | int):
        # A contestant may ask for any size, and no text of ours is too long.
        argv = [str(word) for word in (binary, "--dims", dimensions, *options)]
        self._process = subprocess.Popen(argv, env=base_environment(), stdout=subprocess.PIPE, text=True)
        self.base_url = self._process.stdout.readline().strip()
        if not self.base_url:
            raise RuntimeError("the scripted provider did not start")
        self._address = urllib.parse.urlsplit(self.base_url).netloc

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def set_latency(self, milliseconds: float) -> None:
        self._request("POST", "/control", {"latency_ms": milliseconds})

    def set_texts_per_second(self, pace: float) -> None:
        """Of a provider that was started with --texts-per-second."""
        self._request("POST", "/control", {"texts_per_second": pace})

    def stats(self) -> dict:
        return self._request("GET", "/control/stats")

    def cpu_seconds(self) -> float:
        return cpu_seconds_of(self._process.pid)

    def capacity(self, texts: int, batch: int, length: int) -> tuple[float, float]:
        """Vectors a second over one connection at 0 ms, and CPU seconds of the provider per vector."""
        bodies = []
        for first in range(0, texts, batch):
            inputs = [f"{first + i} capacity ".ljust(length, "x") for i in range(batch)]
            bodies.append(
                json.dumps({"model": "text-embedding-3-small", "input": inputs, "encoding_format": "base64"}).encode()
            )
        connection = http.client.HTTPConnection(self._address)
        connection.connect()
        cpu = self.cpu_seconds()
        began = time.perf_counter()
        for body in bodies:
            connection.request("POST", "/v1/embeddings", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"the scripted provider answered {answer.status}")
        seconds = time.perf_counter() - began
        connection.close()
        vectors = len(bodies) * batch
        return vectors / seconds, (self.cpu_seconds() - cpu) / vectors

    def _request(self, method: str, path: str, body: dict | None = None) -> dict:
        connection = http.client.HTTPConnection(self._address, timeout=10)
        connection.request(method, path, json.dumps(body) if body else None)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {text[:200]!r}")
        return json.loads(text)
