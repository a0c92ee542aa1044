// The place that the page shows, in the URL's fragment: #/NAME/TAB?PARAMETERS. The fragment is sent to no server.

const tabs = ['history', 'dead', 'search']

/// {vectorizer, tab, parameters} of a fragment; vectorizer '' is the overview.
export function placeOf(hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const [name = '', tab = ''] = path.split('/')
  let vectorizer = name
  try {
    vectorizer = decodeURIComponent(name)
  } catch {
    // Not what this page writes: the name is taken as it stands.
  }
  return { vectorizer, tab: tabs.includes(tab) ? tab : 'history', parameters: Object.fromEntries(new URLSearchParams(query)) }
}

export function hashOf({ vectorizer, tab = 'history', parameters = {} }) {
  if (!vectorizer) return '#/'
  const said = Object.entries(parameters).filter(([, value]) => value !== '' && value !== undefined && value !== null)
  const query = new URLSearchParams(said).toString()
  return `#/${encodeURIComponent(vectorizer)}/${tab}${query ? `?${query}` : ''}`
}
