// Chromium with a page that fails the test at what a reader should never meet: errors in the console, refused by the content
// security policy, or what axe finds.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const deadline = 15000

export function expect(right, what) {
  if (!right) throw new Error(typeof what === 'string' ? what : JSON.stringify(what))
}

/// Waits until `look` returns something true, and returns that.
export async function until(look, what, within = deadline) {
  const end = Date.now() + within
  for (;;) {
    const found = await look()
    if (found) return found
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

export class Browser {
  /// `modules` has playwright-core and axe-core.
  static async open(modules, chromium) {
    const find = createRequire(`${resolve(modules)}/`)
    const made = new Browser()
    made.axe = await readFile(find.resolve('axe-core/axe.min.js'), 'utf8')
    made.browser = await find('playwright-core').chromium.launch({ executablePath: chromium, args: ['--no-sandbox'] })
    return made
  }

  /// A page of its own session; `allowed` are regular expressions of errors that the test causes itself.
  async page({ width = 1280, scheme = 'light', allowed = [] } = {}) {
    const context = await this.browser.newContext({ viewport: { width, height: 844 }, colorScheme: scheme, reducedMotion: 'reduce' })
    const page = await context.newPage()
    page.setDefaultTimeout(deadline)
    page.faults = []
    const fault = (text) => allowed.some((pattern) => pattern.test(text)) || page.faults.push(text)
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && fault(message.text()))
    page.on('pageerror', (error) => fault(String(error)))
    await page.addInitScript(() => document.addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)))
    page.done = async () => {
      expect(page.faults.length === 0, `the console says ${page.faults.join(' | ')}`)
      await context.close()
    }
    return page
  }

  /// axe finds nothing, and the page does not scroll sideways.
  async check(page, what) {
    // The protocol evaluates this, which no content security policy forbids.
    await page.evaluate(this.axe)
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' ; ')}`)
    expect(violations.length === 0, `${what}: axe finds ${found.join('\n')}`)
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    expect(wide <= 0, `${what}: the page scrolls sideways by ${wide}`)
  }

  close() {
    return this.browser.close()
  }
}

/// Makes the tab hidden, or shown again, as far as the page can know.
export async function hide(page, hidden) {
  await page.evaluate((state) => {
    Object.defineProperty(document, 'hidden', { value: state, configurable: true })
    Object.defineProperty(document, 'visibilityState', { value: state ? 'hidden' : 'visible', configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, hidden)
}
