// All vectorizers, endpoints and workers on one page.
import { dot, el, keyed, rowOf, setBadge, setFact, setText, table } from './dom.js'
import { about, count, limited, none, perSecond, percent, prefixed, seconds, unknown } from './format.js'
import { attentionOf, budgetWords, costOf, nestedOf, ofCondition, ofEndpoint, ofWorker, totalsOf, workerName } from './words.js'

const mostShown = 6

export class Overview {
  constructor() {
    this.heading = el('h1', { tabindex: '-1' }, 'Overview')
    this.totals = new Totals()
    this.attention = new Attention()
    this.vectorizers = new Section('Vectorizers', vectorizerColumns, 'vectorizers', noVectorizer)
    this.endpoints = new Section('Endpoints', endpointColumns, '', noEndpoint)
    this.workers = new Section('Workers', workerColumns, '', noWorker)
    this.node = el('div', { class: 'view' }, this.heading, [this.totals, this.attention, this.vectorizers, this.endpoints, this.workers].map((part) => part.node))
  }

  update(status) {
    this.totals.update(status)
    this.attention.update(status)
    this.vectorizers.update(nestedOf(status.vectorizers), ({ item }) => item.name, showVectorizer)
    this.endpoints.update(status.endpoints ?? [], (item) => item.name, showEndpoint)
    this.workers.update(status.workers ?? [], (item) => item.id, showWorker, status.workers ? noWorker : hiddenWorkers)
  }

  close() {}
}

class Totals {
  facts = {}

  constructor() {
    const names = { jobs: 'Rows waiting', rate: 'Embedded now', dead: 'Dead letters', tokens: 'Tokens today', cost: 'Cost today', workers: 'Workers' }
    const parts = Object.entries(names).map(([name, title]) => el('div', {}, el('dt', {}, title), (this.facts[name] = el('dd'))))
    this.node = el('dl', { class: 'totals' }, parts)
  }

  update(status) {
    const workers = status.workers ? count(status.workers.length) : { ...unknown, text: 'not shown to this token' }
    for (const [name, fact] of Object.entries({ ...totalsOf(status), workers })) setFact(this.facts[name], fact)
  }
}

class Attention {
  constructor() {
    this.list = el('ul', { class: 'notes' })
    this.more = el('button', { type: 'button', class: 'quiet', hidden: true, onclick: () => this.#toggle() })
    this.node = el('section', { class: 'attention', 'aria-labelledby': 'attention' }, el('h2', { id: 'attention' }, 'Needs attention'), this.list, this.more)
    this.all = false
  }

  #toggle() {
    this.all = !this.all
    this.update(this.status)
  }

  update(status) {
    this.status = status
    const found = attentionOf(status)
    this.node.hidden = found.length === 0
    showNotes(this.list, this.all ? found : found.slice(0, mostShown))
    this.more.hidden = found.length <= mostShown
    setText(this.more, this.all ? 'Show fewer' : `Show all ${found.length}`)
  }
}

/// Notes of words.js as lines of a list.
export function showNotes(list, notes) {
  const create = ({ who, hash }) => {
    const part = { words: el('span'), command: el('code') }
    const name = hash ? el('a', { href: hash }, who) : el('strong', {}, who ?? '')
    return { ...part, node: el('li', {}, dot(), name, ' ', part.words, ' ', part.command) }
  }
  keyed(list, notes, (note, index) => `${index} ${note.who} ${note.hash}`, create, (part, note) => {
    part.node.dataset.tone = note.tone
    setText(part.words, note.words)
    setText(part.command, note.command)
    part.command.hidden = !note.command
  })
}

/// A table under a heading, or words if it has no row.
class Section {
  constructor(title, columns, of, nothing) {
    const id = title.toLowerCase()
    Object.assign(this, { columns, nothing, made: table(title, columns, of), empty: el('div', { class: 'empty' }, nothing()) })
    this.frame = el('div', { class: 'frame' }, this.made.node)
    this.node = el('section', { 'aria-labelledby': id }, el('h2', { id }, title), this.empty, this.frame)
  }

  update(items, keyOf, show, nothing = this.nothing) {
    if (nothing !== this.nothing) this.empty.replaceChildren(...nothing())
    this.nothing = nothing
    this.empty.hidden = items.length > 0
    this.frame.hidden = items.length === 0
    keyed(this.made.body, items, keyOf, () => rowOf(this.columns), show)
  }
}

const paragraph = (...parts) => [el('p', {}, ...parts)]
const noVectorizer = () => [
  el('p', {}, el('strong', {}, 'No vectorizer is declared yet.'), ' A vectorizer says which column holds the vectors of which text. Declare one, and start a worker:'),
  el('pre', { tabindex: '0', role: 'group', 'aria-label': 'Commands' }, "embedd vectorizer create documents --table documents --text '{title} {body}' --column embedding\nembedd worker"),
]
const noEndpoint = () => paragraph('No endpoint is known to this server. ', el('code', {}, 'embedd check'), ' says what is configured.')
const noWorker = () => paragraph('No worker runs, so nothing is embedded. Start one, here or on any machine: ', el('code', {}, 'embedd worker'))
const hiddenWorkers = () => paragraph('Workers are not shown to this token, which may use only some vectorizers.')

const vectorizerColumns = [
  ['Vectorizer', 'name:link source:small'],
  ['State', 'state:badge why:small'],
  ['Rows done', 'done:fact share:fact progress:bar finish:small', 'rows'],
  ['Queue', 'queue:fact oldest:small', 'number'],
  ['Freshness', 'p50:fact p99:small', 'number'],
  ['Pace', 'rate:fact', 'number'],
  ['Today', 'tokens:fact cost:small', 'number'],
  ['Dead letters', 'dead:link noDead:fact', 'number'],
]

function showVectorizer(row, { item, nested }) {
  const hash = `#/${encodeURIComponent(item.name)}`
  row.node.classList.toggle('nested', nested)
  setText(row.name, item.name)
  row.name.href = hash
  setText(row.source, `${item.replaces ? `to replace ${item.replaces} · ` : ''}${item.source} · ${item.model}`)
  const [tone, why] = ofCondition(item.condition)
  setBadge(row.state, tone, item.condition)
  setText(row.why, why)
  showProgress(row, item)
  setFact(row.queue, about(item.jobs, item.jobs_exact))
  const oldest = seconds(item.oldest_age_seconds)
  setText(row.oldest, oldest.unknown ? '' : `oldest ${oldest.text}`)
  const [p50, p99] = freshOf(item)
  setFact(row.p50, prefixed('p50 ', p50))
  setText(row.p99, p99.unknown ? '' : `p99 ${p99.text}`)
  setFact(row.rate, perSecond(item.rows_per_second))
  setFact(row.tokens, prefixed('', count(item.today?.tokens), ' tokens'))
  const budget = budgetWords(item.budget)
  const cost = costOf(item.today)
  setText(row.cost, cost.unknown ? `price unknown${budget ? `, budget ${budget}` : ''}` : `${cost.text}${budget ? ` of ${budget}` : ''}`)
  row.dead.href = `${hash}/dead`
  row.dead.hidden = !(item.dead_letters > 0)
  row.noDead.hidden = !row.dead.hidden
  for (const part of [row.dead, row.noDead]) setFact(part, limited(item.dead_letters))
}

/// [p50, p99] of the last hour.
export function freshOf({ freshness }) {
  const noRow = { ...none, text: 'no row' }
  if (!freshness || freshness.p50_seconds === null) return [noRow, noRow]
  return [seconds(freshness.p50_seconds), seconds(freshness.p99_seconds)]
}

/// Rows done of all, as words and as a bar, which is left out if either is not known; and how long the others take.
export function showProgress({ done, share, progress, finish }, item) {
  const rows = item.rows ?? {}
  const all = about(rows.all, rows.exact)
  const part = count(rows.done)
  const known = !all.unknown && !part.unknown
  if (known) setFact(done, { text: `${part.text} of ${all.text}`, exact: `${part.exact} of ${all.exact}` })
  else setFact(done, part.unknown ? prefixed('unknown, of ', all) : prefixed('', part, ' of an unknown number'))
  setFact(share, known ? percent(Math.min(rows.done, rows.all), rows.all) : { text: '', exact: '' })
  progress.ariaLabel = `Rows of ${item.name} that are done`
  progress.hidden = !known
  if (known) progress.value = rows.all === 0 ? 1 : Math.min(rows.done / rows.all, 1)
  const waits = item.jobs > 0 || item.unwalked_rows > 0
  setText(finish, item.seconds_to_finish > 0 ? `about ${seconds(item.seconds_to_finish).text} to finish` : waits ? 'time to finish unknown' : '')
}

const endpointColumns = [
  ['Endpoint', 'name:name dialect:small'],
  ['State', 'state:badge why:small'],
  ['In the provider’s words', 'message:text', 'words'],
  ['Workers', 'workers:fact', 'number'],
  ['Requests at a time', 'requests:fact found:small', 'number'],
  ['Pace', 'rate:fact', 'number'],
]

function showEndpoint(row, item) {
  setText(row.name, item.name)
  setText(row.dialect, `${item.dialect ?? 'not configured here'}${item.has_key === false ? ' · no key here' : ''}`)
  setBadge(row.state, ...ofEndpoint(item.state))
  setText(row.why, item.state ? '' : 'no worker says')
  setFact(row.message, item.message ? { text: item.message } : none)
  setFact(row.workers, count(item.workers))
  setFact(row.requests, count(item.requests_in_flight))
  const found = count(item.concurrency)
  setText(row.found, found.unknown ? 'limit unknown' : `of ${found.text} found to be good`)
  setFact(row.rate, perSecond(item.rows_per_second))
}

const workerColumns = [
  ['Worker', 'name:name version:small'],
  ['Does', 'state:badge'],
  ['Says', 'says:text', 'words'],
  ['Up', 'up:fact', 'number'],
  ['Heard of', 'heard:fact', 'number'],
  ['Rows embedded', 'rows:fact', 'number'],
  ['Pace', 'rate:fact', 'number'],
  ['Requests', 'requests:fact', 'number'],
  ['Leases', 'leases:fact', 'number'],
]

function showWorker(row, item) {
  setText(row.name, workerName(item))
  setText(row.version, `embedd ${item.version}`)
  setBadge(row.state, ...ofWorker(item))
  setFact(row.says, item.problems?.length ? { text: item.problems.join(' · ') } : none)
  setFact(row.up, seconds(item.up_seconds))
  setFact(row.heard, prefixed('', seconds(item.silent_seconds), ' ago'))
  setFact(row.rows, count(item.rows_embedded))
  setFact(row.rate, perSecond(item.rows_per_second))
  setFact(row.requests, count(item.requests_in_flight))
  setFact(row.leases, count(item.leases))
}
