#!/usr/bin/env node
// mcp-client.mjs MODULES EMBEDD URL TOKEN: uses every tool of `EMBEDD mcp` and of URL with the official client, whose package is in
// MODULES, in a revision with a handshake and in the one without. DATABASE_URL names scripts/search_sample.sh's database.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [modules, embedd, url, token] = process.argv.slice(2)
const find = createRequire(`${modules}/`)
const load = (name) => import(pathToFileURL(find.resolve(name)))
const { Client, StreamableHTTPClientTransport } = await load('@modelcontextprotocol/client')
const { StdioClientTransport } = await load('@modelcontextprotocol/client/stdio')

const tools = ['contribute_trace', 'get_row', 'get_trace', 'list_tags', 'list_vectorizers', 'search', 'search_traces', 'status']
const passedOn = ['DATABASE_URL', 'EMBEDD_CONFIG', 'EMBEDD_ENV_FILE', 'PATH']

function expect(right, what) {
  if (!right) throw new Error(typeof what === 'string' ? what : JSON.stringify(what))
}

async function use(client) {
  const listed = await client.listTools()
  expect(listed.tools.map((tool) => tool.name).sort().join() === tools.join(), listed)
  const call = async (name, args, fails, ...says) => {
    const result = await client.callTool({ name, arguments: args })
    const text = result.content[0].text
    expect(result.isError === fails && says.every((part) => text.includes(part)), `${name}: ${text}`)
  }
  await call('list_vectorizers', {}, false, '"name":"notes"', '"chunked":true')
  await call('search', { vectorizer: 'notes', query: 'note 7', k: 3 }, false, '"key":{"id": 7}')
  await call('search', { vectorizer: 'notes', similar_to: { id: 7 }, filter: { column: 'stars', op: '=', value: 2 }, columns: ['stars'] }, false, '"stars":2')
  await call('search', { vectorizer: 'articles', query: 'rivers', neighbours: 1, detail: 'full' }, false, '"chunk_seq":')
  await call('search', { vectorizer: 'notes', query: 'x', k: 99 }, true, 'k: must be')
  await call('get_row', { vectorizer: 'articles', key: { id: 3 } }, false, '"title": "title 3"')
  await call('status', {}, false, '"state":"current"')
  const trace = { title: 'A pool ran dry', context_text: 'under load', solution_text: 'a larger pool', tags: ['pool'] }
  const added = await client.callTool({ name: 'contribute_trace', arguments: trace })
  const id = /id ([0-9a-f-]{36})/.exec(added.content[0].text)[1]
  await call('get_trace', { id }, false, '"solution_text":"a larger pool"')
  await call('search_traces', { tags: ['pool'] }, false, id)
  await call('search_traces', {}, true, 'must be provided')
  await call('list_tags', {}, false, '["pool"]')
  const unknown = await client.callTool({ name: 'drop', arguments: {} }).catch((error) => error)
  expect(unknown.code === -32602, `an unknown tool: ${unknown}`)
}

/// The client lets go of a process by closing its input, and of HTTP by nothing at all.
async function connect(transport, mode) {
  const client = new Client({ name: 'try-mcp', version: '1' }, { versionNegotiation: { mode } })
  await client.connect(transport)
  return client
}

const stdio = () => {
  const env = Object.fromEntries(passedOn.filter((name) => name in process.env).map((name) => [name, process.env[name]]))
  return new StdioClientTransport({ command: embedd, args: ['mcp', '--write'], env })
}
const http = (headers) => new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } })
const withToken = () => http({ Authorization: `Bearer ${token}` })

for (const [way, transport] of [['stdio', stdio], ['HTTP', withToken]])
  for (const [mode, revision] of [['legacy', '2025-11-25'], ['auto', '2026-07-28'], [{ pin: '2026-07-28' }, '2026-07-28']]) {
    const client = await connect(transport(), mode)
    expect(client.getNegotiatedProtocolVersion() === revision, `${way}: revision ${client.getNegotiatedProtocolVersion()}`)
    expect(client.getServerVersion().name === 'embedd' && client.getInstructions().includes('data'), client.getInstructions())
    await use(client)
    await client.close()
    console.log(`${way}: ${revision} (${JSON.stringify(mode)})`)
  }

const refused = await connect(http({}), 'legacy').catch((error) => error)
expect(refused instanceof Error && /401|Unauthorized/i.test(`${refused}`), `without a token: ${refused}`)
