#!/usr/bin/env node
// made.mjs MODULES CHROMIUM WEB [NAME]: the dashboard in Chromium, with a server of made-up facts (mock.mjs).
import { Browser, expect, hide, until } from './browser.mjs'
import { Mock } from './mock.mjs'

const [modules, chromium, web, only = ''] = process.argv.slice(2)
const browser = await Browser.open(modules, chromium)
const text = (page, selector) => page.locator(selector).innerText()
const offline = [/ERR_CONNECTION_REFUSED/, /ERR_INCOMPLETE_CHUNKED_ENCODING/, /ERR_EMPTY_RESPONSE/, /ERR_CONNECTION_RESET/]

async function open(mock, hash = '#/', options = {}) {
  const url = await mock.start()
  const page = await browser.page(options)
  await page.goto(`${url}/${hash}`)
  await page.locator('#connection[data-tone=good]').waitFor()
  return page
}

/// The view is there, and waits for no answer.
async function settled(page) {
  await page.locator('.view h1').waitFor()
  await until(() => page.evaluate(() => !/Asking…|Searching…/.test(document.body.innerText) && (!document.querySelector('.plot') || document.querySelectorAll('.plot canvas').length === 3)), 'what the view asked for')
}

const tests = {
  async 'axe finds nothing, at any width, in any state'() {
    const places = { busy: ['#/', '#/documents/history?range=6h', '#/documents/dead', '#/documents/dead?kind=rejected', '#/tickets/search?q=backup&explain=1'], broken: ['#/', '#/documents/dead', '#/documents/search?q=fewer'], empty: ['#/', '#/missing'], many: ['#/'], long: ['#/', '#/a_vectorizer_with_a_name_as_long_as_PostgreSQL_lets_names_be_63/dead'], hidden: ['#/', '#/documents/dead'] }
    for (const [kind, hashes] of Object.entries(places)) {
      const mock = new Mock(web, kind)
      const url = await mock.start()
      for (const hash of hashes) {
        const page = await browser.page()
        await page.goto(`${url}/${hash}`)
        await settled(page)
        for (const width of [1280, 390])
          for (const scheme of ['light', 'dark']) {
            await page.setViewportSize({ width, height: 844 })
            await page.emulateMedia({ colorScheme: scheme })
            await browser.check(page, `${kind} ${hash} at ${width} px, ${scheme}`)
          }
        await page.done()
      }
      await mock.stop()
    }
  },

  async 'facts arrive as they change'() {
    const mock = new Mock(web, 'busy')
    const page = await open(mock)
    const row = page.locator('.vectorizers tbody tr').first()
    expect((await row.innerText()).includes('1.51 M of about 2.4 M'), await row.innerText())
    mock.facts.status.vectorizers[0].rows.done = 2400000
    mock.facts.status.vectorizers[0].condition = 'current'
    await until(async () => /2\.4 M of about 2\.4 M[^]*100 %/.test(await row.innerText()), 'the new number of rows')
    expect((await row.locator('.badge').innerText()) === 'current', 'the new state')
    const nested = await page.locator('tr.nested').innerText()
    expect(nested.includes('tickets.next') && nested.includes('to replace tickets'), nested)
    mock.facts.status.vectorizers.length = 0
    await page.getByText('No vectorizer is declared yet.').waitFor()
    await page.done()
    await mock.stop()
  },

  async 'what is not known is never shown as 0'() {
    const mock = new Mock(web, 'busy')
    const item = mock.facts.status.vectorizers[3]
    Object.assign(item, { rows: { all: null, exact: false, done: null }, rows_per_second: null, freshness: { rows: 0, p50_seconds: null, p99_seconds: null } })
    const page = await open(mock)
    const said = await page.locator('tr', { hasText: 'manuals' }).innerText()
    expect(said.includes('unknown') && said.includes('no row') && said.includes('price unknown') && !/0 rows\/s|0 ms|\$0/.test(said), said)
    expect((await page.locator('tr', { hasText: 'manuals' }).locator('progress').isVisible()) === false, 'no bar of an unknown share')
    expect((await text(page, '.totals')).includes('at least 513 rows/s'), await text(page, '.totals'))
    await page.done()
    await mock.stop()
    const hidden = new Mock(web, 'hidden')
    const other = await open(hidden)
    const words = await text(other, 'main')
    expect(words.includes('not shown to this token') && !words.includes('No worker runs'), words)
    await other.done()
    await hidden.stop()
  },

  async 'a search shows ranks, plan, what is missing, and errors'() {
    const mock = new Mock(web, 'busy')
    const page = await open(mock, '#/tickets/search', { allowed: [/status of 503/] })
    await page.getByLabel('Search for').fill('backup')
    await page.getByLabel('Explain').check()
    await page.getByRole('button', { name: 'Search' }).click()
    const hits = page.locator('.hits > li')
    await until(async () => (await hits.count()) === 5, 'five hits')
    const first = await hits.first().innerText()
    for (const part of ['id 7', 'meaning #1', 'words #1', 'similarity 0.710', 'fused score 0.0328']) expect(first.includes(part), first)
    expect((await hits.first().locator('mark').innerText()) === 'backup', 'the marked word')
    expect((await page.locator('.hits b', { hasText: 'Bold' }).count()) === 0, 'a text of a row became markup')
    expect((await text(page, '.explained')).includes('embedd_text_1'), await text(page, '.explained'))
    await page.getByLabel('By', { exact: true }).selectOption('text')
    await page.getByLabel('Hits').fill('2')
    await page.getByRole('button', { name: 'Search' }).click()
    await until(async () => (await hits.count()) === 2, 'two hits')
    const asked = JSON.parse(mock.requests.filter(({ path }) => path.endsWith('/search')).pop().body)
    expect(asked.mode === 'text' && asked.k === 2 && asked.explain === true, asked)
    await page.getByLabel('Search for').fill('refuse')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.getByText('The search failed: The endpoint takes no more queries').waitFor()
    await page.goBack()
    await until(async () => (await hits.count()) === 2, 'the former search, after back')
    await page.done()
    await mock.stop()
    const broken = new Mock(web, 'broken')
    const other = await open(broken, '#/documents/search?q=fewer')
    await other.getByText('Searched without the meaning').waitFor()
    const notices = await other.locator('.notice').allInnerTexts()
    expect(notices[0].includes('quota exhausted') && notices[1].includes('each leg proposed no more'), notices)
    await other.done()
    await broken.stop()
  },

  async 'dead letters are filtered, retried and purged, never without a filter'() {
    const mock = new Mock(web, 'busy')
    const page = await open(mock, '#/documents/dead')
    const rows = page.locator('.dead tbody tr')
    await until(async () => (await rows.count()) === 4, 'four dead letters')
    const changes = () => mock.requests.filter(({ method }) => method === 'POST')
    const [retry, purge] = [page.getByRole('button', { name: 'Retry these' }), page.getByRole('button', { name: 'Purge these' })]
    expect((await retry.isDisabled()) && (await purge.isDisabled()), 'without a filter')
    expect((await text(page, '#dead-why')).includes('filter them first'), await text(page, '#dead-why'))
    await page.getByLabel('Kind').selectOption('rejected')
    await until(async () => (await rows.count()) === 2, 'two rejected ones')
    expect((await page.locator('.dead img').count()) === 0, 'a message became markup')
    await retry.click()
    const dialog = page.getByRole('dialog')
    const words = await dialog.innerText()
    expect(words.includes('Retry 2 dead letters of documents?') && words.includes('kind rejected'), words)
    await browser.check(page, 'the dialog')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    expect(changes().length === 0, 'Escape changes nothing')
    await retry.click()
    await dialog.getByRole('button', { name: 'Retry 2 dead letters' }).click()
    await page.getByText('2 rows were put back into the queue.').first().waitFor()
    expect(changes().length === 1 && changes()[0].body === '{"kind":"rejected"}', changes())
    await page.getByRole('link', { name: 'Clear' }).click()
    await until(async () => (await rows.count()) === 2, 'the two others')
    await page.getByRole('button', { name: 'Retry row id 1003' }).click()
    await dialog.getByRole('button', { name: 'Retry 1 dead letter' }).click()
    await until(async () => (await rows.count()) === 1, 'one dead letter')
    expect(changes()[1].body === '{"key":{"id":1003}}', changes())
    await page.getByLabel('Failed').selectOption('newer_than=7d')
    await purge.click()
    expect((await dialog.innerText()).includes('failed within 7d'), await dialog.innerText())
    await dialog.getByRole('button', { name: 'Purge 1 dead letter' }).click()
    await page.getByText('No dead letter passes this filter.').waitFor()
    expect(changes().length === 3 && changes()[2].path.endsWith('/dead/purge') && changes()[2].body === '{"newer_than":"7d"}', changes())
    await page.done()
    await mock.stop()
    const broken = new Mock(web, 'broken')
    const other = await open(broken, '#/documents/dead?kind=rejected')
    await until(async () => (await other.locator('.dead tbody tr').count()) === 100, 'the newest hundred')
    expect((await other.getByRole('button', { name: 'Retry these' }).isDisabled()) && (await other.getByRole('button', { name: 'Retry row' }).first().isDisabled()), 'without the right')
    expect((await text(other, '#dead-why')).includes('this token may only read'), await text(other, '#dead-why'))
    broken.facts.status.rights.write = true
    await other.getByRole('button', { name: 'Retry these' }).and(other.locator(':enabled')).click()
    expect((await other.getByRole('dialog').innerText()).includes('Retry 160 dead letters'), 'all of the kind, and not the hundred that are shown')
    await other.done()
    await broken.stop()
  },

  async 'a server that goes and comes back'() {
    const mock = new Mock(web, 'busy')
    const page = await open(mock, '#/', { allowed: offline })
    await mock.stop()
    await page.locator('#old').waitFor()
    const said = await text(page, '#old')
    expect(/Not current: from \d\d:\d\d:\d\d, \d+ s ago\./.test(said) && /Next try in|Trying again/.test(said), said)
    expect((await text(page, '#connection')) === 'Not current' && (await page.locator('html[data-old]').count()) === 1, 'it looks old')
    await browser.check(page, 'old')
    mock.facts.status.version = '0.10.0'
    await mock.start()
    await page.locator('#connection[data-tone=good]').waitFor()
    expect((await page.locator('#old').isHidden()) && (await page.locator('#upgraded').isVisible()), 'current again, with a newer version')
    mock.problem = 'the database does not answer: connection refused'
    await page.locator('#old', { hasText: 'The database does not answer' }).waitFor()
    mock.problem = ''
    await page.locator('#old').waitFor({ state: 'hidden' })
    mock.silent = true
    await page.locator('#old', { hasText: 'nothing new' }).waitFor()
    await page.done()
    await mock.stop()
  },

  async 'more dashboards than may be'() {
    const mock = new Mock(web, 'busy')
    mock.full = true
    const url = await mock.start()
    const page = await browser.page({ allowed: [/status of 429/] })
    await page.goto(url)
    await page.locator('.vectorizers tbody tr').first().waitFor()
    await page.locator('#old', { hasText: 'as many dashboards are open as may be' }).waitFor()
    await page.done()
    await mock.stop()
  },

  async 'a hidden tab asks nothing'() {
    const mock = new Mock(web, 'busy')
    const page = await open(mock, '#/documents/history', { allowed: offline })
    await hide(page, true)
    await until(() => mock.streams.size === 0, 'the end of the stream')
    const asked = mock.requests.length
    await new Promise((resolve) => setTimeout(resolve, 3000)) // as long as nothing is to happen
    expect(mock.requests.length === asked && mock.streams.size === 0, mock.requests.slice(asked))
    await hide(page, false)
    await page.locator('#connection[data-tone=good]').waitFor()
    expect(mock.streams.size === 1, 'one stream again')
    await page.done()
    await mock.stop()
  },

  async 'a URL that is shared shows the same'() {
    const mock = new Mock(web, 'busy')
    const page = await open(mock)
    await page.getByRole('link', { name: 'documents', exact: true }).last().click()
    await page.getByRole('link', { name: '24 hours' }).click()
    await until(() => mock.requests.some(({ path }) => path.endsWith('/documents/history?minutes=1440')), 'a day’s history')
    await page.getByRole('link', { name: 'Dead letters (4)' }).click()
    await page.getByLabel('Kind').locator('option[value=too_large]').waitFor({ state: 'attached' })
    await page.getByLabel('Kind').selectOption('too_large')
    await page.getByLabel('Failed').selectOption('older_than=1h')
    await page.getByText('1 dead letter with kind too large, failed over 1h ago.').waitFor()
    const shared = page.url()
    expect(new URL(shared).hash === '#/documents/dead?kind=too_large&older_than=1h' && new URL(shared).search === '', shared)
    const other = await browser.page()
    await other.goto(shared)
    await other.getByText('1 dead letter with kind too large, failed over 1h ago.').waitFor()
    expect((await other.getByLabel('Failed').inputValue()) === 'older_than=1h' && (await other.title()).startsWith('documents'), 'the filter')
    await other.done()
    for (let step = 0; step < 4; ++step) await page.goBack()
    await until(async () => (await page.locator('nav.ranges a[aria-current]').allInnerTexts()).join() === '1 hour', 'the history again')
    await page.goBack()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.done()
    await mock.stop()
  },

  async 'a token is asked for, kept in the tab alone, and forgotten'() {
    const mock = new Mock(web, 'busy')
    mock.token = '0123456789abcdef-web'
    const url = await mock.start()
    const page = await browser.page({ allowed: [/status of 401/] })
    await page.goto(`${url}/#/documents/dead`)
    await page.getByRole('heading', { name: 'This server asks for a token' }).waitFor()
    await browser.check(page, 'the question for a token')
    await page.getByLabel('Token').fill('wrong-wrong-wrong-wrong')
    await page.getByRole('button', { name: 'Use this token' }).click()
    await page.getByText('The server refuses this token.').waitFor()
    await page.getByLabel('Token').fill(mock.token)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'documents' }).waitFor()
    const kept = await page.evaluate(() => [JSON.stringify(sessionStorage), JSON.stringify(localStorage), document.cookie, location.href])
    expect(kept[0].includes(mock.token) && kept.slice(1).every((place) => !place.includes(mock.token)), kept)
    expect(mock.requests.every(({ path }) => !path.includes(mock.token)), 'the token is in a path')
    await page.reload()
    await page.getByRole('heading', { name: 'documents' }).waitFor()
    await page.getByRole('button', { name: 'Forget token' }).click()
    await page.getByRole('heading', { name: 'This server asks for a token' }).waitFor()
    expect((await page.evaluate(() => sessionStorage.length)) === 0, 'the token is gone')
    await until(() => mock.streams.size === 0, 'the end of the stream')
    await page.done()
    await mock.stop()
  },

  async 'by the keyboard'() {
    const mock = new Mock(web, 'busy')
    const page = await open(mock)
    await page.keyboard.press('Tab')
    expect((await page.evaluate(() => document.activeElement.className)) === 'skip', 'the first stop is the skip link')
    await page.keyboard.press('Enter')
    expect((await page.evaluate(() => document.activeElement.id)) === 'main', 'the content has the focus')
    await page.getByRole('link', { name: 'tickets', exact: true }).last().focus()
    await page.keyboard.press('Enter')
    await until(() => page.evaluate(() => document.activeElement.tagName === 'H1' && document.activeElement.textContent === 'tickets'), 'the focus on the heading')
    await page.locator('.facts .fact[data-exact]', { hasText: 'p50' }).focus()
    expect((await text(page, '#tip')) === 'p50 0.212 s, p99 0.94 s', await text(page, '#tip'))
    await page.keyboard.press('Escape')
    expect(await page.locator('#tip').isHidden(), 'Escape hides the tip')
    await page.getByRole('button', { name: 'Exact numbers' }).press('Enter')
    await page.getByText('1,234,567 tokens').first().waitFor()
    await page.getByRole('button', { name: 'Colours: system' }).press('Enter')
    await page.getByRole('button', { name: 'Colours: light' }).press('Enter')
    expect((await page.evaluate(() => getComputedStyle(document.body).backgroundColor)) === 'rgb(14, 19, 25)', 'dark')
    await page.getByText('The values as a table').click()
    await until(async () => (await page.locator('.values tbody tr').count()) > 30, 'the values')
    await page.done()
    await mock.stop()
  },
}

for (const [name, test] of Object.entries(tests)) {
  if (!name.includes(only)) continue
  const started = Date.now()
  try {
    await test()
    console.log(`${name}: ${((Date.now() - started) / 1000).toFixed(1)} s`)
  } catch (error) {
    console.error(`${name}: ${error.stack}`)
    process.exitCode = 1
  }
}
await browser.close()
process.exit()
