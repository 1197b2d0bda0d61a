// The status page: published from a phone, read by people who are not signed in, on a phone and on a desktop, with and without scripts.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Person, desktop, phone } from "../browser.js";
import { equal, holds, until } from "../checks.js";
import { Workspace } from "../workspace.js";

export const withStatus = (folder) => (policy) => `${policy}
[status]
title = { ja = "予約サイトの状況", en = "Booking status" }
visibility = "public"
url = "https://status.example.test"
${folder ? `directory = "${folder}"` : ""}
[status.components.booking]
name = { ja = "予約", en = "Booking" }
services = ["reservation"]
environment = "production"
[status.components.mypage]
name = { ja = "マイページ（予約の確認と取り消し、領収書の発行）", en = "My page (bookings, cancellations, receipts)" }
services = ["reservation"]
environment = "production"
[status.mail]
host = "127.0.0.1"
port = 1
security = "none"
from = "status@example.test"
`;

export async function status(checks, browser) {
  const folder = mkdtempSync(join(tmpdir(), "hikeshi-www-"));
  const workspace = await Workspace.open({ watanabe: 2 }, withStatus(folder));
  try {
    await checks.check("an incident is published from a phone, and its title stays inside", () => published(browser, workspace));
    for (const [size, name] of [[phone, "a phone"], [desktop, "a desktop"]]) {
      for (const lang of ["ja", "en"]) await checks.check(`on ${name}, in ${lang}, outsiders read the page`, () => read(browser, workspace, size, name, lang));
    }
    await checks.check("a form is answered the same whoever asks", () => subscribe(browser, workspace));
    await checks.check("the files, shown by another server, say when they are old", () => old(browser, workspace, folder));
  } finally {
    await workspace.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const picture = async (page, name) => {
  const to = process.env.HIKESHI_PICTURES;
  if (!to) return;
  mkdirSync(to, { recursive: true });
  await page.screenshot({ path: `${to}/${name}.png`, fullPage: true });
};

async function published(browser, workspace) {
  const watanabe = await (await Person.arrive(browser, workspace, "watanabe", phone)).signIn();
  await watanabe.go("/incidents/new");
  await watanabe.act("incident.open", { title: "決済の鍵が漏れたかもしれない", service: "reservation", environment: "production", impact: "some_users", business: "lost_sales", urgency: "now" });
  await watanabe.go("/incidents/inc_1");
  const words = { public_ja: "予約を確定しようとすると、エラーになることがあります。\n原因を調べています。\n次のお知らせは 30 分後です。", state: "investigating" };
  await watanabe.act("incident.publish", { ...words, "component.booking": "partial_outage" });
  holds((await watanabe.text("#published")).includes("渡邉 直子"), "who published it, inside");
  equal(await watanabe.axe("light"), [], "accessibility of the incident");
  equal(await watanabe.overflow(), 0, "pixels beyond the screen");
  await picture(watanabe.page, "status-published");
  await watanabe.go("/alerts");
  await watanabe.act("alert.silence", { service: "reservation", minutes: "30", reason: "DB を移す", public_en: "We are moving our database." });
  await until("both are shown", 15_000, async () => {
    const text = await (await fetch(`${workspace.url}/status/`)).text();
    return text.includes("エラーになることがあります") && text.includes("実施中");
  });
  await watanabe.leave();
}

async function read(browser, workspace, size, name, lang) {
  const reader = await Person.arrive(browser, workspace, "nobody", size);
  const root = lang === "ja" ? "/status/" : "/status/en/index.html";
  await reader.go(root);
  equal(await reader.page.locator("html").getAttribute("lang"), lang, "the language of the page");
  const words = lang === "ja" ? ["予約サイトの状況", "一部が停止しています", "一部停止", "時点の情報です", "実施中"] : ["Booking status", "Partial outage", "As of", "under way", "We are moving our database."];
  const text = await reader.text("body");
  for (const word of words) holds(text.includes(word), `${word} in ${text}`);
  for (const inside of ["鍵", "渡邉", "DB を移す"]) holds(!text.includes(inside), `${inside} is nobody's outside`);
  holds(await reader.page.locator("#old").isHidden(), "it is not old");
  equal(await reader.axe("light"), [], "accessibility");
  equal(await reader.overflow(), 0, "pixels beyond the screen");
  await picture(reader.page, `status-${name.split(" ")[1]}-${lang}`);
  await reader.page.locator("main section h3 a").first().click();
  await reader.page.waitForURL("**/incidents/inc_1.html");
  holds((await reader.text("main")).includes("30 分後"), "the words, with their lines");
  if (lang === "en") holds((await reader.text("main")).includes("There is no English text yet."), "what is not translated says so");
  equal(await reader.axe("light"), [], "accessibility of the incident");
  equal(await reader.overflow(), 0, "pixels beyond the screen");
  await picture(reader.page, `status-incident-${name.split(" ")[1]}-${lang}`);
  await reader.page.locator("header a[hreflang]").click();
  await reader.page.waitForLoadState();
  equal(await reader.page.locator("html").getAttribute("lang"), lang === "ja" ? "en" : "ja", "the same page in the other language");
  await reader.leave();
}

async function subscribe(browser, workspace) {
  const reader = await Person.arrive(browser, workspace, "nobody", phone);
  await reader.go("/status/");
  await reader.page.locator("footer a").first().tap();
  await reader.page.waitForURL("**/status/subscribe**");
  equal(await reader.axe("light"), [], "accessibility of the form");
  const answers = [];
  for (const address of ["yamada@example.test", "yamada@example.test", "suzuki@example.test"]) {
    await reader.go("/status/subscribe?lang=ja");
    await reader.page.locator("#address").fill(address);
    await reader.page.locator("button").tap();
    await reader.page.locator("h1", { hasText: "メールをご確認ください" }).waitFor();
    answers.push(await reader.text("main"));
  }
  equal(new Set(answers).size, 1, "answers");
  await reader.go("/status/confirm/1.none?lang=en");
  await picture(reader.page, "status-confirm");
  equal(await reader.axe("light"), [], "accessibility of the confirmation");
  await reader.page.locator("button").tap();
  await reader.page.locator("main", { hasText: "This link is no good" }).waitFor();
  await reader.leave();
}

// Elsewhere, an hour later, with hikeshi dead: the page says itself that it may be old, and needs no script to be read.
async function old(browser, workspace, folder) {
  const server = http.createServer((request, answer) => {
    const path = join(folder, request.url.endsWith("/") ? `${request.url}index.html` : request.url);
    answer.setHeader("content-type", path.endsWith(".html") ? "text/html" : "text/plain");
    try {
      answer.end(readFileSync(path));
    } catch {
      answer.statusCode = 404;
      answer.end();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${server.address().port}`;
  try {
    const reader = await Person.arrive(browser, { ...workspace, url }, "nobody", phone);
    await reader.page.clock.install({ time: Date.now() });
    await reader.page.goto(`${url}/`);
    holds(await reader.page.locator("#old").isHidden(), "it is not old yet");
    await reader.page.clock.fastForward(3_600_000);
    await reader.page.locator("#old").waitFor({ state: "visible" });
    equal(await reader.axe("light"), [], "accessibility of an old page");
    await picture(reader.page, "status-old");
    await reader.leave();
    const plain = await Person.arrive(browser, { ...workspace, url }, "nobody", { ...desktop, javaScriptEnabled: false });
    await plain.page.goto(`${url}/en/`);
    holds((await plain.text("main")).includes("updates have stopped"), "without a script it says how to tell");
    await plain.leave();
  } finally {
    server.close();
  }
}
