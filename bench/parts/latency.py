"""What the endpoint's latency costs: 50 and 200 ms against 0 ms. Enough in flight hides it."""

from harness.bench import Bench
from harness.contestants import Embedd

LATENCIES = (0, 50, 200)


def run(bench: Bench) -> None:
    rows = bench.size(60_000, 4_000)
    embedd = Embedd(bench)
    bench.provider.set_latency(0)
    embedd.start_up()
    rates: dict[int, list[float]] = {latency: [] for latency in LATENCIES}
    for _ in range(bench.runs):
        for latency in LATENCIES:
            bench.provider.set_latency(latency)
            rates[latency].append(embedd.measure(rows).per_second)
    bench.provider.set_latency(0)
    for latency in LATENCIES[1:]:
        bench.add(f"embedd, endpoint at {latency} ms", "rows/s", rates[latency])
        bench.add_ratio(f"embedd at {latency} ms ÷ at 0 ms", rates[latency], rates[0])
