// The server's events, for as long as somebody looks: nothing is asked while the tab is hidden.
import { Problem, ask, send } from './api.js'

const firstDelay = 1000
const longestDelay = 30000
/// After this silence the connection is taken for dead: a server whose database is slow still sends a sign of life.
const longestSilence = 25000
const longestEvent = 8 << 20

/// Calls `on.status(object)`, `on.problem(words)` and `on.change()`, the last whenever `state` has changed: connecting, live,
/// waiting (for the next try, at `nextTry`), stopped.
export class Live {
  state = 'stopped'
  problem = null
  nextTry = 0
  connection = 0 // its number
  #on
  #failures = 0
  #timer = 0
  #stream = null

  constructor(on) {
    this.#on = on
  }

  start() {
    if (this.state === 'stopped') this.#connect()
  }

  stop() {
    clearTimeout(this.#timer)
    this.#stream?.abort()
    this.#stream = null
    this.#become('stopped')
  }

  /// At once, for whoever does not want to wait.
  retry() {
    this.stop()
    this.#failures = 0
    this.start()
  }

  #become(state) {
    this.state = state
    this.#on.change()
  }

  async #connect() {
    const stream = new AbortController()
    this.#stream = stream
    ++this.connection
    this.#become('connecting')
    let problem = null
    try {
      await this.#read(stream)
    } catch (error) {
      problem = error instanceof Problem ? error : new Problem('The connection to the server was lost.')
    }
    if (this.#stream !== stream) return
    stream.abort()
    this.#stream = null
    this.problem = problem ?? new Problem('The server has ended the connection.')
    if (this.problem.status === 401) return this.#become('stopped')
    this.#wait()
  }

  /// Twice as long after each failure, and never at the same time as all other pages.
  #wait() {
    const delay = Math.min(firstDelay * 2 ** this.#failures, longestDelay)
    const jittered = Math.max(delay * (0.5 + Math.random() / 2), Math.min(this.problem.retryAfter, 60) * 1000)
    this.#failures = Math.min(this.#failures + 1, 10)
    this.nextTry = performance.now() + jittered
    this.#timer = setTimeout(() => this.#connect(), jittered)
    this.#become('waiting')
    if (this.problem.status === 429) this.#once()
  }

  /// Without a stream of its own, because too many are open, the page still has the facts of each try.
  async #once() {
    const status = await ask('/v1/status').catch(() => null)
    if (status && this.state === 'waiting') this.#on.status(status)
  }

  async #read(stream) {
    const response = await this.#open(stream)
    const reader = response.body.getReader()
    const decoder = new TextDecoder()
    let text = ''
    for (;;) {
      const { done, value } = await this.#within(reader.read(), stream)
      if (done) return
      text += decoder.decode(value, { stream: true })
      if (text.length > longestEvent) throw new Problem('The server sent an event that is too large.')
      let end
      while ((end = text.indexOf('\n\n')) >= 0) {
        this.#take(text.slice(0, end))
        text = text.slice(end + 2)
      }
    }
  }

  #open(stream) {
    return this.#within(send('/v1/events', { signal: stream.signal, timeout: 0 }), stream)
  }

  #within(promise, stream) {
    let timer
    const silence = new Promise((_, reject) => {
      timer = setTimeout(() => {
        stream.abort()
        reject(new Problem(`The server has said nothing for ${longestSilence / 1000} s.`))
      }, longestSilence)
    })
    return Promise.race([promise, silence]).finally(() => clearTimeout(timer))
  }

  #take(event) {
    let kind = 'message'
    let data = ''
    for (const line of event.split('\n')) {
      if (line.startsWith('event:')) kind = line.slice(6).trim()
      else if (line.startsWith('data:')) data += line.slice(5).trimStart()
    }
    if (kind !== 'status' && kind !== 'problem') return
    const said = JSON.parse(data)
    this.#failures = 0
    this.problem = null
    if (this.state !== 'live') this.#become('live')
    if (kind === 'status') this.#on.status(said)
    else this.#on.problem(said.message)
  }
}
