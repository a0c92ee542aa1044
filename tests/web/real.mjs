#!/usr/bin/env node
// real.mjs MODULES CHROMIUM EMBEDD WORK [NAME]: the dashboard in Chromium, with `embedd serve` and a worker on the database of
// scripts/search_sample.sh (DATABASE_URL), and with a provider that is slow, and refuses some texts. Also holds mock.mjs to the contract.
import { spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import { writeFileSync } from 'node:fs'
import { Browser, expect, until } from './browser.mjs'
import { made } from './facts.mjs'

const [modules, chromium, embedd, work, only = ''] = process.argv.slice(2)
const token = '0123456789abcdef-dashboard'
const reader = 'fedcba9876543210-dashboard'
const few = '00112233445566778899-few'
const some = '00112233445566778899-some'
const offline = [/ERR_CONNECTION_REFUSED/, /ERR_INCOMPLETE_CHUNKED_ENCODING/, /ERR_EMPTY_RESPONSE/, /ERR_CONNECTION_RESET/]
const children = new Set()

/// An OpenAI-compatible server of 8 dimensions. Fields: delay (ms), refuses (texts that have this word; null: none).
class Provider {
  delay = 150
  refuses = 'poison'

  async start() {
    this.server = createServer(async (request, response) => {
      let text = ''
      for await (const part of request) text += part
      const { input, encoding_format: format } = JSON.parse(text)
      const inputs = [input].flat()
      await new Promise((resolve) => setTimeout(resolve, this.delay))
      const refused = this.refuses && inputs.some((one) => one.includes(this.refuses))
      response.writeHead(refused ? 400 : 200, { 'Content-Type': 'application/json' })
      if (refused) return response.end(JSON.stringify({ error: { message: 'this text is refused', type: 'invalid_request_error', code: 'content_policy' } }))
      const data = inputs.map((one, index) => ({ object: 'embedding', index, embedding: vectorOf(one, format) }))
      response.end(JSON.stringify({ object: 'list', data, model: 'slow-1', usage: { prompt_tokens: inputs.length * 4, total_tokens: inputs.length * 4 } }))
    })
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${this.server.address().port}/v1`
  }
}

function vectorOf(text, format) {
  const numbers = Float32Array.from({ length: 8 }, (_, index) => Math.sin(text.length * (index + 1)) + 1.1)
  return format === 'base64' ? Buffer.from(numbers.buffer).toString('base64') : [...numbers]
}

const env = { ...process.env, EMBEDD_CONFIG: `${work}/embedd.toml`, EMBEDD_API_TOKEN: token, READER_TOKEN: reader, FEW_TOKEN: few, SOME_TOKEN: some, EMBEDD_LOG_FORMAT: 'json' }

function run(...args) {
  const done = spawnSync(embedd, args, { env, cwd: work, encoding: 'utf8' })
  expect(done.status === 0, `embedd ${args.join(' ')}: ${done.stderr}`)
  return done.stdout
}

function sql(statement) {
  const done = spawnSync('psql', ['-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', process.env.DATABASE_URL, '-c', statement], { encoding: 'utf8' })
  expect(done.status === 0, done.stderr)
  return done.stdout.trim()
}

function start(args, more = {}) {
  const child = spawn(embedd, args, { env: { ...env, ...more }, cwd: work, stdio: ['ignore', 'ignore', 'pipe'] })
  children.add(child)
  child.log = ''
  child.stderr.on('data', (data) => (child.log += data))
  child.ended = new Promise((resolve) => child.on('exit', resolve)).then(() => children.delete(child))
  return child
}

async function stop(child) {
  child.kill('SIGTERM')
  await child.ended
}

/// `embedd serve`, and its URL.
async function serve(port = 0, more = {}) {
  const server = start(['serve', '--http', `127.0.0.1:${port}`], more)
  const found = await until(() => /"event":"http_listening".*"port":(\d+)/.exec(server.log) ?? (server.exitCode !== null && { failed: true }), 'embedd serve')
  expect(!found.failed, server.log)
  return { server, port: Number(found[1]), url: `http://127.0.0.1:${found[1]}` }
}

async function open(url, hash = '', { as = token, ...options } = {}) {
  const page = await browser.page(options)
  await page.addInitScript((secret) => sessionStorage.setItem('embedd.token', secret), as)
  await page.goto(`${url}/${hash}`)
  await page.locator('#connection[data-tone=good]').waitFor()
  return page
}

const api = async (url, path) => (await fetch(url + path, { headers: { Authorization: `Bearer ${token}` } })).json()
const rowOf = (page, name) => page.locator('.vectorizers tbody tr', { has: page.getByRole('link', { name, exact: true }) })

/// Fields that a real server leaves out where there is nothing to say.
const mayLack = ['vectorizers[].chunks_waiting', 'vectorizers[].reported_problems[]']

function namesOf(value, place = '') {
  if (Array.isArray(value)) return value.flatMap((item) => namesOf(item, `${place}[]`))
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([name, part]) => [`${place ? `${place}.` : ''}${name}`, ...namesOf(part, `${place ? `${place}.` : ''}${name}`)])
}

const tests = {
  async 'a backfill is seen as it goes'({ url, provider }) {
    const page = await open(url)
    expect(/No worker runs/.test(await page.locator('.attention').innerText()), 'nobody works')
    expect(/no worker/.test(await rowOf(page, 'pages').innerText()), await rowOf(page, 'pages').innerText())
    await browser.check(page, 'the overview before')
    const worker = start(['worker', '--batch-inputs', '20', '--max-in-flight', '2'])
    const shares = new Set()
    await until(async () => {
      const said = await rowOf(page, 'pages').innerText()
      shares.add(/(\d[\d.]*) %/.exec(said)?.[1])
      provider.delay = shares.size > 4 ? 5 : provider.delay
      return /400 of (about )?400|399 of (about )?400/.test(said)
    }, 'the end of the backfill', 90000)
    expect(shares.size > 3, `the page showed only ${[...shares]} %`)
    await until(async () => (await page.locator('.cards', { hasText: 'Leases' }).innerText()).includes(String(worker.pid)), 'the worker')
    expect(/ready/.test(await page.locator('tr', { hasText: 'slow' }).last().innerText()), 'the endpoint')
    await until(async () => (await rowOf(page, 'pages').locator('td').last().innerText()).trim() === '1', 'the dead letter')
    await browser.check(page, 'the overview after')
    await page.done()
  },

  async 'a dead letter is seen, and retried'({ url, provider }) {
    const viewer = await open(url, '#/pages/dead?kind=rejected', { as: reader })
    await viewer.getByRole('rowheader', { name: 'id 77' }).waitFor()
    expect(await viewer.getByRole('button', { name: 'Retry these' }).isDisabled(), 'a reader may retry')
    expect((await viewer.locator('#dead-why').innerText()).includes('dead_letters = true'), await viewer.locator('#dead-why').innerText())
    await viewer.done()
    const page = await open(url, '#/pages/dead')
    await page.getByRole('rowheader', { name: 'id 77' }).waitFor()
    const kind = await page.locator('.dead tbody td').first().innerText()
    await page.getByLabel('Kind').selectOption(kind.replaceAll(' ', '_'))
    await page.getByText(`1 dead letter with kind ${kind}.`).waitFor()
    await browser.check(page, 'the dead letters')
    provider.refuses = null
    await page.getByRole('button', { name: 'Retry these' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Retry 1 dead letter' }).click()
    await page.getByText('1 row was put back into the queue.').first().waitFor()
    await page.getByText('No dead letter passes this filter.').waitFor()
    await until(() => sql('SELECT embedding IS NOT NULL FROM pages WHERE id = 77') === 't', 'the vector of the row')
    await page.done()
  },

  async 'a search'({ url }) {
    const page = await open(url, '#/notes/search')
    await page.getByLabel('Search for').fill('note 7')
    await page.getByLabel('Explain').check()
    await page.getByRole('button', { name: 'Search' }).click()
    await page.locator('.hits > li').first().waitFor()
    const first = await page.locator('.hits > li').first().innerText()
    expect(/id 7\b/.test(first) && first.includes('meaning #1') && first.includes('words #1'), first)
    await page.locator('.explained tbody tr').first().waitFor()
    await browser.check(page, 'the search')
    const shared = page.url()
    await page.goto(`${url}/#/articles/search?q=rivers&mode=vector&k=3`)
    await until(async () => (await page.locator('.hits > li').count()) === 3, 'three hits of the chunks')
    await page.goto(shared)
    await until(async () => /id 7\b/.test(await page.locator('.hits > li').first().innerText()), 'the same search')
    await page.done()
  },

  async 'a history'({ url }) {
    const page = await open(url, '#/pages/history?range=6h')
    await until(async () => (await api(url, '/v1/vectorizers/pages/history?minutes=60')).at.length > 0, 'a recorded minute', 90000)
    await page.reload()
    await page.locator('.plot canvas').first().waitFor()
    await page.getByText('The values as a table').click()
    await until(async () => (await page.locator('.values tbody tr').count()) > 0, 'the values')
    await browser.check(page, 'the history')
    await page.done()
  },

  async 'the made-up facts have the fields of the real ones'({ url }) {
    const invented = made('busy')
    const compare = (what, ours, theirs) => {
      const real = new Set(namesOf(theirs))
      const lacking = [...new Set(namesOf(ours))].filter((name) => !real.has(name) && !mayLack.some((start) => name.startsWith(start)))
      expect(lacking.length === 0, `${what}: the server does not say ${lacking}`)
    }
    await until(async () => (await api(url, '/v1/status')).vectorizers.some(({ freshness }) => freshness), 'a recorded freshness', 90000)
    compare('status', invented.status, await api(url, '/v1/status'))
    compare('history', invented.history('notes', 60), await api(url, '/v1/vectorizers/notes/history?minutes=60'))
    const answer = await fetch(`${url}/`, { headers: {} })
    const policy = answer.headers.get('content-security-policy')
    expect(answer.status === 200 && policy.includes("default-src 'none'") && !policy.includes('unsafe'), policy)
    expect(answer.headers.get('x-content-type-options') === 'nosniff' && !answer.headers.has('access-control-allow-origin'), [...answer.headers])
  },

  async 'a server that is restarted'(state) {
    const page = await open(state.url, '#/pages/history', { allowed: offline })
    await stop(state.server)
    await page.locator('#old').waitFor()
    expect((await page.locator('#connection').innerText()) === 'Not current', 'it looks current')
    Object.assign(state, await serve(state.port))
    await page.locator('#connection[data-tone=good]').waitFor({ timeout: 30000 })
    await page.locator('#old').waitFor({ state: 'hidden' })
    sql("INSERT INTO pages SELECT i, 'later ' || i FROM generate_series(1001, 1010) i")
    await until(async () => /410/.test(await page.locator('.facts').innerText()), 'the new rows')
    await page.done()
  },

  async 'tokens of some vectorizers, and of some rows'({ url }) {
    const page = await open(url, '', { as: few })
    const words = await page.locator('main').innerText()
    expect(words.includes('not shown to this token') && words.includes('notes') && !words.includes('pages') && !words.includes('No worker runs'), words)
    await page.goto(`${url}/#/pages/history`)
    await page.getByText('There is no vectorizer of the name pages').waitFor()
    await browser.check(page, 'a vectorizer that this token may not see')
    await page.done()
    const other = await open(url, '#/pages/dead', { as: some })
    await other.getByText('The dead letters cannot be shown').waitFor()
    expect(await other.getByRole('button', { name: 'Retry these' }).isDisabled(), 'without the right')
    await other.done()
  },

  async 'without a token nothing may be changed'() {
    const { server, url } = await serve(0, { EMBEDD_API_TOKEN: '', EMBEDD_CONFIG: `${work}/endpoints.toml` })
    const page = await browser.page()
    await page.goto(`${url}/#/pages/dead?kind=rejected`)
    await page.getByText('No dead letter passes this filter.').waitFor()
    expect((await page.locator('#dead-why').innerText()).includes('EMBEDD_API_TOKEN') && (await page.getByRole('button', { name: 'Forget token' }).isHidden()), await page.locator('#dead-why').innerText())
    await page.done()
    await stop(server)
  },

  async 'a token is asked for'({ url }) {
    const page = await browser.page({ allowed: [/status of 401/], width: 390 })
    await page.goto(url)
    await page.getByLabel('Token').fill(token)
    await page.keyboard.press('Enter')
    await rowOf(page, 'pages').waitFor()
    await browser.check(page, 'the overview on a phone')
    await page.done()
  },
}

const browser = await Browser.open(modules, chromium)
const provider = new Provider()
const state = { provider }
try {
  const base = await provider.start()
  const endpoint = `[endpoint.slow]\nbase_url = "${base}"\nmodel = "slow-1"\napi_key = ""\n`
  const tokens = `
[token.reader]
secret = { env = "READER_TOKEN" }
[token.few]
secret = { env = "FEW_TOKEN" }
vectorizers = ["notes"]
dead_letters = true
[token.some]
secret = { env = "SOME_TOKEN" }
vectorizers = ["pages"]
filter = '{"column": "id", "op": "<", "value": 100}'
dead_letters = true
`
  writeFileSync(`${work}/endpoints.toml`, endpoint)
  writeFileSync(`${work}/embedd.toml`, endpoint + tokens)
  sql("CREATE TABLE pages (id bigint PRIMARY KEY, body text, embedding vector(8)); INSERT INTO pages SELECT i, CASE i WHEN 77 THEN 'poison' ELSE 'page ' || i END FROM generate_series(1, 400) i")
  run('vectorizer', 'create', 'pages', '--table', 'pages', '--text', '{body}', '--column', 'embedding', '--endpoint', 'slow')
  Object.assign(state, await serve())
  for (const [name, test] of Object.entries(tests)) {
    if (!name.includes(only)) continue
    const started = Date.now()
    await test(state)
    console.log(`${name}: ${((Date.now() - started) / 1000).toFixed(1)} s`)
  }
} catch (error) {
  console.error(error.stack)
  if (state.server) console.error(state.server.log.split('\n').slice(-12).join('\n'))
  process.exitCode = 1
} finally {
  for (const child of [...children]) await stop(child)
  await browser.close()
}
process.exit()
