// A page that is cut off says so, and misses nothing and doubles nothing when it is back.
import { Person, desktop, phone } from "../browser.js";
import { equal, holds, pause, until } from "../checks.js";
import * as night from "../night.js";
import { Workspace } from "../workspace.js";

const STALE_WITHIN_MS = 10_000;

export async function live(checks, browser) {
  const workspace = await Workspace.open({ watanabe: 2, nakamura: 1 });
  try {
    const watanabe = await (await Person.arrive(browser, workspace, "watanabe", phone)).signIn();
    const incident = await night.openIncident({ watanabe });
    workspace.token("watanabe");
    const reader = await (await Person.arrive(browser, workspace, "nakamura", desktop)).signIn();
    const around = { workspace, reader, incident };

    await checks.check("what others do appears within two seconds, without loading the page", () => news(around));
    await checks.check("a cut connection shows as stale within 10 s and recovers with nothing missing or doubled", () =>
      interrupted(around, "cut", () => workspace.proxy.cut(), () => workspace.proxy.mend()));
    await checks.check("a connection that only falls silent shows as stale within 10 s and recovers by itself", () =>
      interrupted(around, "silent", () => workspace.proxy.silence(), () => {}));
    await checks.check("a server that was killed and came back is found again", () => killed(around));
    await checks.check("what is being typed survives news from others", () => typing(around));
    await reader.leave();
    await watanabe.leave();
  } finally {
    await workspace.close();
  }
}

const mode = (reader) => reader.page.locator("#live").getAttribute("data-mode");
const fresh = (reader) => until("the page is live", 20_000, async () => (await mode(reader)) === "fresh");
const stale = (reader) => until("the page says that it is stale", STALE_WITHIN_MS, async () => (await mode(reader)) === "cut");

function note({ workspace, incident }, text) {
  workspace.run("watanabe", "incident", "note", incident, text);
}

async function seen({ reader }, texts) {
  const timeline = await reader.text("#timeline");
  return texts.map((text) => timeline.split(text).length - 1);
}

async function reading(around) {
  await around.reader.go(`/incidents/${around.incident}`);
  await fresh(around.reader);
}

async function news(around) {
  await reading(around);
  await around.reader.page.evaluate(() => (window.sameDocument = true));
  note(around, "記録その一");
  await until("the note appears", 2_000, async () => (await seen(around, ["記録その一"]))[0] === 1);
  equal(await around.reader.page.evaluate(() => window.sameDocument), true, "the document was not loaded again");
}

async function interrupted(around, mark, breaks, mends) {
  await reading(around);
  breaks();
  const texts = [1, 2, 3, 4, 5].map((number) => `${mark}-${number}`);
  for (const text of texts) note(around, text);
  await stale(around.reader);
  holds((await around.reader.text("#live .state")).length > 0, "it says so in words");
  if (mark === "cut") await pause(3_000);
  mends();
  await until("all five notes are there once", 20_000, async () => (await seen(around, texts)).every((count) => count === 1));
  await fresh(around.reader);
}

async function killed(around) {
  await reading(around);
  await around.workspace.kill();
  await stale(around.reader);
  await around.workspace.start();
  note(around, "戻ったあと");
  await until("the note appears", 20_000, async () => (await seen(around, ["戻ったあと"]))[0] === 1);
  await fresh(around.reader);
}

async function typing(around) {
  const { reader } = around;
  await reading(around);
  const folded = reader.page.locator('details.act:has(input[name="do"][value="incident.note"])').first();
  if ((await folded.count()) > 0) await folded.locator("summary").first().click();
  const field = reader.page.locator('form:has(input[name="do"][value="incident.note"]) [name="text"]').first();
  await field.fill("書きかけの文");
  note(around, "割り込み");
  await until("the note appears", 5_000, async () => (await seen(around, ["割り込み"]))[0] === 1);
  equal(await field.inputValue(), "書きかけの文", "what was being typed");
}
