#!/usr/bin/env node
// pictures.mjs MODULES CHROMIUM WEB FOLDER: writes the pictures of docs/dashboard.md, of made-up facts (facts.mjs).
import { Browser } from './browser.mjs'
import { Mock } from './mock.mjs'

const [modules, chromium, web, folder] = process.argv.slice(2)
const pictures = {
  overview: ['busy', '#/', { width: 1280, scheme: 'light' }, 900],
  history: ['busy', '#/documents/history?range=1h', { width: 1280, scheme: 'dark' }, 1190],
  search: ['busy', '#/tickets/search?q=restore+a+backup&k=2&explain=1', { width: 1280, scheme: 'light' }, 1060],
  phone: ['broken', '#/', { width: 390, scheme: 'dark' }, 844],
}

const browser = await Browser.open(modules, chromium)
for (const [name, [kind, hash, options, height]] of Object.entries(pictures)) {
  const mock = new Mock(web, kind)
  const url = await mock.start()
  const page = await browser.page(options)
  await page.setViewportSize({ width: options.width, height })
  await page.goto(`${url}/${hash}`)
  await page.locator('#connection[data-tone=good]').waitFor()
  if (name !== 'overview' && name !== 'phone') await page.locator('.plot canvas, .explained').last().waitFor()
  const path = `${folder}/dashboard-${name}.png`
  await page.screenshot({ path })
  await page.done()
  await mock.stop()
}
await browser.close()
