// Requests to the server. The token stays in this tab's session storage, and is sent as a header only.

const place = 'embedd.token'

let unkept = ''

/// Where the browser forbids storage, the token is known until the page is left.
function stored(use) {
  try {
    return use(sessionStorage)
  } catch {
    return unkept
  }
}

export const token = {
  get: () => stored((storage) => storage.getItem(place) ?? unkept),
  set(value) {
    unkept = value
    stored((storage) => storage.setItem(place, value))
  },
  forget() {
    unkept = ''
    stored((storage) => storage.removeItem(place))
  },
}

/// What the server says is wrong (RFC 9457), or that it cannot be reached (status 0).
export class Problem extends Error {
  constructor(message, { status = 0, code = '', retryAfter = 0 } = {}) {
    super(message)
    Object.assign(this, { status, code, retryAfter })
  }
}

let whenRefused = () => {}
/// Calls `f` whenever the server wants a token, or another one.
export function onRefused(f) {
  whenRefused = f
}

async function problemOf(response) {
  const said = await response.json().catch(() => ({}))
  const code = said.code ?? String(said.type ?? '').split(':').pop()
  const detail = said.detail ?? said.title ?? `the server answered with status ${response.status}`
  return new Problem(sentence(detail), { status: response.status, code, retryAfter: Number(response.headers.get('Retry-After')) || 0 })
}

export const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? '' : '.')

/// A response whose status is good. Errors: Problem; AbortError if `signal` says so.
export async function send(path, { body, signal, timeout = 20000 } = {}) {
  const headers = {}
  if (token.get()) headers.Authorization = `Bearer ${token.get()}`
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  const late = timeout ? AbortSignal.timeout(timeout) : null
  const signals = [signal, late].filter(Boolean)
  let response
  try {
    response = await fetch(path, {
      method: body === undefined ? 'GET' : 'POST',
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      redirect: 'error',
      signal: signals.length ? AbortSignal.any(signals) : undefined,
    })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Problem(late?.aborted ? `The server did not answer within ${timeout / 1000} s.` : 'The server cannot be reached.')
  }
  if (response.ok) return response
  const problem = await problemOf(response)
  if (response.status === 401) whenRefused(problem)
  throw problem
}

export const ask = async (path, options) => (await send(path, options)).json()

/// The path of something of a vectorizer; parameters without a value are left out.
export function pathOf(vectorizer, rest, parameters = {}) {
  const said = Object.entries(parameters).filter(([, value]) => value !== '' && value !== null && value !== undefined)
  const query = new URLSearchParams(said).toString()
  return `/v1/vectorizers/${encodeURIComponent(vectorizer)}/${rest}${query ? `?${query}` : ''}`
}
