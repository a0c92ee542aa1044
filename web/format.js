// Facts as people read them. Each function returns {text, exact}; a value that is not known is said to be unknown, and is
// never shown as 0.

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const precise = new Intl.NumberFormat('en-US', { maximumFractionDigits: 9 })
const short = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 })

export const unknown = { text: 'unknown', exact: '', unknown: true }
export const none = { text: '–', exact: '', unknown: true }

/// The server counts some things up to this number only.
export const countLimit = 10000

export function count(n) {
  if (n === null || n === undefined) return unknown
  const exact = whole.format(n)
  if (n < 1e6) return { text: exact, exact }
  if (n < 1e9) return { text: `${short.format(n / 1e6)} M`, exact }
  return { text: `${short.format(n / 1e9)} B`, exact }
}

/// A count that stops at countLimit.
export function limited(n) {
  const fact = count(n)
  return n >= countLimit ? prefixed('', fact, ' or more') : fact
}

export function about(n, exact) {
  const fact = count(n)
  return exact || fact.unknown ? fact : prefixed('about ', fact)
}

export function prefixed(before, fact, after = '') {
  if (fact.unknown) return fact
  return { text: `${before}${fact.text}${after}`, exact: `${before}${fact.exact}${after}` }
}

export function perSecond(n) {
  if (n === null || n === undefined) return unknown
  const text = n === 0 ? '0' : n < 0.1 ? '<0.1' : n < 10 ? n.toFixed(1) : count(Math.round(n)).text
  return { text: `${text} rows/s`, exact: `${precise.format(n)} rows/s` }
}

export function seconds(s) {
  if (s === null || s === undefined) return unknown
  return { text: span(Math.max(s, 0)), exact: `${precise.format(s)} s` }
}

function span(s) {
  if (s === 0) return '0 s'
  if (s < 0.001) return '<1 ms'
  if (s < 0.9995) return `${Math.round(s * 1000)} ms`
  if (s < 9.95) return `${s.toFixed(1).replace('.0', '')} s`
  if (s < 59.5) return `${Math.round(s)} s`
  const minutes = Math.floor(Math.round(s) / 60)
  if (minutes < 10) return joined(minutes, 'min', Math.round(s) % 60, 's')
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return joined(hours, 'h', minutes % 60, 'min')
  return joined(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

const joined = (large, unit, small, smaller) => (small ? `${large} ${unit} ${small} ${smaller}` : `${large} ${unit}`)

export function money(usd) {
  if (usd === null || usd === undefined) return unknown
  const exact = `$${usd.toFixed(8).replace(/\.?0+$/, '')}`
  if (usd === 0) return { text: '$0', exact }
  if (usd < 0.0001) return { text: '<$0.0001', exact }
  if (usd < 0.01) return { text: `$${usd.toFixed(4)}`, exact }
  return { text: `$${usd.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`, exact }
}

/// Never 100 % before the last row.
export function percent(done, all) {
  if (done === null || all === null || done === undefined || all === undefined) return unknown
  if (all === 0) return { text: '100 %', exact: '100 %' }
  const share = (100 * done) / all
  const text = share >= 100 ? '100 %' : `${(Math.floor(share * 10) / 10).toFixed(1)} %`
  return { text, exact: `${precise.format(share)} %` }
}

const pad = (n) => String(n).padStart(2, '0')
export const clock = (date) => `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`

/// A moment in the reader's time zone; exact: as the server said it.
export function moment(iso) {
  if (!iso) return unknown
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return { text: iso, exact: iso }
  const today = date.toDateString() === new Date().toDateString()
  const day = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
  return { text: today ? clock(date) : `${day}, ${clock(date).slice(0, 5)}`, exact: iso }
}

export function similarity(n, digits = 3) {
  if (n === null || n === undefined) return none
  return { text: n.toFixed(digits), exact: String(n) }
}
