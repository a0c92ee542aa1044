// The colours that the reader chose, before anything is painted. Without a choice the system's hold.
'use strict'
{
  let chosen = null
  try {
    chosen = localStorage.getItem('embedd.theme')
  } catch {
    // Storage may be forbidden; the system's colours hold then.
  }
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
}
