// Who is on call, on a phone: read at a glance, taken over with a form, given back, and taken along as a calendar.
import { createServer } from "node:http";

import { Person, phone } from "../browser.js";
import { equal, holds } from "../checks.js";
import { Workspace } from "../workspace.js";

const schedules = `
[schedules.primary]
name = "一次当番"
[[schedules.primary.layers]]
people = ["tanaka"]
handover = "monday"
at = "09:00"
starts = "2026-01-05"

[schedules.nights]
name = "夜間当番"
[[schedules.nights.layers]]
people = ["sato", "watanabe"]
handover = "daily"
at = "12:00"
starts = "2026-01-05"
hours = { from = "22:00", until = "07:00" }
`;

export const withSchedules = (policy) => policy + schedules;

export async function oncall(checks, browser) {
  const workspace = await Workspace.open({ watanabe: 1, sato: 2 }, withSchedules);
  try {
    await checks.check("a shift is taken over and given back on a phone", () => takenOver(browser, workspace));
    await checks.check("the calendar needs a sign-in", () => calendar(browser, workspace));
    await checks.check("a calendar program reads it by an address of its own", () => subscribed(browser, workspace));
  } finally {
    await workspace.close();
  }
  const pages = [];
  const receiver = createServer((request, answer) => {
    const body = [];
    request.on("data", (piece) => body.push(piece));
    request.on("end", () => {
      pages.push(JSON.parse(Buffer.concat(body).toString("utf8")));
      answer.end("ok");
    });
  });
  await new Promise((ready) => receiver.listen(0, "127.0.0.1", ready));
  const url = `http://127.0.0.1:${receiver.address().port}/`;
  const called = (policy) =>
    policy.replace('roles = ["operator"] }', `roles = ["operator"], webhook = { url = "${url}" } }`) + "\n[paging]\nrules = [{ after_min = 0, by = [\"webhook\"] }]\n";
  const reachable = await Workspace.open({ watanabe: 1 }, called);
  try {
    await checks.check("a test page is asked for and confirmed on a phone", () => tested(browser, reachable, pages));
  } finally {
    await reachable.close();
    receiver.close();
  }
}

const picture = async (page, name) => {
  const folder = process.env.HIKESHI_PICTURES;
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
};

// As a phone's own field for date and time sends it, in the workspace's time.
const local = (hours) => new Date(Date.now() + (hours + 9) * 3600 * 1000).toISOString().slice(0, 16);

async function takenOver(browser, workspace) {
  const watanabe = await (await Person.arrive(browser, workspace, "watanabe", phone)).signIn();
  await watanabe.go("/");
  await watanabe.page.locator('main a[href="/oncall"]').tap();
  await watanabe.page.waitForURL("**/oncall");
  const here = "#schedule-primary";
  holds((await watanabe.text(here)).includes("田中 一郎"), "who is on call is the first thing said");
  holds((await watanabe.text(here)).includes("この人に連絡する手段が、ポリシーにありません"), "and that no page would arrive");
  holds((await watanabe.text(here)).includes("これから14日間、当番のいない時間はありません"), "no gaps");
  holds((await watanabe.text("#schedule-nights")).match(/当番がいません。/g).length === 3, "the days are gaps of the nights, in words");
  const folded = await watanabe.page.locator("#gaps-nights li").count();
  holds(folded >= 10, `the rest is folded: ${folded}`);
  for (const scheme of ["light", "dark"]) equal(await watanabe.axe(scheme), [], `accessibility in ${scheme}`);
  equal(await watanabe.overflow(), 0, "pixels beyond the screen");
  await picture(watanabe.page, "oncall-phone");

  await watanabe.act("oncall.override", { until: local(-2), reason: "交代" }, { refused: true, within: here });
  holds((await watanabe.text("#refused")).includes("oncall.ends_before_it_begins"), "why not");
  await watanabe.go("/oncall");
  await watanabe.act("oncall.override", { until: local(3), reason: "交代" }, { within: here });
  holds((await watanabe.text(here)).includes("渡邉 直子"), "whoever has taken over is on call");
  holds((await watanabe.text(here)).includes("次: 田中 一郎"), "and who is next");
  await watanabe.page.locator(`${here} details[id^="table-"] summary`).tap();
  holds((await watanabe.text(here)).includes("交代"), "the table says that it is an override");
  equal(await watanabe.overflow(), 0, "pixels beyond the screen with the table");
  await picture(watanabe.page, "oncall-phone-taken");
  await watanabe.act("oncall.cancel", { reason: "戻りました" }, { within: here });
  holds((await watanabe.text(here)).includes("田中 一郎"), "back to the schedule");
  equal(watanabe.troubles, [], "troubles of the browser");
  await watanabe.leave();
}

async function calendar(browser, workspace) {
  const path = `${workspace.url}/oncall/nights.ics`;
  const guest = await fetch(path, { redirect: "manual" });
  holds(guest.status !== 200, `a guest is answered ${guest.status}`);
  const sato = await (await Person.arrive(browser, workspace, "sato", phone)).signIn();
  const answer = await sato.page.request.get(path);
  equal(answer.status(), 200, "the calendar");
  holds(answer.headers()["content-type"].startsWith("text/calendar"), "what it is");
  const text = await answer.text();
  holds(text.startsWith("BEGIN:VCALENDAR\r\n"), "it begins as one");
  holds((text.match(/BEGIN:VEVENT/g) ?? []).length >= 90, "a night for each of the days ahead");
  equal((await sato.page.request.get(`${workspace.url}/oncall/none.ics`)).status(), 404, "a schedule that is not there");
  await sato.leave();
}

// As a calendar program sees it: an address, and no cookie.
async function subscribed(browser, workspace) {
  const sato = await (await Person.arrive(browser, workspace, "sato", phone)).signIn();
  await sato.go("/");
  await sato.page.locator('nav a[href="/oncall"]').tap();
  await sato.page.waitForURL("**/oncall");
  await sato.page.locator("#calendars button").first().tap();
  await sato.page.waitForSelector("#fresh-calendar");
  const address = (await sato.page.locator("#fresh-calendar pre").first().innerText()).trim();
  for (const scheme of ["light", "dark"]) equal(await sato.axe(scheme), [], `accessibility in ${scheme}`);
  equal(await sato.overflow(), 0, "pixels beyond the screen");
  await picture(sato.page, "oncall-subscribed");
  const path = new URL(address).pathname;
  const answer = await fetch(`${workspace.url}${path}`, { redirect: "manual" });
  equal(answer.status, 200, "without a cookie");
  equal(answer.headers.get("cache-control"), "private, max-age=300", "nobody in between keeps it");
  holds((await answer.text()).startsWith("BEGIN:VCALENDAR\r\n"), "a calendar");
  await sato.go("/oncall");
  equal(await sato.page.locator("#fresh-calendar").count(), 0, "shown once");
  await sato.act("account.revoke_token", {}, { within: "#calendars" });
  equal((await fetch(`${workspace.url}${path}`, { redirect: "manual" })).status, 404, "revoked");
  equal(sato.troubles, [], "troubles of the browser");
  await sato.leave();
}

async function tested(browser, workspace, pages) {
  const watanabe = await (await Person.arrive(browser, workspace, "watanabe", phone)).signIn();
  await watanabe.go("/people");
  await watanabe.page.locator('main a[href="/contacts"]').tap();
  await watanabe.page.waitForURL("**/contacts");
  const own = "#contact-watanabe";
  holds((await watanabe.text(own)).includes("未確認"), "what nobody has proven says so");
  holds((await watanabe.text("#contact-kobayashi")).includes("呼び出す手段がありません"), "and who cannot be reached");
  const first = (await watanabe.text("#steps")).replace(/\s+/g, " ");
  holds(first.includes("すぐに: 渡邉 直子"), `who is called first: ${first}`);
  await watanabe.act("contact.test", {}, { within: own });
  for (let tries = 0; pages.length === 0 && tries < 100; tries += 1) await new Promise((go) => setTimeout(go, 100));
  equal(pages.map((page) => [page.test, page.person]), [[true, "watanabe"]], "what the receiver got");
  await watanabe.go(new URL(pages[0].url).pathname);
  for (const scheme of ["light", "dark"]) equal(await watanabe.axe(scheme), [], `accessibility in ${scheme}`);
  equal(await watanabe.overflow(), 0, "pixels beyond the screen");
  await picture(watanabe.page, "contacts-phone");
  await watanabe.act("contact.confirm", {}, { within: "#mine" });
  holds((await watanabe.text(own)).includes("届いた"), "it is proven");
  equal(await watanabe.page.locator("#mine").count(), 0, "nothing is left to confirm");
  await watanabe.act("contact.test", { typed: "はい" }, { refused: true, within: "#all" });
  holds((await watanabe.text("#refused")).length > 0, "nobody is tested by a careless tap");
  equal(watanabe.troubles, [], "troubles of the browser");
  await watanabe.leave();
}
