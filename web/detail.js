// One vectorizer: its facts, and a tab for its history, its dead letters or a search.
import { badge, el, keyed, setBadge, setFact, setText } from './dom.js'
import { DeadLetters } from './dead.js'
import { about, count, limited, moment, none, perSecond, prefixed, seconds, unknown } from './format.js'
import { History } from './history.js'
import { freshOf, showNotes, showProgress } from './overview.js'
import { hashOf } from './place.js'
import { Search } from './search.js'
import { budgetWords, costOf, nestedOf, notesOf, ofCondition } from './words.js'

const tabs = {
  history: ['History', History],
  dead: ['Dead letters', DeadLetters],
  search: ['Search', Search],
}

export class Detail {
  constructor(name) {
    this.name = name
    this.title = name
    this.heading = el('h1', { tabindex: '-1' }, name)
    this.state = badge()
    this.other = el('a', {})
    this.words = el('span', {})
    this.source = el('p', { class: 'muted' }, this.other, this.words)
    this.choice = el('select', { id: 'choice', onchange: () => (location.hash = hashOf({ vectorizer: this.choice.value, tab: this.tab })) })
    this.missing = el('p', { class: 'empty', hidden: true })
    this.notes = el('ul', { class: 'notes' })
    this.facts = new Facts()
    this.links = Object.fromEntries(Object.entries(tabs).map(([tab, [words]]) => [tab, el('a', {}, words)]))
    this.panel = el('section', { class: 'panel' })
    const nav = el('nav', { class: 'tabs', 'aria-label': `Views of ${name}` }, Object.values(this.links))
    this.body = el('div', {}, this.notes, this.facts.node, nav, this.panel)
    const path = el('nav', { class: 'path', 'aria-label': 'Place' }, el('a', { href: '#/' }, 'All vectorizers'), el('label', { for: 'choice' }, 'Vectorizer'), this.choice)
    this.node = el('div', { class: 'view' }, path, el('div', { class: 'headline' }, this.heading, this.state), this.source, this.missing, this.body)
  }

  /// Shows the tab of a place, with the place's parameters.
  go({ tab, parameters }) {
    const asked = JSON.stringify([tab, parameters])
    if (!this.item || this.asked === asked) return
    this.asked = asked
    for (const [name, link] of Object.entries(this.links)) {
      link.href = hashOf({ vectorizer: this.name, tab: name, parameters: name === tab ? parameters : {} })
      link.ariaCurrent = name === tab ? 'page' : null
    }
    if (this.tab !== tab) {
      this.tab = tab
      this.part?.close()
      this.part = new tabs[tab][1](this.name)
      this.panel.setAttribute('aria-label', tabs[tab][0])
      this.panel.replaceChildren(this.part.node)
      this.part.update(this.item, this.status)
    }
    this.part.go(parameters)
  }

  update(status) {
    this.status = status
    this.#choices(status)
    this.item = status.vectorizers.find((item) => item.name === this.name)
    this.missing.hidden = Boolean(this.item)
    this.body.hidden = this.state.hidden = this.source.hidden = !this.item
    if (!this.item) return setText(this.missing, `There is no vectorizer of the name ${this.name}, or this token may not see it.`)
    const [tone] = ofCondition(this.item.condition)
    setBadge(this.state, tone, this.item.condition)
    const item = this.item
    const successor = status.vectorizers.find((other) => other.replaces === item.name)
    const other = item.replaces ?? successor?.name ?? ''
    this.other.hidden = !other
    this.other.href = hashOf({ vectorizer: other })
    setText(this.other, item.replaces ? `To replace ${other}` : other ? `To be replaced by ${other}` : '')
    setText(this.words, `${other ? ' · ' : ''}${item.source} · ${item.endpoint} / ${item.model} · ${item.dimensions} dimensions`)
    const notes = notesOf(item, status)
    this.notes.hidden = notes.length === 0
    showNotes(this.notes, notes)
    this.facts.update(item)
    const dead = item.dead_letters > 0 ? ` (${limited(item.dead_letters).text})` : ''
    setText(this.links.dead, `Dead letters${dead}`)
    this.part?.update(item, status)
  }

  #choices(status) {
    const items = nestedOf(status.vectorizers).map(({ item }) => item.name)
    if (!items.includes(this.name)) items.unshift(this.name)
    keyed(this.choice, items, (name) => name, (name) => ({ node: el('option', { value: name }, name) }), () => {})
    if (document.activeElement !== this.choice) this.choice.value = this.name
  }

  close() {
    this.part?.close()
  }
}

/// The facts of the overview's row, and those that it has no room for.
class Facts {
  parts = {}

  constructor() {
    this.done = this.#fact()
    this.share = this.#fact()
    this.finish = el('small', {})
    this.progress = el('progress', { max: '1' })
    const rows = el('div', { class: 'wide' }, el('dt', {}, 'Rows done'), el('dd', { class: 'rows' }, this.done, this.share, this.progress, this.finish))
    const titles = { queue: 'Queue', fresh: 'Freshness, last hour', rate: 'Pace', tokens: 'Today', cost: 'Cost today', search: 'Searched by words', index: 'Vector index', walked: 'Last walk' }
    this.node = el('dl', { class: 'facts' }, rows, Object.entries(titles).map(([name, title]) => this.#part(name, title)))
  }

  /// Its exact value can be had by the keyboard too.
  #fact() {
    return el('span', { class: 'fact', tabindex: '0' })
  }

  #part(name, title) {
    this.parts[name] = { fact: this.#fact(), more: el('small', {}) }
    return el('div', {}, el('dt', {}, title), el('dd', {}, this.parts[name].fact, this.parts[name].more))
  }

  #set(name, fact, more = '') {
    setFact(this.parts[name].fact, fact)
    setText(this.parts[name].more, more)
    if (fact.exact) this.parts[name].fact.tabIndex = 0
    else this.parts[name].fact.removeAttribute('tabindex')
  }

  update(item) {
    showProgress(this, item)
    this.#set('queue', prefixed('', about(item.jobs, item.jobs_exact), item.jobs === 1 ? ' row' : ' rows'), this.#queue(item))
    this.#fresh(item)
    this.#set('rate', perSecond(item.rows_per_second))
    const today = item.today
    this.#set('tokens', today ? prefixed('', count(today.tokens), ' tokens') : unknown, today ? `${count(today.rows).text} rows, ${count(today.requests).text} requests` : '')
    this.#cost(item)
    this.#set('search', item.text_search ? { text: item.text_search.replace(/^pg_catalog\./, ''), exact: item.text_search } : { ...none, text: 'no' })
    const index = item.index && item.index !== 'none' ? item.index : ''
    this.#set('index', index ? { text: index, exact: '' } : { ...none, text: 'none' }, item.index_wanted ? 'not built yet' : '')
    this.#set('walked', item.walked_at ? moment(item.walked_at) : { ...none, text: 'not yet' })
  }

  #queue(item) {
    const parts = [`${limited(item.due).text} due`, `${limited(item.leased).text} at work`]
    if (item.oldest_age_seconds !== null && item.oldest_age_seconds !== undefined) parts.push(`oldest ${seconds(item.oldest_age_seconds).text}`)
    return item.jobs > 0 ? parts.join(', ') : ''
  }

  #fresh(item) {
    const [p50, p99] = freshOf(item)
    if (p50.unknown) return this.#set('fresh', p50)
    this.#set('fresh', { text: `p50 ${p50.text}, p99 ${p99.text}`, exact: `p50 ${p50.exact}, p99 ${p99.exact}` }, `of ${count(item.freshness.rows).text} rows`)
  }

  #cost(item) {
    const budget = budgetWords(item.budget)
    const cost = costOf(item.today)
    this.#set('cost', cost.unknown ? { ...cost, text: 'price unknown' } : cost, budget ? `budget ${budget}` : item.budget ? 'no budget' : '')
  }
}
