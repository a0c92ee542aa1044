"""Against the original polling worker and pgai's, endpoint at 50 ms.

Each gets as many rows as keep it busy for some seconds, for all of them are steady from the first second on: the
original embeds ten rows in ten times the latency, pgai 500 in one and what Python needs.
"""

from harness.bench import Bench
from harness.contestants import Contestant, Embedd, Original, Pgai
from harness.venv import Venv

LATENCY = 50


def run(bench: Bench) -> None:
    embedd = Embedd(bench)
    peers: list[tuple[str, Contestant, int, str]] = []
    try:
        python = Venv(bench.root).python()
    except RuntimeError as error:
        for name in ("embedd ÷ original worker", "embedd ÷ pgai, table", "embedd ÷ pgai, column"):
            bench.skip(name, str(error))
        return
    peers.append(("original worker", Original(bench, python), bench.size(200, 50), ">= 100"))
    for destination in ("table", "column"):
        pgai = Pgai(bench, python, destination)
        peers.append((f"pgai, {destination}", pgai, bench.size(3_000, 1_000), ">= 10"))
    bench.provider.set_latency(0)
    peers = [peer for peer in peers if works(bench, *peer[:2])]

    embedd.start_up()
    bench.provider.set_latency(LATENCY)
    ours: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name, *_ in peers}
    for _ in range(bench.runs):
        ours.append(embedd.measure(bench.size(20_000, 4_000)).per_second)
        for name, peer, rows, _ in peers:
            theirs[name].append(peer.measure(rows).per_second)
    bench.provider.set_latency(0)

    bench.add(f"embedd, endpoint at {LATENCY} ms, beside its peers", "rows/s", ours)
    for name, _, rows, goal in peers:
        bench.add(name, "rows/s", theirs[name], note=f"{rows} rows")
        bench.add_ratio(f"embedd ÷ {name}", ours, theirs[name], goal)


def works(bench: Bench, name: str, peer: Contestant) -> bool:
    """Whether it embeds a few rows. What cannot run here is no reason to give up the rest."""
    try:
        peer.measure(20)
        return True
    except RuntimeError as error:
        bench.skip(f"embedd ÷ {name}", str(error).strip().splitlines()[-1][:200])
        return False
