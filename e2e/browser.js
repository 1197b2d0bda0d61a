// Real Chromium, as people use it: on a phone and on a desktop, with and without scripts.
import { chromium, axeSource } from "./modules.js";
import { holds } from "./checks.js";

export const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
export const desktop = { viewport: { width: 1280, height: 800 } };

export async function open() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // As root in a container there is no sandbox to be had; the pages are our own.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=ja"],
  });
}

// A person at a browser of their own.
export class Person {
  static async arrive(browser, workspace, handle, options = {}) {
    const person = new Person();
    person.handle = handle;
    person.workspace = workspace;
    person.context = await browser.newContext({ locale: "ja-JP", timezoneId: "Asia/Tokyo", ...options });
    person.context.setDefaultTimeout(15_000);
    person.page = await person.context.newPage();
    person.troubles = [];
    person.page.on("pageerror", (error) => person.troubles.push(String(error)));
    person.page.on("console", (message) => {
      // A cut connection is said by the browser itself, and is what some checks are about.
      if (message.type() === "error" && !/net::ERR|Failed to load resource/.test(message.text())) person.troubles.push(message.text());
    });
    person.page.on("request", (request) => {
      if (!request.url().startsWith(workspace.url) && !request.url().startsWith("data:")) person.troubles.push(`asks elsewhere: ${request.url()}`);
    });
    return person;
  }

  // By one-time link: opening it is not enough, since mail programs open links too; the button uses it up.
  async signIn(link) {
    await this.page.goto(link ?? this.workspace.link(this.handle));
    await this.page.locator("main form button[type=submit]").first().click();
    await this.page.locator(`header a[href="/people/me"]`).waitFor();
    return this;
  }

  async go(path) {
    const answer = await this.page.goto(this.workspace.url + path);
    holds(answer.ok(), `${path}: ${answer.status()}`);
    return answer;
  }

  // Does one act of the page by its form. Acts with fields are folded; they open without a script.
  async act(kind, fields = {}, { refused = false, within = "" } = {}) {
    const page = this.page;
    const form = page.locator(`${within} form:has(input[name="do"][value="${kind}"])`).first();
    const folded = page.locator(`${within} details.act:has(input[name="do"][value="${kind}"])`).first();
    await form.waitFor({ state: "attached" });
    if ((await folded.count()) > 0 && (await folded.getAttribute("open")) === null) await folded.locator("summary").first().click();
    for (const [name, value] of Object.entries(fields)) {
      const field = form.locator(`[name="${name}"]`).first();
      const tag = await field.evaluate((element) => element.tagName).catch(() => "");
      if (tag === "SELECT") await field.selectOption(value);
      else await field.fill(value);
    }
    await form.locator("button[type=submit], button:not([type])").last().click();
    await page.locator(refused ? "#refused" : "#receipt").waitFor();
    return this;
  }

  async text(selector) {
    return (await this.page.locator(selector).first().innerText()).trim();
  }

  async axe(scheme) {
    await this.page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await this.page.evaluate(axeSource);
    const found = await this.page.evaluate(async () => {
      const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
      const result = await window.axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
      return result.violations.map((rule) => `${rule.id}: ${rule.help} — ${rule.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(" | ")}`);
    });
    await this.page.emulateMedia({ colorScheme: null, reducedMotion: null });
    return found;
  }

  // Nothing may be wider than the screen, or it must scroll inside itself.
  async overflow() {
    return this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  }

  async leave() {
    await this.context.close();
    holds(this.troubles.length === 0, `${this.handle} saw trouble in the browser: ${this.troubles.slice(0, 5).join("; ")}`);
  }
}
