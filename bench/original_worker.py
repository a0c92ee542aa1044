"""The original polling worker, to the letter of its design, as the baseline of ./dev bench.

A loop claims up to 10 rows without an embedding with FOR UPDATE SKIP LOCKED, calls OpenAI once per row while the
transaction holds the rows, stores each vector with its model, and commits. What is left out helps it: it does not sleep
between polls (the original waits 5 s when it finds nothing), writes no logs and serves no metrics, and ends when no row
is left. asyncio, asyncpg and the official client, each at its defaults, one connection to each side kept open.
"""

import asyncio
import os

import asyncpg
import openai

MODEL = "text-embedding-3-small"
BATCH = 10

CLAIM = """SELECT id, body FROM items WHERE embedding IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED"""
STORE = """UPDATE items SET embedding = $2::text::vector WHERE id = $1"""


async def embed(client: openai.AsyncOpenAI, text: str) -> list[float]:
    answer = await client.embeddings.create(model=MODEL, input=text)
    return answer.data[0].embedding


async def work_off_batch(database: asyncpg.Connection, client: openai.AsyncOpenAI) -> int:
    async with database.transaction():
        rows = await database.fetch(CLAIM, BATCH)
        for row in rows:
            vector = await embed(client, row["body"])
            await database.execute(STORE, row["id"], "[" + ",".join(map(str, vector)) + "]")
    return len(rows)


async def main() -> None:
    database = await asyncpg.connect(os.environ["DATABASE_URL"])
    client = openai.AsyncOpenAI()
    while await work_off_batch(database, client) > 0:
        pass
    await client.close()
    await database.close()


asyncio.run(main())
