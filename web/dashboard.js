// The page: which view is shown, what the server says, and how old that is.
import { ask, onRefused, sentence, token } from './api.js'
import { Detail } from './detail.js'
import { announce, byId, el, isExact, setExact, setText, startTips } from './dom.js'
import { clock, seconds } from './format.js'
import { Live } from './live.js'
import { Overview } from './overview.js'
import { placeOf } from './place.js'

/// The server says its status every two seconds, or more rarely if its database is slow, and then the page says so. What is
/// older than this, and than twice the usual time, is not shown as the present.
const oldAfter = 6500
const longestOldAfter = 65000
/// News that are so far apart are worth a word.
const slow = 4500
/// A stream that ends and begins anew within this time is no news.
const quietFor = 2500

const main = byId('main')
let view = null
let status = null
let received = null // when the server last said something newer than before, by both clocks
let usual = 0 // milliseconds between the last two news of one connection
let databaseProblem = ''
let wasOld = false
let signingIn = false

const live = new Live({
  status(said) {
    if (said.at !== status?.at) hear()
    if (status && status.version !== said.version) byId('upgraded').hidden = false
    databaseProblem = ''
    status = said
    leaveSignIn()
    show()
  },
  problem(words) {
    databaseProblem = words
    leaveSignIn()
    showAge()
  },
  change: () => showAge(),
})

/// Puts the view of the URL on the page, and the facts into it.
function show() {
  if (signingIn) return
  const place = placeOf(location.hash)
  if (!status) return
  const fresh = !view || view.of !== place.vectorizer
  if (fresh) {
    view?.close()
    view = place.vectorizer ? new Detail(place.vectorizer) : new Overview()
    view.of = place.vectorizer
    main.replaceChildren(view.node)
  }
  view.update(status)
  view.go?.(place)
  document.title = place.vectorizer ? `${place.vectorizer} · embedd` : `embedd · ${status.database}`
  setText(byId('database'), status.database)
  setText(byId('version'), status.version)
  showAge()
}

function go() {
  byId('confirm').close()
  const former = view
  show()
  if (!status || signingIn || view === former) return
  window.scrollTo(0, 0)
  view.heading.focus({ preventScroll: true })
}

function hear() {
  const stream = live.connection
  usual = received && received.stream === stream && live.state === 'live' ? performance.now() - received.steady : 0
  received = { steady: performance.now(), wall: Date.now(), stream }
}

/// Milliseconds. One clock may stand still while the machine sleeps, the other may be set.
const ageOf = () => (received ? Math.max(performance.now() - received.steady, Date.now() - received.wall) : Infinity)

/// Says whether the page shows the present, and if not, since when it doesn't.
function showAge(aloud = false) {
  const age = ageOf()
  const known = status !== null
  const old = known && (age > Math.min(Math.max(oldAfter, 2 * usual + quietFor), longestOldAfter) || (databaseProblem !== '' && age > quietFor) || (live.state === 'waiting' && age > quietFor))
  const trouble = old || (!known && (live.problem !== null || databaseProblem !== ''))
  document.documentElement.toggleAttribute('data-old', old)
  byId('old').hidden = !trouble || signingIn
  if (trouble) {
    const at = known ? clock(new Date(Date.now() - age)) : ''
    setText(byId('old-title'), known ? `Not current: from ${at}, ${seconds(Math.ceil(age / 1000)).text} ago.` : 'Nothing is known yet.')
    setText(byId('old-words'), reason())
  }
  const [tone, words] = signingIn ? ['warn', 'Token needed'] : trouble ? ['bad', known ? 'Not current' : 'No connection'] : live.state === 'live' && known ? ['good', usual > slow ? `Live, every ${Math.round(usual / 1000)} s` : 'Live'] : ['idle', known ? 'Reconnecting' : 'Connecting']
  byId('connection').dataset.tone = tone
  setText(byId('connection-words'), words)
  if (!aloud || trouble === wasOld) return
  announce(trouble ? `The page is no longer up to date. ${reason()}` : 'The page is up to date again.')
  wasOld = trouble
}

function reason() {
  if (databaseProblem && live.state === 'live') return sentence(databaseProblem)
  const said = live.problem?.message ?? (live.state === 'connecting' ? 'Asking the server.' : 'The server has said nothing new.')
  if (live.state !== 'waiting') return said
  const left = Math.max(Math.ceil((live.nextTry - performance.now()) / 1000), 0)
  return `${said} ${left > 0 ? `Next try in ${left} s.` : 'Trying again.'}`
}

/// Asks for a token, in place of the view.
function signIn(problem) {
  live.stop()
  if (signingIn) return
  signingIn = true
  clear()
  const refused = token.get() !== ''
  const input = el('input', { id: 'token', type: 'password', autocomplete: 'off', required: true, 'aria-describedby': 'token-words' })
  const error = el('p', { class: 'error', role: 'alert' }, refused ? `The server refuses this token. ${problem.message}` : '')
  const form = el(
    'form',
    { class: 'sheet', onsubmit: (event) => event.preventDefault() || enter(input.value.trim(), error) },
    el('h1', {}, 'This server asks for a token'),
    el('p', { id: 'token-words' }, 'One of ', el('code', {}, 'EMBEDD_API_TOKEN'), ', or of a ', el('code', {}, '[token.NAME]'), ' in embedd.toml. This tab keeps it until it is closed; it is never part of the address.'),
    el('div', { class: 'field' }, el('label', { for: 'token' }, 'Token'), input),
    error,
    el('div', { class: 'actions' }, el('button', { type: 'submit', class: 'primary' }, 'Use this token')),
  )
  main.replaceChildren(form)
  byId('forget').hidden = true
  document.title = 'Token needed · embedd'
  showAge()
  input.focus()
}

async function enter(value, error) {
  if (!/^[\x21-\x7e]+$/.test(value)) return setText(error, 'A token has no blanks, and no letters beyond ASCII.')
  token.set(value)
  setText(error, '')
  try {
    const said = await ask('/v1/status')
    leaveSignIn()
    status = said
    hear()
    show()
    view.heading.focus({ preventScroll: true })
    live.start()
  } catch (problem) {
    if (problem.status === 401) token.forget()
    setText(error, problem.status === 401 ? 'The server refuses this token.' : problem.message)
  }
}

function leaveSignIn() {
  signingIn = false
  byId('forget').hidden = token.get() === ''
}

/// The server says whether it wants another one.
function forget() {
  token.forget()
  live.stop()
  clear()
  main.replaceChildren(el('p', { class: 'sheet muted' }, 'Asking the server…'))
  leaveSignIn()
  live.start()
}

/// Leaves nothing on the page that came from the server.
function clear() {
  byId('confirm').close()
  view?.close()
  view = null
  status = null
  received = null
  for (const id of ['database', 'version']) setText(byId(id), '')
}

const themes = { auto: 'Colours: system', light: 'Colours: light', dark: 'Colours: dark' }

function nextTheme() {
  const root = document.documentElement
  const names = Object.keys(themes)
  const next = names[(names.indexOf(root.dataset.theme ?? 'auto') + 1) % names.length]
  if (next === 'auto') delete root.dataset.theme
  else root.dataset.theme = next
  try {
    localStorage.setItem('embedd.theme', next)
  } catch {
    // Without storage the choice holds until the page is left.
  }
  setText(byId('theme'), themes[next])
  document.dispatchEvent(new Event('embedd-theme'))
}

function toggleExact() {
  setExact(!isExact())
  byId('exact').setAttribute('aria-pressed', String(isExact()))
  show()
}

/// Nothing is asked while nobody looks.
function look() {
  if (document.hidden) live.stop()
  else if (!signingIn) live.start()
  showAge()
}

setText(byId('theme'), themes[document.documentElement.dataset.theme ?? 'auto'])
byId('theme').addEventListener('click', nextTheme)
byId('exact').addEventListener('click', toggleExact)
byId('forget').addEventListener('click', forget)
byId('again').addEventListener('click', () => live.retry())
byId('reload').addEventListener('click', () => location.reload())
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault()
  main.focus()
})
document.addEventListener('visibilitychange', look)
window.addEventListener('hashchange', go)
window.addEventListener('online', () => live.state === 'waiting' && live.retry())
onRefused(signIn)
startTips()
leaveSignIn()
setInterval(() => !document.hidden && showAge(true), 500)
look()
