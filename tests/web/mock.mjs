// A server of made-up facts, for the states of the dashboard that a real server can hardly be brought into: empty, busy, broken,
// long words, many vectorizers. tests/web/real.mjs holds it to the contract: there, a real server must have every field that is here.
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { made } from './facts.mjs'

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const types = { html: 'text/html; charset=utf-8', css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8', svg: 'image/svg+xml' }

/// A server of the page in `web`, on a free port. Fields: facts (see facts.mjs), token, requests ([{method, path, body}]), streams.
export class Mock {
  token = ''
  requests = []
  streams = new Set()
  problem = ''
  port = 0
  interval = 300

  constructor(web, kind = 'busy') {
    this.web = web
    this.use(kind)
  }

  use(kind) {
    this.facts = made(kind)
  }

  async start() {
    this.server = createServer((request, response) => this.#answer(request, response).catch((error) => response.destroy(error)))
    await new Promise((resolve) => this.server.listen(this.port, '127.0.0.1', resolve))
    this.port = this.server.address().port
    this.ticking = setInterval(() => this.streams.forEach((stream) => this.#tell(stream)), this.interval)
    return `http://127.0.0.1:${this.port}`
  }

  /// As a server that stops: the streams end, and nobody listens.
  async stop() {
    clearInterval(this.ticking)
    for (const stream of this.streams) stream.end()
    const closed = new Promise((resolve) => this.server.close(resolve))
    this.server.closeAllConnections()
    await closed
  }

  #status() {
    return { ...this.facts.status, at: new Date().toISOString() }
  }

  #tell(stream) {
    if (this.silent) return
    stream.write(this.problem ? `event: problem\ndata: ${JSON.stringify({ message: this.problem })}\n\n` : `event: status\ndata: ${JSON.stringify(this.#status())}\n\n`)
  }

  async #answer(request, response) {
    const url = new URL(request.url, 'http://mock')
    const body = await bodyOf(request)
    if (!url.pathname.startsWith('/v1/')) return this.#file(url.pathname, response)
    this.requests.push({ method: request.method, path: request.url, body, authorization: request.headers.authorization ?? '' })
    if (this.token && request.headers.authorization !== `Bearer ${this.token}`) return refuse(response, 401, 'unauthenticated', 'a token is needed: Authorization: Bearer TOKEN')
    if (url.pathname === '/v1/status') return reply(response, this.#status())
    if (url.pathname === '/v1/events') return this.#stream(response)
    const [, name, rest] = /^\/v1\/vectorizers\/([^/]+)\/(.+)$/.exec(url.pathname) ?? []
    if (!this.facts.status.vectorizers.some((item) => item.name === decodeURIComponent(name ?? ''))) return refuse(response, 404, 'not_found', 'there is no such vectorizer')
    if (rest === 'history') return reply(response, this.facts.history(decodeURIComponent(name), Number(url.searchParams.get('minutes'))))
    if (rest === 'search') return this.#search(body, response)
    return this.#dead(rest, url.searchParams, body, response)
  }

  #stream(response) {
    if (this.full) return refuse(response, 429, 'too_many_requests', 'as many dashboards are open as may be')
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    this.streams.add(response)
    response.on('close', () => this.streams.delete(response))
    this.#tell(response)
  }

  #search(body, response) {
    const answer = this.facts.search(JSON.parse(body))
    return answer.status ? refuse(response, answer.status, answer.code, answer.detail) : reply(response, answer)
  }

  #dead(rest, query, body, response) {
    const filter = rest === 'dead' ? Object.fromEntries(query) : JSON.parse(body || '{}')
    const matching = this.facts.dead.filter((letter) => matches(letter, filter))
    if (rest === 'dead') {
      const kinds = {}
      for (const { kind } of this.facts.dead) kinds[kind] = (kinds[kind] ?? 0) + 1
      const limit = Number(filter.limit ?? 100)
      return reply(response, { dead_letters: matching.slice(0, limit), kinds, more: matching.length > limit })
    }
    if (!this.facts.status.rights.write) return refuse(response, 403, 'forbidden', this.facts.status.rights.why_not)
    if (!['kind', 'key', 'older_than', 'newer_than'].some((field) => filter[field])) return refuse(response, 400, 'invalid_request', 'name at least one of kind, key, older_than, newer_than')
    this.facts.dead = this.facts.dead.filter((letter) => !matching.includes(letter))
    const item = this.facts.status.vectorizers.find(({ dead_letters: dead }) => dead > 0)
    if (item) item.dead_letters = this.facts.dead.length
    return reply(response, { rows: matching.length })
  }

  async #file(path, response) {
    const name = path === '/' ? 'index.html' : path.replace(/^\/dashboard\//, '')
    const content = /^[\w.-]+$/.test(name) ? await readFile(`${this.web}/${name}`).catch(() => null) : null
    if (!content) return refuse(response, 404, 'not_found', 'the dashboard has no such file')
    response.writeHead(200, { 'Content-Type': types[name.split('.').pop()], 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' })
    response.end(content)
  }
}

async function bodyOf(request) {
  let text = ''
  for await (const part of request) text += part
  return text
}

function reply(response, object) {
  response.writeHead(200, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(object))
}

function refuse(response, status, code, detail) {
  response.writeHead(status, { 'Content-Type': 'application/problem+json' })
  response.end(JSON.stringify({ type: `urn:embedd:problem:${code}`, title: code, status, code, detail }))
}

const hours = (age) => Number.parseInt(age, 10) * (age.endsWith('d') ? 24 : 1)

function matches(letter, { kind, key, older_than: older, newer_than: newer }) {
  const age = (Date.now() - Date.parse(letter.failed_at)) / 3600000
  const wanted = typeof key === 'string' && key.startsWith('{') ? JSON.parse(key) : key
  if (kind && letter.kind !== kind) return false
  if (wanted && (typeof wanted === 'object' ? wanted.id !== letter.key.id : String(letter.key.id) !== wanted)) return false
  if (older && age < hours(older)) return false
  return !(newer && age > hours(newer))
}

/// mock.mjs KIND [PORT]: serves until it is stopped, for looking at the page.
if (process.argv[1]?.endsWith('mock.mjs')) {
  const mock = new Mock(new URL('../../web', import.meta.url).pathname, process.argv[2] ?? 'busy')
  mock.port = Number(process.argv[3] ?? 0)
  mock.interval = 2000
  console.log(await mock.start())
}
