// Made-up facts of each kind: empty, idle, busy, broken, long, many.

const now = () => Date.now()
const ago = (seconds) => new Date(now() - seconds * 1000).toISOString()

const quiet = {
  name: 'documents', source: 'public.documents', endpoint: 'openai', model: 'text-embedding-3-small', dimensions: 1536, state: 'active',
  condition: 'current', replaces: null, text_search: 'english', rows: { all: 120000, exact: false, done: 119998 }, chunks_waiting: null,
  jobs: 0, jobs_exact: true, due: 0, leased: 0, oldest_age_seconds: null, next_try_seconds: null, unwalked_rows: 0, dead_letters: 0,
  walked_at: ago(1800), index: 'hnsw', index_wanted: false, rows_per_second: 0.4, seconds_to_finish: 0,
  freshness: { rows: 412, p50_seconds: 0.318, p99_seconds: 1.42 },
  today: { requests: 220, rows: 4100, tokens: 1234567, cost_usd: 0.0247 },
  budget: { usd_per_day: 5, tokens_per_day: null, spent: false }, problem: null, reported_problems: [], note: null,
}
const endpoint = { name: 'openai', dialect: 'openai', has_key: true, state: 'ready', message: '', workers: 2, requests_in_flight: 7, concurrency: 12, rows_per_second: 350.2 }
const local = { name: 'local', dialect: 'local', has_key: true, state: null, message: '', workers: 0, requests_in_flight: null, concurrency: null, rows_per_second: null }
const worker = {
  id: '0b8f0f4e-6a55-4d0e-9b57-3f6a1f6c2a11', hostname: 'app-1', pid: 4711, version: '0.9.0', up_seconds: 93600, silent_seconds: 1.2,
  rows_embedded: 1182233, rows_per_second: 310.2, requests_in_flight: 7, leases: 300, draining: false, problems: [],
}
const rights = { token: '', write: true, dead_letters: true, why_not: '' }
const base = { version: '0.9.0', database: 'knowledge', rights }

const filling = {
  ...quiet, condition: 'filling', rows: { all: 2400000, exact: false, done: 1512000 }, jobs: 888000, jobs_exact: false, due: 10000, leased: 2048,
  oldest_age_seconds: 5420, walked_at: null, rows_per_second: 412.7, seconds_to_finish: 2152, dead_letters: 4,
  freshness: { rows: 90211, p50_seconds: 2710, p99_seconds: 5391 }, today: { requests: 1480, rows: 1512000, tokens: 301245678, cost_usd: 6.0249 },
  budget: { usd_per_day: 20, tokens_per_day: null, spent: false }, index_wanted: true,
}
const tickets = {
  ...quiet, name: 'tickets', source: 'support.tickets', rows: { all: 48211, exact: true, done: 48198 }, condition: 'embedding', jobs: 13, due: 9, leased: 4, oldest_age_seconds: 0.8,
  rows_per_second: 12.4, seconds_to_finish: 1.1, freshness: { rows: 1290, p50_seconds: 0.212, p99_seconds: 0.94 },
}
const successor = {
  ...quiet, name: 'tickets.next', source: 'support.tickets', model: 'text-embedding-3-large', dimensions: 3072, replaces: 'tickets', condition: 'filling', walked_at: null,
  rows: { all: 48211, exact: true, done: 20110 }, jobs: 28101, jobs_exact: false, due: 10000, leased: 512, oldest_age_seconds: 610, rows_per_second: 88.1, seconds_to_finish: 319,
  freshness: { rows: 0, p50_seconds: null, p99_seconds: null }, today: { requests: 40, rows: 20110, tokens: 4021110, cost_usd: 0.5227 },
}
const manuals = {
  ...quiet, name: 'manuals', source: 'public.manuals', endpoint: 'ollama', model: 'nomic-embed-text', dimensions: 768, text_search: null, rows: { all: 1811, exact: true, done: 1811 },
  rows_per_second: 0, freshness: { rows: 0, p50_seconds: null, p99_seconds: null }, today: { requests: 0, rows: 0, tokens: 0, cost_usd: null },
  budget: { usd_per_day: null, tokens_per_day: null, spent: false }, index: 'none',
}
const ollama = { ...endpoint, name: 'ollama', workers: 2, requests_in_flight: 0, concurrency: 4, rows_per_second: 0 }
const second = { ...worker, id: '7d1b7a0e-30bb-4a42-9f7c-8a3c1a3a9a22', hostname: 'app-2', pid: 912, up_seconds: 5400, rows_embedded: 422871, rows_per_second: 190.4, requests_in_flight: 5, leases: 212 }

const quota = 'You exceeded your current quota, please check your plan and billing details.'
const broken = [
  {
    ...filling, condition: 'waiting', rows_per_second: 0, seconds_to_finish: null, oldest_age_seconds: 18240,
    reported_problems: [{ state: 'quota_exhausted', message: quota, workers: 2, stopped_seconds: null }], index_wanted: false, dead_letters: 241,
  },
  { ...tickets, condition: 'broken', problem: 'the source table support.tickets is gone; restore it, or: embedd vectorizer drop tickets', rows: { all: null, exact: false, done: null }, rows_per_second: null, seconds_to_finish: null },
  { ...manuals, state: 'paused', condition: 'paused', jobs: 120, due: 120, oldest_age_seconds: 86500, rows: { all: 1931, exact: true, done: 1811 }, seconds_to_finish: null },
  { ...quiet, name: 'faq', source: 'public.faq', condition: 'waiting', jobs: 40, due: 40, oldest_age_seconds: 7200, rows: { all: 400, exact: true, done: 360 }, rows_per_second: 0, seconds_to_finish: null, budget: { usd_per_day: 0.5, tokens_per_day: 1000000, spent: true } },
]
const brokenWorkers = [
  { ...worker, rows_per_second: 0, requests_in_flight: 0, leases: 0, problems: [`openai: quota_exhausted: ${quota}`] },
  { ...second, rows_per_second: null, requests_in_flight: 0, leases: 0, silent_seconds: 142, problems: [] },
]

const longName = 'a_vectorizer_with_a_name_as_long_as_PostgreSQL_lets_names_be_63'
const longWords = 'Averylongwordwithoutanyblank'.repeat(9)
const many = Array.from({ length: 20 }, (_, index) => ({ ...[tickets, quiet, manuals, filling][index % 4], name: `tenant_${String(index + 1).padStart(2, '0')}`, source: `tenant_${index + 1}.articles` }))

const statuses = {
  empty: { ...base, vectorizers: [], endpoints: [{ ...endpoint, state: null, workers: 0, has_key: false, requests_in_flight: null, concurrency: null, rows_per_second: null }, local], workers: [] },
  idle: { ...base, vectorizers: [quiet, manuals], endpoints: [endpoint, ollama], workers: [worker] },
  busy: { ...base, vectorizers: [filling, tickets, successor, manuals], endpoints: [endpoint, ollama, local], workers: [worker, second] },
  broken: { ...base, rights: { token: 'viewer', write: false, dead_letters: true, why_not: 'this token may only read: dead_letters = true in [token.viewer] of embedd.toml lets it retry and purge' }, vectorizers: broken, endpoints: [{ ...endpoint, state: 'quota_exhausted', message: quota, requests_in_flight: 0, rows_per_second: 0 }, { ...ollama, state: 'unreachable', message: 'Could not connect to server: 127.0.0.1 port 11434' }], workers: brokenWorkers },
  long: {
    ...base, database: 'a_database_with_a_long_name_for_customers_in_europe', vectorizers: [{ ...filling, name: longName, source: `"${longWords.slice(0, 63)}"."${longWords.slice(0, 63)}"`, model: longWords.slice(0, 120), problem: longWords }],
    endpoints: [{ ...endpoint, name: longName, state: 'unauthenticated', message: longWords }], workers: [{ ...worker, hostname: longWords.slice(0, 63), problems: [longWords] }],
  },
  many: { ...base, vectorizers: many, endpoints: [endpoint, ollama, local], workers: [worker, second] },
}
statuses.hidden = { ...statuses.busy, workers: null, rights: { token: 'support', write: false, dead_letters: false, why_not: 'this token may see only some rows, and dead letters are of all rows: use a token without a filter' } }

const letters = (n) => Array.from({ length: n }, (_, index) => {
  const kinds = [['too_large', 'This model’s maximum context length is 8192 tokens, however you requested 11834 tokens (11834 in your prompt; 0 for the completion).'], ['rejected', 'The input was refused by the provider’s content filter.'], ['rejected', '<img src=x onerror=alert(1)> is text, and no markup.']]
  const [kind, message] = kinds[index % 3]
  return { key: { id: 1000 + index }, kind, message, attempts: kind === 'rejected' ? 3 : 1, failed_at: ago(600 + index * 5400) }
})

/// {status, history(name, minutes), dead, search(request)}
export function made(kind) {
  const status = structuredClone(statuses[kind])
  const most = Math.max(0, ...status.vectorizers.map((item) => item.dead_letters))
  return { status, history: (name, minutes) => historyOf(name, minutes, kind), dead: letters(most), search: (request) => searchOf(request, kind) }
}

function historyOf(vectorizer, minutes, kind) {
  const step = minutes > 720 ? Math.ceil(minutes / 720) * 60 : 60
  const steps = kind === 'empty' ? 0 : Math.floor((minutes * 60) / step)
  const end = Math.floor(now() / 1000 / step) * step
  const out = { vectorizer, step_seconds: step, at: [], jobs: [], dead_letters: [], rows: [], tokens: [], freshness_p50_seconds: [], freshness_p99_seconds: [] }
  let seed = 7
  const noise = () => (seed = (seed * 16807) % 2147483647) / 2147483647
  for (let index = steps; index > 0; --index) {
    const phase = index / steps
    const wave = Math.sin(phase * 21) + Math.sin(phase * 8) + noise()
    if (phase > 0.62 && phase < 0.68) continue // no worker ran
    const rows = Math.max(0, Math.round((22000 + wave * 4200 + noise() * 3000) * (step / 60)))
    const fresh = phase < 0.31 && phase > 0.29 ? null : 0.24 + 0.08 * wave ** 2
    out.at.push(end - index * step)
    out.jobs.push(Math.round(888000 + phase * 1400000 + wave * 30000))
    out.dead_letters.push(4)
    out.rows.push(rows)
    out.tokens.push(rows * 199)
    out.freshness_p50_seconds.push(fresh)
    out.freshness_p99_seconds.push(fresh && fresh * (4 + 6 * noise() ** 3))
  }
  return out
}

const texts = ['Restore a backup into a new cluster', 'Backups that nobody has restored', 'How to keep a copy in another region', '<b>Bold</b> is text here, and no markup', 'What to do when the disk is full']

function searchOf({ query, mode = 'hybrid', k = 10, explain, highlight }, kind) {
  if (query === 'refuse') return { status: 503, code: 'rate_limited', detail: 'the endpoint takes no more queries at the moment; try again in 2 s' }
  const degraded = kind === 'broken' && mode !== 'text' ? { leg: 'vector', reason: 'quota_exhausted', message: quota } : null
  const hits = query === 'nothing' ? [] : texts.slice(0, k).map((title, index) => {
    const vector = mode !== 'text' && !degraded
    const ranks = { ...(vector ? { vector: index + 1 } : {}), ...(mode !== 'vector' ? { text: ((index * 3) % 5) + 1 } : {}) }
    const score = Object.values(ranks).reduce((sum, rank) => sum + 1 / (60 + rank), 0)
    const body = `${title}. A backup is good once it was restored: into another place, by another person, against the clock. ${'Keep the notes of each try. '.repeat(4)}`
    return {
      key: { id: 7 + index * 13 }, score, similarity: vector ? 0.71 - index * 0.048 : null, ranks, row: { id: 7 + index * 13, title, body, owner: index % 2 ? null : 'operations' },
      ...(highlight ? { highlight: `${title}. A ${highlight.start}backup${highlight.end} is good once it was restored` } : {}),
    }
  })
  const plan = [{ node: 'Limit' }, { node: 'Index Scan', relation: 'documents', index: 'embedd_vector_1' }, { node: 'Bitmap Index Scan', index: 'embedd_text_1' }]
  return {
    hits, returned: hits.length, returned_fewer: query === 'fewer' ? 'candidates: each leg proposed no more than 200 rows; ask for more' : null, degraded, mode: degraded ? 'text' : mode, model: 'text-embedding-3-small', took_ms: 41.7,
    ...(explain ? { explain: { embed_ms: 33.2, database_ms: 7.9, plan } } : {}),
  }
}
