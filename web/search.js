// A search of a vectorizer, with the ranks of each leg, and how the answer was found.
import { ask, pathOf } from './api.js'
import { el, factOf, keyText, setText, words } from './dom.js'
import { count, seconds, similarity } from './format.js'
import { hashOf } from './place.js'
import { spoken } from './words.js'

/// What PostgreSQL puts around the query's words; nobody writes these characters.
const [opens, closes] = ['\u27e6', '\u27e7']
const mostText = 600

export class Search {
  constructor(name) {
    this.name = name
    this.query = el('input', { id: 'search-query', type: 'search', autocomplete: 'off', maxlength: '8192', required: true, placeholder: 'Words or a question' })
    const modes = { '': 'as usual', hybrid: 'meaning and words', vector: 'meaning', text: 'words' }
    this.mode = el('select', { id: 'search-mode' }, Object.entries(modes).map(([value, words]) => el('option', { value }, words)))
    this.k = el('input', { id: 'search-k', type: 'number', min: '1', max: '1000', value: '10' })
    this.exact = el('input', { id: 'search-exact', type: 'checkbox' })
    this.explain = el('input', { id: 'search-explain', type: 'checkbox' })
    const field = (label, input, of = '') => el('div', { class: `field ${of}` }, el('label', { for: input.id }, label), input)
    const tick = (label, input) => el('div', { class: 'tick' }, input, el('label', { for: input.id }, label))
    this.form = el(
      'form',
      { class: 'filter', role: 'search', onsubmit: (event) => this.#submit(event) },
      field('Search for', this.query, 'grow'),
      field('By', this.mode),
      field('Hits', this.k, 'narrow'),
      tick('Exact (no index)', this.exact),
      tick('Explain', this.explain),
      el('button', { type: 'submit', class: 'primary' }, 'Search'),
    )
    this.said = el('p', { role: 'status' })
    this.notices = el('div', {})
    this.hits = el('ol', { class: 'hits' })
    this.explained = el('div', {})
    this.node = el('div', {}, el('h2', {}, `Search ${name}`), this.form, this.said, this.notices, this.hits, this.explained)
  }

  go({ q = '', mode = '', k = '', exact = '', explain = '' }) {
    const asked = JSON.stringify([q, mode, k, exact, explain])
    if (this.asked === asked) return
    this.asked = asked
    this.query.value = q
    this.mode.value = ['hybrid', 'vector', 'text'].includes(mode) ? mode : ''
    this.k.value = k || '10'
    this.exact.checked = exact === '1'
    this.explain.checked = explain === '1'
    if (q) this.#wait()
    else this.#clear('The search answers as an application’s would: with each leg’s ranks, and with the reason if something is missing.')
  }

  update(item) {
    this.item = item
    for (const mode of ['hybrid', 'text']) this.mode.querySelector(`[value=${mode}]`).disabled = !item.text_search
    if (this.waiting) this.#ask()
  }

  /// The search needs to know whether the vectorizer has a text configuration.
  #wait() {
    this.waiting = true
    if (this.item) this.#ask()
  }

  #submit(event) {
    event.preventDefault()
    const parameters = { q: this.query.value, mode: this.mode.value, k: this.k.value === '10' ? '' : this.k.value, exact: this.exact.checked ? '1' : '', explain: this.explain.checked ? '1' : '' }
    const hash = hashOf({ vectorizer: this.name, tab: 'search', parameters })
    if (location.hash !== hash) location.hash = hash
    else this.#ask()
  }

  #clear(words) {
    this.asking?.abort()
    this.waiting = false
    setText(this.said, words)
    for (const part of [this.notices, this.hits, this.explained]) part.replaceChildren()
  }

  #body() {
    const body = { query: this.query.value, k: Number(this.k.value) || 10, explain: this.explain.checked, exact: this.exact.checked }
    if (this.mode.value) body.mode = this.mode.value
    if (this.item.text_search) body.highlight = { start: opens, end: closes, escape: false, fragments: 2 }
    return body
  }

  async #ask() {
    this.#clear('Searching…')
    const asking = (this.asking = new AbortController())
    try {
      const answer = await ask(pathOf(this.name, 'search'), { body: this.#body(), signal: asking.signal, timeout: 35000 })
      if (!asking.signal.aborted) this.#show(answer)
    } catch (problem) {
      if (!asking.signal.aborted) this.#clear(`The search failed: ${problem.message}`)
    }
  }

  #show(answer) {
    const by = { hybrid: 'by meaning and words', vector: 'by meaning', text: 'by words' }[answer.mode]
    const number = answer.hits.length === 0 ? 'No hit' : answer.hits.length === 1 ? '1 hit' : `${count(answer.hits.length).text} hits`
    setText(this.said, `${number} ${by} in ${seconds(answer.took_ms / 1000).text}, with ${answer.model}.`)
    this.notices.replaceChildren(...noticesOf(answer))
    this.hits.replaceChildren(...answer.hits.map((hit) => hitOf(hit, answer)))
    if (answer.hits.length === 0 && !answer.degraded) this.notices.append(el('p', { class: 'empty' }, this.item.jobs > 0 ? 'Rows still wait to be embedded; they may be missing here.' : 'Try other words, or search by meaning.'))
    this.explained.replaceChildren(...(answer.explain ? [explainedOf(answer)] : []))
  }

  close() {
    this.asking?.abort()
  }
}

function noticesOf({ degraded, returned_fewer: fewer }) {
  const notices = []
  const legs = { vector: 'Searched without the meaning', text: 'Not all rows were searched by their words', score: 'Not in the usual order' }
  if (degraded) notices.push(el('p', { class: 'notice', 'data-tone': 'warn' }, el('strong', {}, legs[degraded.leg] ?? `The leg ${degraded.leg} is degraded`), ` (${spoken(degraded.reason)}): ${degraded.message}`))
  if (fewer) notices.push(el('p', { class: 'notice', 'data-tone': 'warn' }, el('strong', {}, 'Rows may be missing'), `: ${fewer}`))
  return notices
}

function hitOf(hit, answer) {
  const mark = (label, fact) => el('span', { class: 'mark' }, `${label} `, factOf(fact))
  const rank = (leg, words) => (hit.ranks[leg] ? [el('span', { class: 'mark rank' }, `${words} `, el('b', {}, `#${hit.ranks[leg]}`))] : [])
  const own = hit.fused_score !== undefined
  const marks = [
    ...rank('vector', 'meaning'),
    ...rank('text', 'words'),
    mark('similarity', similarity(hit.similarity)),
    mark(own ? 'own score' : answer.mode === 'hybrid' ? 'fused score' : 'score', similarity(hit.score, 4)),
    ...(own ? [mark('fused score', similarity(hit.fused_score, 4))] : []),
  ]
  const keys = Object.keys(hit.key)
  const head = el('div', { class: 'hit-head' }, el('h3', {}, keyText(hit.key)), el('p', { class: 'marks' }, marks))
  const found = hit.chunk?.highlight ?? hit.highlight ?? hit.chunk?.text
  const text = found ? [el('p', { class: 'excerpt' }, hit.chunk ? el('span', { class: 'muted' }, `chunk ${hit.chunk.seq}: `) : null, marked(cut(found)))] : []
  const fields = Object.entries(hit.row).filter(([column]) => !keys.includes(column))
  const row = fields.length ? [el('dl', { class: 'row' }, fields.map(([column, value]) => el('div', {}, el('dt', {}, column), valueOf(value))))] : []
  return el('li', {}, el('article', {}, head, ...text, ...row))
}

const cut = (text) => (text.length > mostText ? `${text.slice(0, mostText)}…` : text)

function valueOf(value) {
  if (value === null) return el('dd', { class: 'unknown' }, 'NULL')
  return el('dd', {}, cut(words(value)))
}

/// The query's words as marks; all else is text.
function marked(text) {
  return text.split(opens).flatMap((part, index) => {
    if (index === 0) return [part]
    const [inside, ...rest] = part.split(closes)
    return [el('mark', {}, inside), rest.join(closes)]
  })
}

function explainedOf(answer) {
  const { embed_ms: embed, database_ms: database, plan } = answer.explain
  const ms = (n) => factOf(seconds(n / 1000))
  const times = el('dl', { class: 'facts' }, [['Query’s vector', embed], ['Database', database], ['In all', answer.took_ms]].map(([title, n]) => el('div', {}, el('dt', {}, title), el('dd', {}, ms(n)))))
  const rows = plan.map((node) => el('tr', {}, el('th', { scope: 'row' }, node.node), el('td', {}, node.relation ?? '–'), el('td', {}, node.index ?? '–')))
  const head = el('tr', {}, ['Step', 'Table', 'Index'].map((title) => el('th', { scope: 'col' }, title)))
  const frame = el('div', { class: 'frame', tabindex: '0', role: 'group', 'aria-label': 'Plan' }, el('table', {}, el('caption', {}, 'The database’s plan'), el('thead', {}, head), el('tbody', {}, rows)))
  return el('section', { class: 'explained', 'aria-label': 'How the answer was found' }, el('h3', {}, 'How the answer was found'), times, frame)
}
