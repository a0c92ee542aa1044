"""End to end against what PostgreSQL can take, endpoint at 0 ms; and what the worker spends per vector."""

from harness.bench import Bench
from harness.contestants import Ceiling, Embedd


def run(bench: Bench) -> None:
    rows = bench.size(60_000, 4_000)
    bench.provider.set_latency(0)
    capacity, provider_cpu = bench.provider.capacity(rows, 256, 1000)
    ceiling, two_clients, embedd = Ceiling(bench), Ceiling(bench, clients=2), Embedd(bench)

    alone, alone_twice, ours = [], [], []
    provider_before = bench.provider.cpu_seconds()
    for _ in range(bench.runs):
        alone.append(ceiling.measure(rows))
        ours.append(embedd.measure(rows))
    provider_spent = (bench.provider.cpu_seconds() - provider_before) / (bench.runs * rows)
    for _ in range(bench.runs):
        alone_twice.append(two_clients.measure(rows))

    rates = [rate.per_second for rate in ours]
    limits = [rate.per_second for rate in alone]
    bench.add("SQL ceiling, one client", "rows/s", limits)
    bench.add("SQL ceiling, two clients", "rows/s", [rate.per_second for rate in alone_twice])
    bench.add("embedd, endpoint at 0 ms", "rows/s", rates)
    bench.add_ratio("embedd ÷ SQL ceiling", rates, limits, goal=">= 0.7")
    bench.add("worker CPU per vector", "µs", [rate.cpu_microseconds for rate in ours], goal="<= 40")
    bench.add("provider's own capacity, one connection", "rows/s", [capacity], note="it must not be the bottleneck")
    bench.add_ratio("provider's capacity ÷ SQL ceiling", [capacity] * len(limits), limits)
    note = "it shares the cores with the worker and PostgreSQL"
    bench.add("provider CPU per vector, alone", "µs", [provider_cpu * 1e6])
    bench.add("provider CPU per vector, under embedd", "µs", [provider_spent * 1e6], note=note)
