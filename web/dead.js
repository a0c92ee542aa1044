// A vectorizer's dead letters: seen, filtered, retried and purged. Nothing is changed without a filter.
import { ask, pathOf } from './api.js'
import { confirm, el, keyed, keyText, rowOf, setFact, setText, table } from './dom.js'
import { count, countLimit, limited, moment } from './format.js'
import { hashOf } from './place.js'
import { spoken } from './words.js'

const ages = {
  '': 'any time',
  'newer_than=1h': 'within the last hour',
  'newer_than=24h': 'within 24 hours',
  'newer_than=7d': 'within 7 days',
  'older_than=1h': 'over an hour ago',
  'older_than=24h': 'over 24 hours ago',
  'older_than=7d': 'over 7 days ago',
}
const fields = ['kind', 'key', 'older_than', 'newer_than']
const shown = 100
const columns = [['Row', 'key:name'], ['Kind', 'kind:text'], ['Reason', 'message:text', 'words'], ['Attempts', 'attempts:fact', 'number'], ['Failed', 'failed:fact'], ['Change', 'one:button']]
/// The list is asked for again if the number of dead letters has changed, but no more often than this.
const refreshAfter = 5000

export class DeadLetters {
  constructor(name) {
    this.name = name
    this.kind = el('select', { id: 'dead-kind' }, el('option', { value: '' }, 'every kind'))
    this.key = el('input', { id: 'dead-key', type: 'text', autocomplete: 'off', spellcheck: 'false', placeholder: '5 or {"id": 5}', maxlength: '4096' })
    this.age = el('select', { id: 'dead-age' }, Object.entries(ages).map(([value, words]) => el('option', { value }, words)))
    const field = (label, input) => el('div', { class: 'field' }, el('label', { for: input.id }, label), input)
    this.form = el(
      'form',
      { class: 'filter', onsubmit: (event) => this.#submit(event) },
      field('Kind', this.kind),
      field('Key', this.key),
      field('Failed', this.age),
      el('button', { type: 'submit' }, 'Filter'),
      el('a', { href: hashOf({ vectorizer: name, tab: 'dead' }), class: 'clear' }, 'Clear'),
    )
    this.kind.addEventListener('change', () => this.form.requestSubmit())
    this.age.addEventListener('change', () => this.form.requestSubmit())
    this.said = el('p', { role: 'status', tabindex: '-1' })
    this.retry = el('button', { type: 'button', onclick: () => this.#change('retry', this.filter) }, 'Retry these…')
    this.purge = el('button', { type: 'button', class: 'danger-quiet', onclick: () => this.#change('purge', this.filter) }, 'Purge these…')
    this.why = el('p', { class: 'muted', id: 'dead-why' })
    for (const button of [this.retry, this.purge]) button.setAttribute('aria-describedby', 'dead-why')
    this.table = table('Dead letters', columns, 'dead')
    this.frame = el('div', { class: 'frame' }, this.table.node)
    this.node = el('div', {}, el('h2', {}, 'Dead letters'), el('p', { class: 'muted' }, 'Rows that cannot be embedded as they are. They stay here until a person retries or purges them, or until their text changes.'), this.form, el('div', { class: 'bulk' }, this.said, el('div', { class: 'actions' }, this.retry, this.purge)), this.why, this.frame)
    this.frame.hidden = true
  }

  go(parameters) {
    const filter = Object.fromEntries(fields.filter((field) => parameters[field]).map((field) => [field, parameters[field]]))
    if (this.filter && JSON.stringify(filter) === JSON.stringify(this.filter)) return
    this.filter = filter
    this.key.value = filter.key ?? ''
    choose(this.kind, filter.kind ?? '', spoken(filter.kind ?? ''))
    choose(this.age, new URLSearchParams(Object.entries(filter).filter(([field]) => field.endsWith('than'))).toString(), ageWords(filter))
    this.answer = null
    this.#load()
  }

  update(item, status) {
    this.rights = status.rights
    const changed = this.counted !== undefined && this.counted !== item.dead_letters
    if (this.counted === undefined) this.counted = item.dead_letters
    if (this.filter && changed && performance.now() - this.askedAt > refreshAfter) {
      this.counted = item.dead_letters
      this.#load()
    }
    this.#allow()
  }

  #submit(event) {
    event.preventDefault()
    const age = Object.fromEntries(new URLSearchParams(this.age.value))
    location.hash = hashOf({ vectorizer: this.name, tab: 'dead', parameters: { kind: this.kind.value, key: this.key.value.trim(), ...age } })
  }

  async #load() {
    this.asking?.abort()
    const asking = (this.asking = new AbortController())
    this.askedAt = performance.now()
    if (this.rights?.dead_letters === false) return this.#refuse(this.rights.why_no_dead_letters || this.rights.why_not)
    if (!this.answer) setText(this.said, 'Asking…')
    try {
      const answer = await ask(pathOf(this.name, 'dead', { ...this.filter, limit: shown }), { signal: asking.signal })
      if (asking.signal.aborted) return
      this.answer = answer
      this.#show()
    } catch (problem) {
      if (asking.signal.aborted) return
      this.#refuse(problem.message)
    }
  }

  #refuse(words) {
    this.answer = null
    this.frame.hidden = true
    setText(this.said, `The dead letters cannot be shown: ${words}`)
    this.#allow()
  }

  #show() {
    const { dead_letters: letters, kinds } = this.answer
    for (const kind of Object.keys(kinds)) offer(this.kind, kind, '')
    for (const option of [...this.kind.options].slice(1)) setText(option, `${spoken(option.value)} (${limited(kinds[option.value] ?? 0).text})`)
    setText(this.said, this.#summary())
    this.frame.hidden = letters.length === 0
    keyed(this.table.body, letters, (letter) => JSON.stringify(letter.key), (letter) => this.#row(letter), showLetter)
    this.#allow()
  }

  #summary() {
    const { dead_letters: letters, more } = this.answer
    if (letters.length === 0) return this.#filtered() ? 'No dead letter passes this filter.' : 'There is no dead letter. Nothing needs to be done.'
    const number = `${letters.length === 1 ? '1 dead letter' : `${count(letters.length).text} dead letters`}`
    const of = this.#filtered() ? ` with ${filterWords(this.filter)}` : ''
    return more ? `The newest ${number}${of}; there are more.` : `${number}${of}.`
  }

  #filtered() {
    return Object.keys(this.filter ?? {}).length > 0
  }

  /// Why nothing can be changed, in words; '' if it can.
  #whyNot() {
    if (!this.rights?.write) return this.rights?.why_no_dead_letters || this.rights?.why_not || 'This token may not change anything.'
    if (!this.answer || this.answer.dead_letters.length === 0) return ''
    return this.#filtered() ? '' : 'To retry or purge several, filter them first: by kind, key or age. To change all of a vectorizer: embedd dead retry, embedd dead purge.'
  }

  #allow() {
    const why = this.#whyNot()
    const none = !this.answer || this.answer.dead_letters.length === 0
    setText(this.why, why)
    this.retry.disabled = this.purge.disabled = Boolean(why) || none || !this.#filtered()
    for (const { one } of this.table.body.parts?.values() ?? []) one.disabled = !this.rights?.write
  }

  #row({ key }) {
    const row = rowOf(columns)
    setText(row.key, keyText(key))
    setText(row.one, 'Retry…')
    row.one.ariaLabel = `Retry row ${keyText(key)}`
    row.one.onclick = () => this.#change('retry', { key })
    return row
  }

  /// How many rows the filter means, as far as the page can know.
  #number(filter) {
    if (filter !== this.filter) return '1'
    const { dead_letters: letters, more, kinds } = this.answer
    if (!more) return String(letters.length)
    const onlyKind = Object.keys(filter).join() === 'kind'
    const n = onlyKind ? kinds[filter.kind] : undefined
    if (n === undefined) return `more than ${letters.length}`
    return n >= countLimit ? `${count(n).text} or more` : count(n).text
  }

  async #change(what, filter) {
    if (!filter || Object.keys(filter).length === 0) return
    const number = this.#number(filter)
    const letters = number === '1' ? '1 dead letter' : `${number} dead letters`
    const consequence =
      what === 'retry'
        ? 'The rows go back into the queue. Those that fail again come back here; each try may cost tokens.'
        : 'The reasons are deleted for good. The rows stay as they are, and get no vector until their text changes.'
    let rows = 0
    const done = await confirm({
      title: `${what === 'retry' ? 'Retry' : 'Purge'} ${letters} of ${this.name}?`,
      words: [el('p', {}, 'Filter: ', el('strong', {}, filterWords(filter)), '. Whatever passes this filter at that moment is meant.'), el('p', {}, consequence)],
      yes: `${what === 'retry' ? 'Retry' : 'Purge'} ${letters}`,
      danger: what === 'purge',
      act: async () => ({ rows } = await ask(pathOf(this.name, `dead/${what}`), { body: filter })),
    })
    if (!done) return
    const words = `${count(rows).text} ${rows === 1 ? 'row was' : 'rows were'} ${what === 'retry' ? 'put back into the queue' : 'purged'}.`
    await this.#load()
    setText(this.said, `${words} ${this.answer ? this.#summary() : ''}`)
    if (document.activeElement === document.body) this.said.focus()
  }

  close() {
    this.asking?.abort()
  }
}

/// The option of a value, which is added if the list lacks it: an address may name what nobody offered.
function offer(select, value, words) {
  const found = [...select.options].find((option) => option.value === value)
  if (!found) select.append(el('option', { value }, words))
  return found ?? select.lastChild
}

const choose = (select, value, words) => (offer(select, value, words).selected = true)

function showLetter(row, letter) {
  setText(row.kind, spoken(letter.kind))
  setText(row.message, letter.message)
  setFact(row.attempts, count(letter.attempts))
  setFact(row.failed, moment(letter.failed_at))
}

const keyWords = (key) => (typeof key === 'string' ? key : keyText(key))

const ageWords = ({ older_than: older, newer_than: newer }) => [older && `failed over ${older} ago`, newer && `failed within ${newer}`].filter(Boolean).join(' and ')

function filterWords(filter) {
  const parts = []
  if (filter.kind) parts.push(`kind ${spoken(filter.kind)}`)
  if (filter.key) parts.push(`key ${keyWords(filter.key)}`)
  const age = ageWords(filter)
  if (age) parts.push(age)
  return parts.join(', ')
}
