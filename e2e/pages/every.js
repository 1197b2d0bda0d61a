// Every page, in light and dark, in both languages, on both sizes: axe-core finds nothing, nothing is wider than the screen, and the
// incident page is light on the wire.
import { readdirSync } from "node:fs";

import { Person, desktop, phone } from "../browser.js";
import { equal, holds } from "../checks.js";
import * as night from "../night.js";
import { Workspace } from "../workspace.js";
import { withSchedules } from "./oncall.js";

const WIRE_BYTES_MAX = 30 * 1024;

export async function everyPage(checks, browser) {
  const workspace = await Workspace.open({ ...night.links, sato: 3 }, withSchedules);
  try {
    const people = await night.gather(browser, workspace, desktop);
    const { incident, emergency } = await night.carriedOut(people, workspace);
    const open = await night.openIncident(people, "一覧が遅い");
    const cases = { incident, emergency, open };

    await checks.check(`the first page of an incident is below ${WIRE_BYTES_MAX / 1024} KB on the wire`, () => weight(browser, workspace, people.watanabe, incident));
    const paths = await pathsOf(cases);
    for (const [size, name] of [[desktop, "a desktop"], [phone, "a phone"]]) {
      const reader = await (await Person.arrive(browser, workspace, "sato", size)).signIn();
      for (const lang of ["ja", "en"]) {
        await speak(reader, lang);
        for (const path of paths) {
          await checks.check(`on ${name}, in ${lang}: ${path} is accessible in light and dark`, () => accessible(reader, path, lang));
        }
      }
      await reader.leave();
    }
    await night.close(people, emergency);
    await owedPages(checks, people, emergency);
    const guest = await Person.arrive(browser, workspace, "nobody", phone);
    await checks.check("the sign-in page is accessible in light and dark", () => accessible(guest, "/signin", "ja"));
    await guest.leave();
    await night.part(people);
  } finally {
    await workspace.close();
  }
}

async function pathsOf({ incident, emergency, open }) {
  // The month of the workspace, which is that of Tokyo.
  const month = new Date(Date.now() + 9 * 3600 * 1000).toISOString().slice(0, 7);
  return [
    "/",
    "/incidents",
    "/incidents/new",
    `/incidents/${incident}`,
    `/incidents/${open}`,
    `/incidents/${incident}/postmortem`,
    `/emergencies/new?incident=${incident}`,
    `/emergencies/${emergency}`,
    `/emergencies/${emergency}/watch`,
    "/alerts",
    "/approvals",
    "/obligations",
    "/contacts",
    "/monitors",
    "/oncall",
    "/reports",
    `/reports/${month}`,
    `/reports/${month.slice(0, 4)}-Q${Math.ceil(Number(month.slice(5)) / 3)}`,
    "/reports/2020-02",
    "/obligations/obl_1",
    "/channel/emergency-deploy",
    "/channel/incidents",
    "/ledger",
    "/ledger/0",
    "/people",
    "/people/me",
    "/policy",
  ];
}

async function speak(reader, lang) {
  await reader.go("/");
  if ((await reader.page.locator("html").getAttribute("lang")) === lang) return;
  await reader.page.locator(`form[action="/language"] button[value="${lang}"]`).click();
  await reader.page.locator(`html[lang="${lang}"]`).waitFor({ state: "attached" });
}

async function accessible(reader, path, lang) {
  await reader.go(path);
  equal(await reader.page.locator("html").getAttribute("lang"), lang, "the language of the page");
  equal(await reader.page.locator("h1").count(), 1, "headings of the first rank");
  for (const scheme of ["light", "dark"]) equal(await reader.axe(scheme), [], `axe in ${scheme}`);
  equal(await reader.overflow(), 0, "pixels beyond the screen");
  equal(await twice(reader.page), [], "hidden fields of one form with one name, of which the server reads only the first");
}

const twice = (page) =>
  page.locator("form").evaluateAll((forms) =>
    forms.flatMap((form) => {
      const names = [...form.querySelectorAll("input[type=hidden]")].map((field) => field.name);
      return names.filter((name, at) => names.indexOf(name) !== at).map((name) => `${form.id}: ${name}`);
    }),
  );

async function owedPages(checks, { tanaka }, emergency) {
  await tanaka.go(`/emergencies/${emergency}`);
  const owed = await tanaka.page.locator("#owed li").evaluateAll((rows) => rows.map((row) => row.id));
  for (const id of owed) await checks.check(`the obligation ${id} is accessible in light and dark`, () => accessible(tanaka, `/obligations/${id}`, "ja"));
  holds(owed.length === 3, "three obligations");
}

// Everything that a browser with an empty cache receives for the page, as it comes over the wire.
async function weight(browser, workspace, signedIn, incident) {
  const context = await browser.newContext({ ...phone, storageState: await signedIn.context.storageState() });
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  const urls = new Map();
  let bytes = 0;
  const parts = [];
  devtools.on("Network.responseReceived", ({ requestId, response }) => urls.set(requestId, response.url));
  devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    bytes += encodedDataLength;
    parts.push(`${new URL(urls.get(requestId) ?? "about:blank").pathname} ${encodedDataLength}`);
  });
  await page.goto(`${workspace.url}/incidents/${incident}`);
  await page.waitForTimeout(1_500);
  await context.close();
  console.log(`      ${bytes} bytes: ${parts.join(", ")}`);
  holds(bytes > 2_000, "something was received");
  holds(bytes < WIRE_BYTES_MAX, `${bytes} bytes: ${parts.join(", ")}`);
}

// Every template of the product is reached by one of the paths above, those of the status page in status.js; a new page must be added there.
export async function noPageForgotten(checks) {
  await checks.check("every template is visited", async () => {
    const folder = new URL("../../crates/hikeshi-web/templates/", import.meta.url);
    const known = ["act", "alerts", "approvals", "base", "changes", "channel", "contacts", "emergency", "entry", "failure", "form", "incident", "incidents", "ledger", "me", "monitors", "now", "obligation", "obligations", "oncall", "outside", "parts", "people", "plan", "policy", "postmortem", "replay", "review", "reviews", "signin", "status_form", "status_head", "status_incident", "status_index", "watch"];
    const found = readdirSync(folder).filter((name) => name.endsWith(".html")).map((name) => name.replace(".html", ""));
    equal(found.filter((name) => !known.includes(name)), [], "templates that no check visits");
  });
}
