"""The judged queries of bench/judged/queries.json, and how good a list of hits is by them."""

import dataclasses
import json
import math
import pathlib

FIRST = 10  # hits that count
GRADES = {"2": 2, "1": 1, "0": 0}
CORPORA = ("packages", "traces")
KINDS = ("meaning", "name", "words")


@dataclasses.dataclass
class Query:
    """What a person types, and the grades of rows by their names: 2 is what the person wants, 1 is of some use."""

    corpus: str
    kind: str
    text: str
    grades: dict[str, int]

    def among(self, names: set[str]) -> "Query":
        """The same with the judgements of these rows only."""
        return dataclasses.replace(self, grades={name: grade for name, grade in self.grades.items() if name in names})

    @property
    def relevant(self) -> int:
        return sum(grade > 0 for grade in self.grades.values())

    def ndcg(self, hits: list[str]) -> float:
        """1 for the best order that is possible. A row of grade 2 gains 3, one of grade 1 gains 1, and a row that
        nobody judged gains nothing; each gain is divided by log2(1 + rank)."""
        ideal = sorted(self.grades.values(), reverse=True)
        return gain([self.grades.get(hit, 0) for hit in hits]) / gain(ideal)

    def recall(self, hits: list[str]) -> float:
        """The share of the relevant rows that are among the hits; of ten, if more than ten are relevant."""
        found = sum(self.grades.get(hit, 0) > 0 for hit in hits[:FIRST])
        return found / min(FIRST, self.relevant)

    def unjudged(self, hits: list[str]) -> int:
        return sum(hit not in self.grades for hit in hits[:FIRST])


def gain(grades: list[int]) -> float:
    return sum((2**grade - 1) / math.log2(1 + rank) for rank, grade in enumerate(grades[:FIRST], 1))


def read(path: pathlib.Path) -> list[Query]:
    return [
        Query(
            entry["corpus"], entry["kind"], entry["query"],
            {name: grade for key, grade in GRADES.items() for name in entry[key]},
        )
        for entry in json.loads(path.read_text())["queries"]
    ]
