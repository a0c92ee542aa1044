// Charts over time: the queue, the rows of a minute, and freshness.
import { ask, pathOf } from './api.js'
import { el, setText } from './dom.js'
import { clock, count, moment, seconds } from './format.js'
import { hashOf } from './place.js'

const ranges = { '1h': ['1 hour', 60], '6h': ['6 hours', 360], '24h': ['24 hours', 1440], '7d': ['7 days', 10080] }
const height = 168
const refreshAfter = 60000
/// Rows of the table of values: the last ones.
const mostListed = 120

export class History {
  constructor(name) {
    this.name = name
    this.links = Object.fromEntries(Object.entries(ranges).map(([range, [words]]) => [range, el('a', { href: hashOf({ vectorizer: name, parameters: { range } }) }, words)]))
    this.said = el('p', { class: 'muted', role: 'status' })
    const nav = el('nav', { class: 'ranges', 'aria-label': 'Range of time' }, Object.values(this.links))
    this.charts = [
      new Chart('Queue', 'rows that wait', [{ key: 'jobs', label: 'rows', colour: '--line-1', path: 'stepped' }], (n) => count(n).text),
      new Chart('Rows embedded', 'each minute', [{ key: 'pace', label: 'rows/min', colour: '--line-2', path: 'bars' }], (n) => count(Math.round(n * 10) / 10).text),
      new Chart('Freshness', 'from the commit of a text to the commit of its vector', freshLines, (n) => seconds(n).text, true),
    ]
    this.table = el('div', { class: 'frame', tabindex: '0', role: 'group', 'aria-label': 'Values' })
    this.values = el('details', { class: 'values', ontoggle: () => this.#list() }, el('summary', {}, 'The values as a table'), this.table)
    this.node = el('div', {}, el('div', { class: 'headline' }, el('h2', {}, 'History'), nav), this.said, el('div', { class: 'charts' }, this.charts.map((chart) => chart.node)), this.values)
    this.resized = new ResizeObserver(() => this.charts.forEach((chart) => chart.fit()))
    this.resized.observe(this.node)
    this.recolour = () => this.charts.forEach((chart) => chart.draw())
    this.dark = matchMedia('(prefers-color-scheme: dark)')
    this.dark.addEventListener('change', this.recolour)
    document.addEventListener('embedd-theme', this.recolour)
  }

  go({ range }) {
    const wanted = ranges[range] ? range : '1h'
    for (const [name, link] of Object.entries(this.links)) link.ariaCurrent = name === wanted ? 'true' : null
    if (this.range === wanted) return
    this.range = wanted
    this.#load()
  }

  /// With each status: asks again if a minute has passed, so a page that hears nothing asks nothing.
  update(item) {
    this.item = item
    if (this.range && performance.now() - (this.askedAt ?? -Infinity) > refreshAfter) this.#load()
  }

  async #load() {
    this.asking?.abort()
    const asking = (this.asking = new AbortController())
    this.askedAt = performance.now()
    try {
      const minutes = ranges[this.range][1]
      const history = await ask(pathOf(this.name, 'history', { minutes }), { signal: asking.signal })
      if (asking.signal.aborted) return
      this.history = { ...history, pace: history.rows.map((rows) => (rows === null ? null : (rows * 60) / history.step_seconds)) }
      setText(this.said, history.at.length ? '' : 'No row was recorded in this range. Workers write one each minute in which something happens.')
      const now = Date.now() / 1000
      for (const chart of this.charts) chart.show(this.history, [now - minutes * 60, now], this.item)
      this.#list()
    } catch (problem) {
      if (!asking.signal.aborted) setText(this.said, `The history cannot be shown: ${problem.message}`)
    }
  }

  #list() {
    if (!this.values.open || !this.history) return
    const columns = [['Time', (i) => moment(new Date(this.history.at[i] * 1000).toISOString())], ...listed.map(([title, key, fact]) => [title, (i) => fact(this.history[key]?.[i])])]
    const first = Math.max(this.history.at.length - mostListed, 0)
    const line = (tagOf, words) => el('tr', {}, columns.map((column, index) => el(index ? tagOf : 'th', index ? { class: 'number' } : { scope: tagOf === 'th' ? 'col' : 'row' }, words(column))))
    const rows = this.history.at.slice(first).map((_, index) => line('td', ([, of]) => of(first + index).text))
    const head = line('th', ([title]) => title)
    const caption = first ? `The last ${mostListed} of ${this.history.at.length} values, the newest first` : 'All values, the newest first'
    this.table.replaceChildren(el('table', {}, el('caption', {}, caption), el('thead', {}, head), el('tbody', {}, rows.reverse())))
  }

  close() {
    this.asking?.abort()
    this.resized.disconnect()
    this.dark.removeEventListener('change', this.recolour)
    document.removeEventListener('embedd-theme', this.recolour)
    for (const chart of this.charts) chart.close()
  }
}

const freshLines = [
  { key: 'freshness_p50_seconds', label: 'p50', colour: '--line-1' },
  { key: 'freshness_p99_seconds', label: 'p99', colour: '--line-3', dash: [6, 3] },
]

const listed = [
  ['Queue', 'jobs', count],
  ['Dead letters', 'dead_letters', count],
  ['Rows', 'rows', count],
  ['Tokens', 'tokens', count],
  ['Freshness p50', 'freshness_p50_seconds', seconds],
  ['Freshness p99', 'freshness_p99_seconds', seconds],
]

/// A canvas is nothing to a screen reader, so the caption says the range, and the table below has all values.
class Chart {
  constructor(title, subtitle, lines, words, logarithmic = false) {
    Object.assign(this, { title, lines, words, logarithmic })
    this.place = el('div', { class: 'plot' })
    this.summary = el('span', { class: 'muted' })
    this.reading = el('span', { class: 'reading' })
    this.keys = el('span', { class: 'legend' }, lines.length > 1 ? lines.map((line, index) => el('span', { class: `line-${index + 1}` }, line.label)) : [])
    const caption = el('figcaption', {}, el('strong', {}, title), ' ', el('span', { class: 'muted' }, subtitle), this.keys, el('br'), this.summary, this.reading)
    this.node = el('figure', {}, caption, this.place)
  }

  show(history, span, item) {
    this.span = span
    this.data = [history.at, ...this.lines.map((line) => history[line.key])]
    if (this.lines[0].key === 'jobs' && item && history.at.length) this.data = [[...history.at, span[1]], [...history.jobs, item.jobs]]
    if (this.logarithmic) this.data = broken(this.data, history.step_seconds)
    this.#summarize()
    this.draw()
  }

  #summarize() {
    const parts = this.lines.map((line, index) => {
      const known = this.data[index + 1].filter((value) => value !== null)
      if (!known.length) return ''
      const name = this.lines.length > 1 ? `${line.label} ` : ''
      return `${name}${this.words(Math.min(...known))} to ${this.words(Math.max(...known))}`
    })
    setText(this.summary, parts.filter(Boolean).join(', ') || 'no value in this range')
  }

  /// Anew, because uPlot keeps the colours that it began with.
  draw() {
    this.plot?.destroy()
    this.plot = null
    if (!this.data || !this.place.clientWidth) return
    this.plot = new window.uPlot(this.#options(), this.data, this.place)
  }

  fit() {
    if (!this.plot) return this.draw()
    if (this.plot.width !== this.place.clientWidth) this.plot.setSize({ width: this.place.clientWidth, height })
  }

  #options() {
    const grid = { stroke: colour('--line'), width: 1 }
    const axis = { stroke: colour('--muted'), font: '12px system-ui, sans-serif', grid, ticks: { show: false } }
    return {
      width: this.place.clientWidth,
      height,
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: 'history' }, points: { size: 7 } },
      scales: { x: { range: () => this.span }, y: this.logarithmic ? { distr: 3, range: decades } : { range: (_, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
      axes: [{ ...axis, size: 28, values: times }, { ...axis, size: 64, space: 30, splits: this.logarithmic ? powers : undefined, values: (_, splits) => splits.map((n) => this.words(n)) }],
      series: [{}, ...this.lines.map((line) => this.#series(line))],
      hooks: { setCursor: [(plot) => this.#read(plot.cursor.idx)] },
    }
  }

  #series({ colour: name, path, dash, label }) {
    const { stepped, bars } = window.uPlot.paths
    const paths = path === 'stepped' ? stepped({ align: 1 }) : path === 'bars' ? bars({ align: 1, size: [0.8, 14] }) : undefined
    const stroke = colour(name)
    return { label, stroke, width: path === 'bars' ? 0 : 1.6, dash, paths, fill: path && faint(stroke, path), points: path ? { show: false } : { size: 4, fill: stroke } }
  }

  #read(index) {
    const at = index === null || index === undefined ? null : this.data[0][index]
    const values = at === null ? [] : this.lines.map((line, row) => [line, this.data[row + 1][index]]).filter(([, value]) => value !== null && value !== undefined)
    setText(this.reading, values.length ? `${clock(new Date(at * 1000)).slice(0, 5)}  ${values.map(([line, value]) => `${this.words(value)} ${line.label}`).join(', ')}` : '')
    this.summary.hidden = values.length > 0
  }

  close() {
    this.plot?.destroy()
  }
}

/// Steps are left out where nothing was recorded: a line over such a time would say what nobody knows.
function broken([at, ...lines], step) {
  const out = [[], ...lines.map(() => [])]
  at.forEach((time, index) => {
    if (index && time - at[index - 1] > 5 * step) {
      out[0].push(at[index - 1] + step)
      lines.forEach((_, row) => out[row + 1].push(null))
    }
    out[0].push(time)
    lines.forEach((line, row) => out[row + 1].push(line[index] > 0 ? line[index] : null))
  })
  return out
}

const powers = ({ scales: { y } }) => {
  const out = []
  for (let power = Math.round(Math.log10(y.min)); power <= Math.round(Math.log10(y.max)); ++power) out.push(10 ** power)
  return out
}

const decades = (_, low, high) => [10 ** Math.floor(Math.log10(low || 0.01)), 10 ** Math.ceil(Math.log10(high || 1) + 1e-9)]

function times(plot, splits) {
  const days = plot.scales.x.max - plot.scales.x.min > 2 * 86400
  return splits.map((at) => {
    const date = new Date(at * 1000)
    return days ? date.toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric' }) : clock(date).slice(0, 5)
  })
}

/// A canvas needs the colour that a variable comes to.
function colour(name) {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  document.body.append(probe)
  const found = getComputedStyle(probe).color
  probe.remove()
  return found
}

const faint = (stroke, path) => stroke.replace(/^rgb\((.*)\)$/, path === 'bars' ? 'rgba($1, 0.75)' : 'rgba($1, 0.14)')
