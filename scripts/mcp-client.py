#!/usr/bin/env python3
"""mcp-client.py EMBEDD: talks to `EMBEDD mcp` with the official client; DATABASE_URL names scripts/search_sample.sh's database."""

import asyncio
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client

TOOLS = ["get_row", "get_trace", "list_tags", "list_vectorizers", "search", "search_traces", "status"]
PASSED_ON = ("DATABASE_URL", "EMBEDD_CONFIG", "EMBEDD_ENV_FILE", "PATH")


def expect(right, what):
    if not right:
        sys.exit(f"try-mcp: {what}")


async def use(client):
    listed = await client.list_tools()
    expect(sorted(tool.name for tool in listed.tools) == TOOLS, f"the tools are {listed.tools}")

    async def call(tool, **arguments):
        result = await client.call_tool(tool, arguments)
        return result.is_error, result.content[0].text

    failed, text = await call("list_vectorizers")
    expect(not failed and '"name":"notes"' in text and '"chunked":true' in text, text)
    failed, text = await call("search", vectorizer="notes", query="note 7", k=3)
    expect(not failed and '"key":{"id": 7}' in text, text)
    failed, text = await call("search", vectorizer="articles", query="rivers", neighbours=1, detail="full")
    expect(not failed and '"chunk_seq":' in text, text)
    failed, text = await call("search", vectorizer="notes", query="x", k=99)
    expect(failed and "k: must be" in text, text)
    failed, text = await call("get_row", vectorizer="articles", key={"id": 3})
    expect(not failed and '"title": "title 3"' in text, text)
    failed, text = await call("search_traces", q="a pool ran dry")
    expect(not failed and "No trace was found" in text, text)
    failed, text = await call("status")
    expect(not failed and '"state":"current"' in text, text)


async def main():
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    server = StdioServerParameters(command=sys.argv[1], args=["mcp"], env=environment)
    async with stdio_client(server) as (reads, writes), ClientSession(reads, writes) as session:
        begun = await session.initialize()
        await use(session)
        print(f"with a handshake: {begun.protocol_version}")
    async with Client(stdio_client(server)) as client:
        await use(client)
        print(f"without: {client.protocol_version}")


asyncio.run(main())
