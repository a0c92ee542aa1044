// All vectorizers, endpoints and workers on one page.
import { badge, cell, dot, el, keyed, setBadge, setFact, setText, table } from './dom.js'
import { about, count, limited, money, none, perSecond, percent, prefixed, seconds, unknown } from './format.js'
import { attentionOf, budgetWords, nestedOf, ofCondition, ofEndpoint, ofWorker, totalsOf, workerName } from './words.js'

const mostShown = 6

export class Overview {
  title = 'Overview'

  constructor() {
    this.heading = el('h1', { tabindex: '-1' }, 'Overview')
    this.totals = new Totals()
    this.attention = new Attention()
    this.vectorizers = new Vectorizers()
    this.endpoints = new Endpoints()
    this.workers = new Workers()
    const parts = [this.totals, this.attention, this.vectorizers, this.endpoints, this.workers]
    this.node = el('div', { class: 'view' }, this.heading, ...parts.map((part) => part.node))
  }

  update(status) {
    for (const part of [this.totals, this.attention, this.vectorizers, this.endpoints, this.workers]) part.update(status)
  }

  close() {}
}

class Totals {
  facts = {}

  constructor() {
    const names = { jobs: 'Rows waiting', rate: 'Embedded now', dead: 'Dead letters', tokens: 'Tokens today', cost: 'Cost today', workers: 'Workers' }
    const parts = Object.entries(names).map(([name, title]) => {
      this.facts[name] = el('dd', {}, '')
      return el('div', {}, el('dt', {}, title), this.facts[name])
    })
    this.node = el('dl', { class: 'totals' }, parts)
  }

  update(status) {
    const totals = totalsOf(status)
    for (const [name, fact] of Object.entries(totals)) setFact(this.facts[name], fact)
    const notShown = { text: 'not shown to this token', exact: '', unknown: true }
    setFact(this.facts.workers, status.workers ? count(status.workers.length) : notShown)
  }
}

class Attention {
  constructor() {
    this.list = el('ul', { class: 'notes' })
    this.more = el('button', { type: 'button', class: 'quiet', hidden: true, onclick: () => this.#toggle() })
    this.heading = el('h2', { id: 'attention' }, 'Needs attention')
    this.node = el('section', { class: 'attention', 'aria-labelledby': 'attention' }, this.heading, this.list, this.more)
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
    const shown = this.all ? found : found.slice(0, mostShown)
    keyed(this.list, shown, (item, index) => `${index} ${item.who} ${item.hash}`, (item) => this.#line(item), (part, item) => {
      part.node.dataset.tone = item.tone
      setText(part.words, item.words)
      setText(part.command, item.command)
      part.command.hidden = !item.command
    })
    this.more.hidden = found.length <= mostShown
    setText(this.more, this.all ? 'Show fewer' : `Show all ${found.length}`)
  }

  #line({ who, hash }) {
    const words = el('span', {})
    const command = el('code', {})
    const name = hash ? el('a', { href: hash }, who) : el('strong', {}, who)
    return { node: el('li', {}, dot(), name, ' ', words, ' ', command), words, command }
  }
}

class Vectorizers {
  constructor() {
    const titles = ['Vectorizer', 'State', 'Rows done', 'Queue', 'Freshness', 'Pace', 'Today', 'Dead letters']
    const columns = titles.map((title, index) => ({ title, class: index > 2 ? 'number' : '' }))
    const made = table('Vectorizers', columns, { class: 'cards vectorizers' })
    this.table = made
    this.empty = emptyVectorizers()
    this.node = el('section', { 'aria-labelledby': 'vectorizers' }, el('h2', { id: 'vectorizers' }, 'Vectorizers'), this.empty, el('div', { class: 'frame' }, made.node))
  }

  update(status) {
    this.empty.hidden = status.vectorizers.length > 0
    this.table.node.parentNode.hidden = status.vectorizers.length === 0
    keyed(this.table.body, nestedOf(status.vectorizers), ({ item }) => item.name, ({ item }) => new Row(item), (row, { item, nested }) => row.update(item, nested))
  }
}

function emptyVectorizers() {
  return el(
    'div',
    { class: 'empty' },
    el('p', {}, el('strong', {}, 'No vectorizer is declared yet.'), ' A vectorizer says which column holds the vectors of which text. Declare one, and start a worker:'),
    el('pre', { tabindex: '0', role: 'group', 'aria-label': 'Commands' }, "embedd vectorizer create documents --table documents --text '{title} {body}' --column embedding\nembedd worker"),
  )
}

class Row {
  constructor(item) {
    const small = () => el('small', {})
    const fact = () => el('span', { class: 'fact' })
    const hash = `#/${encodeURIComponent(item.name)}`
    Object.assign(this, { source: small(), state: badge(), why: small(), done: fact(), share: fact(), finish: small(), queue: fact() })
    Object.assign(this, { oldest: small(), p50: fact(), p99: small(), rate: fact(), cost: small(), tokens: fact() })
    this.progress = el('progress', { max: '1', 'aria-label': `Rows of ${item.name} that are done` })
    this.dead = el('a', { href: `${hash}/dead`, class: 'fact' })
    this.deadNone = el('span', { class: 'fact' })
    this.node = el(
      'tr',
      { role: 'row' },
      el('th', { role: 'rowheader', scope: 'row' }, el('a', { href: hash, class: 'name' }, item.name), this.source),
      cell('State', {}, this.state, this.why),
      cell('Rows done', { class: 'rows' }, el('span', { class: 'line' }, this.done, this.share), this.progress, this.finish),
      cell('Queue', { class: 'number' }, this.queue, this.oldest),
      cell('Freshness in the last hour', { class: 'number' }, this.p50, this.p99),
      cell('Pace', { class: 'number' }, this.rate),
      cell('Today', { class: 'number today' }, this.tokens, this.cost),
      cell('Dead letters', { class: 'number' }, this.dead, this.deadNone),
    )
  }

  update(item, nested) {
    this.node.classList.toggle('nested', nested)
    const replaces = item.replaces ? `to replace ${item.replaces} · ` : ''
    setText(this.source, `${replaces}${item.source} · ${item.model}`)
    const [tone, why] = ofCondition(item.condition)
    setBadge(this.state, tone, item.condition)
    setText(this.why, why)
    this.#rows(item)
    setFact(this.queue, about(item.jobs, item.jobs_exact))
    const oldest = item.oldest_age_seconds
    setText(this.oldest, oldest === null || oldest === undefined ? '' : `oldest ${seconds(oldest).text}`)
    this.#freshness(item)
    setFact(this.rate, perSecond(item.rows_per_second))
    setFact(this.tokens, item.today ? prefixed('', count(item.today.tokens), ' tokens') : unknown)
    this.#cost(item)
    const dead = limited(item.dead_letters)
    this.dead.hidden = !(item.dead_letters > 0)
    this.deadNone.hidden = !this.dead.hidden
    setFact(this.dead, dead)
    setFact(this.deadNone, dead)
  }

  #rows(item) {
    showProgress(this, item)
    const left = item.seconds_to_finish
    const waits = item.jobs > 0 || item.unwalked_rows > 0
    setText(this.finish, left > 0 ? `about ${seconds(left).text} to finish` : waits ? 'time to finish unknown' : '')
  }

  #freshness(item) {
    const fresh = item.freshness
    const nothing = !fresh || fresh.rows === 0 || fresh.p50_seconds === null
    setFact(this.p50, nothing ? { ...none, text: 'no row' } : prefixed('p50 ', seconds(fresh.p50_seconds)))
    setText(this.p99, nothing ? '' : `p99 ${seconds(fresh.p99_seconds).text}`)
  }

  #cost(item) {
    const budget = budgetWords(item.budget)
    const cost = money(item.today?.cost_usd)
    const of = budget ? ` of ${budget}` : ''
    setText(this.cost, cost.unknown ? `price unknown${budget ? `, budget ${budget}` : ''}` : `${cost.text}${of}`)
  }
}

/// Rows done of all, as words and as a bar, which is left out if either is not known.
export function showProgress({ done, share, progress }, item) {
  const rows = item.rows ?? { all: null, done: null }
  const all = about(rows.all, rows.exact)
  const part = count(rows.done)
  const known = !all.unknown && !part.unknown
  if (known) setFact(done, { text: `${part.text} of ${all.text}`, exact: `${part.exact} of ${all.exact}` })
  else if (!part.unknown) setFact(done, prefixed('', part, ' of an unknown number'))
  else setFact(done, all.unknown ? unknown : prefixed('unknown, of ', all))
  setFact(share, known ? percent(Math.min(rows.done, rows.all), rows.all) : { text: '', exact: '' })
  progress.hidden = !known
  if (known) progress.value = rows.all === 0 ? 1 : Math.min(rows.done / rows.all, 1)
}

class Endpoints {
  constructor() {
    const columns = ['Endpoint', 'State', 'In the provider’s words', 'Workers', 'Requests at a time', 'Pace'].map((title, index) => ({ title, class: index > 2 ? 'number' : '' }))
    this.table = table('Endpoints', columns, { class: 'cards' })
    this.empty = el('p', { class: 'empty' }, 'No endpoint is known to this server. ', el('code', {}, 'embedd check'), ' says what is configured.')
    this.node = el('section', { 'aria-labelledby': 'endpoints' }, el('h2', { id: 'endpoints' }, 'Endpoints'), this.empty, el('div', { class: 'frame' }, this.table.node))
  }

  update(status) {
    const endpoints = status.endpoints ?? []
    this.empty.hidden = endpoints.length > 0
    this.table.node.parentNode.hidden = endpoints.length === 0
    keyed(this.table.body, endpoints, (item) => item.name, (item) => new EndpointRow(item), (row, item) => row.update(item))
  }
}

class EndpointRow {
  constructor(item) {
    const fact = () => el('span', { class: 'fact' })
    Object.assign(this, { state: badge(), why: el('small', {}), message: el('span', {}), workers: fact(), requests: fact(), found: el('small', {}), rate: fact() })
    this.dialect = el('small', {})
    this.node = el(
      'tr',
      { role: 'row' },
      el('th', { role: 'rowheader', scope: 'row' }, el('span', { class: 'name' }, item.name), this.dialect),
      cell('State', {}, this.state, this.why),
      cell('In the provider’s words', { class: 'words' }, this.message),
      cell('Workers', { class: 'number' }, this.workers),
      cell('Requests at a time', { class: 'number' }, this.requests, this.found),
      cell('Pace', { class: 'number' }, this.rate),
    )
  }

  update(item) {
    setText(this.dialect, `${item.dialect ?? 'not configured here'}${item.has_key === false ? ' · no key here' : ''}`)
    const [tone, word] = ofEndpoint(item.state)
    setBadge(this.state, tone, word)
    setText(this.why, item.state ? '' : 'no worker says')
    setText(this.message, item.message || '–')
    this.message.classList.toggle('unknown', !item.message)
    setFact(this.workers, count(item.workers))
    setFact(this.requests, count(item.requests_in_flight))
    const found = item.concurrency
    setText(this.found, found === null || found === undefined ? 'limit unknown' : `of ${count(found).text} found to be good`)
    setFact(this.rate, perSecond(item.rows_per_second))
  }
}

class Workers {
  constructor() {
    const titles = ['Worker', 'Does', 'Says', 'Up', 'Heard of', 'Rows embedded', 'Pace', 'Requests', 'Leases']
    this.table = table('Workers', titles.map((title, index) => ({ title, class: index > 2 ? 'number' : '' })), { class: 'cards' })
    this.empty = el('p', { class: 'empty' })
    this.node = el('section', { 'aria-labelledby': 'workers' }, el('h2', { id: 'workers' }, 'Workers'), this.empty, el('div', { class: 'frame' }, this.table.node))
  }

  update(status) {
    const workers = status.workers ?? []
    this.empty.hidden = workers.length > 0
    this.table.node.parentNode.hidden = workers.length === 0
    if (!status.workers) setText(this.empty, 'Workers are not shown to this token, which may use only some vectorizers.')
    else if (workers.length === 0 && !this.empty.querySelector('code'))
      this.empty.replaceChildren('No worker runs, so nothing is embedded. Start one, here or on any machine: ', el('code', {}, 'embedd worker'))
    keyed(this.table.body, workers, (item) => item.id, (item) => new WorkerRow(item), (row, item) => row.update(item))
  }
}

class WorkerRow {
  constructor() {
    const fact = () => el('span', { class: 'fact' })
    Object.assign(this, { name: el('span', { class: 'name' }), version: el('small', {}), state: badge(), says: el('span', {}), up: fact(), heard: fact() })
    Object.assign(this, { rows: fact(), rate: fact(), requests: fact(), leases: fact() })
    this.node = el(
      'tr',
      { role: 'row' },
      el('th', { role: 'rowheader', scope: 'row' }, this.name, this.version),
      cell('Does', {}, this.state),
      cell('Says', { class: 'words' }, this.says),
      cell('Up', { class: 'number' }, this.up),
      cell('Heard of', { class: 'number' }, this.heard),
      cell('Rows embedded', { class: 'number' }, this.rows),
      cell('Pace', { class: 'number' }, this.rate),
      cell('Requests', { class: 'number' }, this.requests),
      cell('Leases', { class: 'number' }, this.leases),
    )
  }

  update(item) {
    setText(this.name, workerName(item))
    setText(this.version, `embedd ${item.version}`)
    const [tone, word] = ofWorker(item)
    setBadge(this.state, tone, word)
    setText(this.says, (item.problems ?? []).join(' · ') || '–')
    this.says.classList.toggle('unknown', !item.problems?.length)
    setFact(this.up, seconds(item.up_seconds))
    setFact(this.heard, prefixed('', seconds(item.silent_seconds), ' ago'))
    setFact(this.rows, count(item.rows_embedded))
    setFact(this.rate, perSecond(item.rows_per_second))
    setFact(this.requests, count(item.requests_in_flight))
    setFact(this.leases, count(item.leases))
  }
}
