// What the server's words mean to a person: tones, explanations, and what needs attention.
import { about, count, limited, money, perSecond, prefixed, seconds, unknown } from './format.js'

const conditions = {
  broken: ['bad', 'needs repair'],
  'no worker': ['bad', 'rows wait for one'],
  waiting: ['warn', ''],
  retrying: ['warn', 'rows that failed before'],
  paused: ['warn', 'by a person'],
  filling: ['busy', 'for the first time'],
  embedding: ['busy', 'changed rows'],
  'not walked': ['busy', 'no worker has read it yet'],
  current: ['good', ''],
}

/// [tone, explanation] of a vectorizer's condition.
export const ofCondition = (word) => conditions[word] ?? ['warn', '']

const endpointTones = { ready: 'good', slowed: 'warn', paused_by_server: 'warn', probing: 'warn', budget_spent: 'warn' }

/// [tone, words] of an endpoint's state; null: no worker has said anything.
export function ofEndpoint(state) {
  if (state === null || state === undefined || state === '') return ['idle', 'unknown']
  return [endpointTones[state] ?? 'bad', spoken(state)]
}

const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1)
export const spoken = (word) => word.replaceAll('_', ' ')

export function budgetWords(budget) {
  if (!budget) return ''
  const parts = []
  if (budget.usd_per_day !== null && budget.usd_per_day !== undefined) parts.push(money(budget.usd_per_day).text)
  if (budget.tokens_per_day !== null && budget.tokens_per_day !== undefined) parts.push(`${count(budget.tokens_per_day).text} tokens`)
  return parts.join(' and ')
}

function saidBy(problem, workers) {
  if (problem.stopped_seconds !== null && problem.stopped_seconds !== undefined)
    return `said a worker that stopped ${seconds(problem.stopped_seconds).text} ago`
  return workers ? `say ${problem.workers} of ${workers.length} workers` : `say ${problem.workers} workers`
}

/// What is to be said of a vectorizer: [{tone, words, command}], the worst first.
export function notesOf(item, status) {
  const notes = []
  const note = (tone, words, command = '') => notes.push({ tone, words, command })
  const waits = item.jobs > 0 || item.unwalked_rows > 0
  if (item.problem) note('bad', `It is broken: ${item.problem}`)
  const said = (item.reported_problems ?? []).some((problem) => problem.state === 'budget_spent')
  if (item.budget?.spent && !said)
    note('warn', `Today’s budget of ${budgetWords(item.budget)} is spent. Rows wait for the next day (UTC), or for a larger budget:`, `embedd vectorizer budget ${item.name}`)
  for (const problem of item.reported_problems ?? [])
    note('warn', `${capital(spoken(problem.state))}, ${saidBy(problem, status.workers)}: ${problem.message}`)
  if (item.state === 'paused' || item.condition === 'paused')
    note('warn', waits ? 'It is paused, and rows wait. To go on:' : 'It is paused. To go on:', `embedd vectorizer resume ${item.name}`)
  if (item.unwalked_rows > 0)
    note('busy', `${limited(item.unwalked_rows).text} rows wait to be looked at for the first time.`)
  if (item.chunks_waiting > 0) note('busy', `${limited(item.chunks_waiting).text} chunks of its rows have no vector yet.`)
  if (item.jobs > 0 && item.due === 0 && item.leased === 0 && item.next_try_seconds !== null)
    note('warn', `Rows that failed are tried again, the next in ${seconds(item.next_try_seconds).text}.`)
  if (item.index_wanted)
    note('idle', `There is no vector index yet${waits ? '; build it once the backlog is done' : ''}:`, `embedd vectorizer reindex ${item.name}`)
  if (item.note) note('idle', item.note)
  return notes
}

/// What a person should look at, of everything: [{tone, who, hash, words, command}], the worst first.
export function attentionOf(status) {
  const found = []
  const say = (tone, who, hash, words, command = '') => found.push({ tone, who, hash, words, command })
  if (status.workers && status.workers.length === 0 && status.vectorizers.length > 0)
    say('bad', 'No worker runs', '', 'Nothing is embedded until one does:', 'embedd worker')
  const heard = new Set()
  for (const item of status.vectorizers) {
    const hash = `#/${encodeURIComponent(item.name)}`
    for (const { tone, words, command } of notesOf(item, status))
      if (tone === 'bad' || tone === 'warn') say(tone, item.name, hash, words, command)
    for (const problem of item.reported_problems ?? []) heard.add(problem.message)
    if (item.dead_letters > 0) {
      const many = item.dead_letters === 1 ? '1 row' : `${limited(item.dead_letters).text} rows`
      say('warn', item.name, `${hash}/dead`, `${many} cannot be embedded as they are: see the dead letters.`)
    }
  }
  for (const endpoint of status.endpoints ?? []) {
    const [tone, word] = ofEndpoint(endpoint.state)
    if (tone === 'bad' && !heard.has(endpoint.message)) say(tone, endpoint.name, '', `${capital(word)}: ${endpoint.message}`)
  }
  for (const worker of status.workers ?? []) {
    const who = workerName(worker)
    if (worker.silent_seconds > 30) say('warn', who, '', `The worker was last heard of ${seconds(worker.silent_seconds).text} ago.`)
    for (const problem of worker.problems ?? []) if (!heard.has(problem)) say('warn', who, '', problem)
  }
  const order = { bad: 0, warn: 1 }
  return found.sort((one, other) => order[one.tone] - order[other.tone])
}

export const workerName = (worker) => `${worker.hostname}:${worker.pid}`

/// [tone, words]: what a worker does at the moment.
export function ofWorker(worker) {
  if (worker.draining) return ['warn', 'stopping']
  if (worker.silent_seconds > 30) return ['bad', 'silent']
  if (worker.problems?.length && !(worker.requests_in_flight > 0)) return ['warn', 'waiting']
  if (worker.requests_in_flight > 0 || worker.leases > 0) return ['busy', 'embedding']
  return ['good', 'idle']
}

/// Vectorizers with each successor behind the one that it is to replace: [{item, nested}].
export function nestedOf(vectorizers) {
  const names = new Set(vectorizers.map((item) => item.name))
  const out = []
  for (const item of vectorizers) {
    if (item.replaces && names.has(item.replaces)) continue
    out.push({ item, nested: false })
    for (const other of vectorizers) if (other.replaces === item.name) out.push({ item: other, nested: true })
  }
  return out
}

/// What a day has cost: the least that it can be, if the price of some tokens is not known.
export function costOf(today) {
  const cost = money(today?.cost_usd)
  return today?.unpriced_tokens > 0 && !cost.unknown ? prefixed('at least ', cost) : cost
}

/// Facts about all vectorizers. If a part is not known, the sum of the others is the least that it can be.
export function totalsOf({ vectorizers }) {
  const sum = (of, words) => {
    const known = vectorizers.map(of).filter((n) => n !== null && n !== undefined)
    if (vectorizers.length > 0 && known.length === 0) return unknown
    const least = known.reduce((all, n) => all + n, 0)
    if (known.length === vectorizers.length) return words(least)
    return least > 0 ? prefixed('at least ', words(least)) : unknown
  }
  const cost = sum((item) => (item.today?.tokens === 0 ? 0 : item.today?.cost_usd), money)
  const partly = vectorizers.some((item) => item.today?.unpriced_tokens > 0)
  return {
    jobs: sum((item) => item.jobs, (n) => about(n, vectorizers.every((item) => item.jobs_exact))),
    dead: sum((item) => item.dead_letters, limited),
    tokens: sum((item) => item.today?.tokens, count),
    cost: partly && !cost.unknown && !cost.text.startsWith('at least') ? prefixed('at least ', cost) : cost,
    rate: sum((item) => item.rows_per_second, perSecond),
  }
}
