// Elements. Whatever comes from the server becomes a text node, never markup.

/// el('p', {class: 'muted', onclick: f, hidden: true}, 'text', node, null)
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value)
    else node.setAttribute(name, value === true ? '' : value)
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined))
  return node
}

/// A value of a row as text.
export const words = (value) => (typeof value === 'string' ? value : JSON.stringify(value))

/// A row's key as text.
export const keyText = (key) => Object.entries(key).map(([column, value]) => `${column} ${words(value)}`).join(', ')

export const byId = (id) => document.getElementById(id)

/// Writes only what differs, so that a screen reader and a selection are left alone.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

let exactly = false
export const isExact = () => exactly
export function setExact(on) {
  exactly = on
}

/// A fact of format.js; its exact value is in the tip.
export function setFact(node, fact) {
  setText(node, exactly && fact.exact ? fact.exact : fact.text)
  node.classList.toggle('unknown', Boolean(fact.unknown))
  if (fact.exact && fact.exact !== node.textContent) node.dataset.exact = fact.exact
  else delete node.dataset.exact
}

export function factOf(fact, attributes = {}) {
  const node = el('span', { class: 'fact', ...attributes })
  setFact(node, fact)
  return node
}

export function setBadge(node, tone, word) {
  node.dataset.tone = tone
  setText(node.lastChild, word)
}

export const dot = () => el('span', { class: 'dot', 'aria-hidden': 'true' })

export function badge(tone = 'idle', word = '') {
  return el('span', { class: 'badge', 'data-tone': tone }, dot(), el('span', {}, word))
}

/// Keeps a child of `parent` for each item, in order; a child stays the same node as long as its key does.
export function keyed(parent, items, keyOf, create, update) {
  parent.parts ??= new Map()
  const wanted = new Map(items.map((item, index) => [keyOf(item, index), item]))
  for (const [key, part] of parent.parts)
    if (!wanted.has(key)) {
      part.node.remove()
      parent.parts.delete(key)
    }
  let at = parent.firstChild
  for (const [key, item] of wanted) {
    let part = parent.parts.get(key)
    if (!part) {
      part = create(item)
      parent.parts.set(key, part)
    }
    if (part.node === at) at = at.nextSibling
    else parent.insertBefore(part.node, at)
    update(part, item)
  }
}

/// The exact value beside whatever the pointer or the focus is on. Escape hides it.
export function startTips() {
  const tip = byId('tip')
  let owner = null
  const hide = () => {
    tip.hidden = true
    owner?.removeAttribute('aria-describedby')
    owner = null
  }
  const show = (event) => {
    const found = event.target.closest?.('[data-exact]')
    if (found === owner) return
    hide()
    if (!found) return
    owner = found
    tip.textContent = found.dataset.exact
    tip.hidden = false
    if (event.type === 'focusin') found.setAttribute('aria-describedby', 'tip')
    const box = found.getBoundingClientRect()
    const own = tip.getBoundingClientRect()
    const left = Math.min(Math.max(box.left, 8), document.documentElement.clientWidth - own.width - 8)
    const above = box.top > own.height + 12
    tip.style.left = `${Math.max(left, 8)}px`
    tip.style.top = `${above ? box.top - own.height - 6 : box.bottom + 6}px`
  }
  document.addEventListener('pointerover', show)
  document.addEventListener('focusin', show)
  document.addEventListener('focusout', hide)
  document.addEventListener('scroll', hide, { capture: true, passive: true })
  document.addEventListener('keydown', (event) => event.key === 'Escape' && hide())
}

const makers = {
  badge: () => badge(),
  bar: () => el('progress', { max: '1' }),
  button: () => el('button', { type: 'button', class: 'quiet' }),
  fact: () => el('span', { class: 'fact' }),
  link: () => el('a', { class: 'name' }),
  name: () => el('span', { class: 'name' }),
  small: () => el('small'),
  text: () => el('span'),
}

/// A table for rows of `columns`, whose roles survive being shown as cards on a phone. A column is its title, the names of the parts
/// of its cells with what they are made of, such as 'queue:fact oldest:small', and its class.
export function table(caption, columns, of = '') {
  const body = el('tbody', { role: 'rowgroup' })
  const head = columns.map(([title, , kind]) => el('th', { scope: 'col', role: 'columnheader', class: kind }, title))
  const node = el('table', { role: 'table', class: `cards ${of}` }, el('caption', { class: 'unseen' }, caption), el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, head)), body)
  return { node, body }
}

/// {node, and each part of the columns by its name}. Where the table's head is not shown, a cell says its column's title.
export function rowOf(columns) {
  const row = {}
  const cells = columns.map(([title, parts, kind], index) => {
    const inside = parts.split(' ').map((part) => {
      const [name, of] = part.split(':')
      return (row[name] = makers[of]())
    })
    return index ? el('td', { role: 'cell', 'data-title': title, class: kind }, inside) : el('th', { role: 'rowheader', scope: 'row', class: kind }, inside)
  })
  row.node = el('tr', { role: 'row' }, cells)
  return row
}

export function announce(words) {
  setText(byId('announcer'), words)
}

/// Asks before something is changed. `act` does it, and throws what the dialog shows. Resolves to whether it was done.
export function confirm({ title, words, yes, danger, act }) {
  const dialog = byId('confirm')
  const error = byId('confirm-error')
  const button = byId('confirm-yes')
  const cancel = byId('confirm-no')
  setText(byId('confirm-title'), title)
  byId('confirm-words').replaceChildren(...words)
  setText(button, yes)
  button.className = danger ? 'danger' : 'primary'
  button.disabled = false
  setText(error, '')
  dialog.showModal()
  cancel.focus()
  return new Promise((resolve) => {
    let done = false
    cancel.onclick = () => dialog.close()
    dialog.onclose = () => resolve(done)
    button.onclick = async () => {
      button.disabled = true
      setText(error, '')
      try {
        await act()
        done = true
        dialog.close()
      } catch (problem) {
        setText(error, problem.message)
        button.disabled = false
      }
    }
  })
}
