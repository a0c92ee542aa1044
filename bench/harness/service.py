"""`embedd serve` on a free port, and searches through one connection to it."""

import atexit
import http.client
import json
import re
import time

from harness import processes
from harness.bench import Bench


def path(vectorizer: str) -> str:
    return f"/v1/vectorizers/{vectorizer}/search"


class Service:
    """The process. It serves the database `run`."""

    def __init__(self, bench: Bench, environment: dict[str, str]):
        command = [bench.embedd, "serve", "--http", "127.0.0.1:0", "--log-level", "info", "--log-format", "json"]
        self._child = processes.Child(command, {"DATABASE_URL": bench.server.url("run"), **environment})
        atexit.register(self._child.terminate)
        for _ in range(100):
            if found := re.search(r'"event":"http_listening".*"port":(\d+)', self._child.output()):
                break
            time.sleep(0.1)
        else:
            raise RuntimeError(f"embedd serve did not start: {self._child.output()}")
        self.port = int(found[1])
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def search(self, vectorizer: str, **request) -> dict:
        self._connection.request("POST", path(vectorizer), json.dumps(request), {"Content-Type": "application/json"})
        reply = self._connection.getresponse()
        body = reply.read()
        if reply.status != 200:
            raise RuntimeError(f"status {reply.status}: {body.decode()}")
        return json.loads(body)

    def refusals(self) -> list[str]:
        """What the log has of replies other than 200."""
        return [line for line in self._child.output().splitlines() if '"status":' in line and '"status":200' not in line]

    def stop(self) -> int:
        """The most memory that was resident, in KiB."""
        peak = self._child.peak_rss_kib()
        self._connection.close()
        self._child.terminate()
        self._child.wait().checked("embedd serve")
        return peak
