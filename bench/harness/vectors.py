"""The vector that the scripted provider gives a text (tests/support/expected_vector.h), to see that what a contestant
stored is the embedding of the row's own text."""

import random
import struct

from harness.database import Server

MASK = (1 << 64) - 1


def expected(text: str, dimensions: int) -> list[float]:
    digest = 0xCBF29CE484222325
    for byte in text.encode():
        digest = ((digest ^ byte) * 0x100000001B3) & MASK
    values = [1.0]
    for i in range(1, dimensions):
        z = (digest + i * 0x9E3779B97F4A7C15) & MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        z ^= z >> 31
        values.append(((z >> 40) - (1 << 23)) / (1 << 23))
    return values


def check(server: Server, database: str, rows: int, relation: str = "items", samples: int = 10) -> None:
    """All `rows` rows have a vector, and a sample of them have their own."""
    stored = int(server.number(database, f"SELECT count(embedding) FROM {relation}"))
    if stored != rows:
        raise RuntimeError(f"{database}: {stored} of {rows} rows have a vector")
    for row in random.Random(rows).sample(range(1, rows + 1), min(samples, rows)):
        body, vector = server.sql(database, f"SELECT body, embedding FROM {relation} WHERE id = {row}").split("|")
        want = expected(body, vector.count(",") + 1)
        got = [single(float(value)) for value in vector.strip("[]").split(",")]
        if got != want:
            raise RuntimeError(f"{database}: row {row} holds the vector of another text")


def single(value: float) -> float:
    """As float32, which is what is stored."""
    return struct.unpack("f", struct.pack("f", value))[0]
