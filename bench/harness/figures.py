"""Figures of the table: samples, their median, the goal, and how all of it is kept as JSON."""

import dataclasses
import statistics


@dataclasses.dataclass
class Figure:
    """One row of the table: the median of its samples, which come from interleaved runs."""

    part: str
    name: str
    unit: str
    samples: list[float]
    goal: str = ""  # ">= 0.7", "<= 40"; empty: none
    note: str = ""
    skipped: str = ""  # why there are no samples

    @property
    def value(self) -> float | None:
        return statistics.median(self.samples) if self.samples else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal or a value."""
        if not self.goal or self.value is None:
            return None
        sign, limit = self.goal.split()
        return self.value >= float(limit) if sign == ">=" else self.value <= float(limit)

    @property
    def command(self) -> str:
        return f"./dev bench {self.part}"

    def as_json(self) -> dict:
        value = self.value
        return {
            **dataclasses.asdict(self),
            "samples": [rounded(sample) for sample in self.samples],
            "value": None if value is None else rounded(value),
            "met": self.met,
            "command": self.command,
        }


def rounded(value: float) -> float:
    """Four significant digits: more would be noise."""
    return float(f"{value:.4g}")


def ratios(above: list[float], below: list[float]) -> list[float]:
    """Run by run, so that what changes on the machine between runs changes both."""
    return [a / b for a, b in zip(above, below, strict=True)]


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def shown(value: float) -> str:
    """A number as the table prints it: three digits that count, thousands separated."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
