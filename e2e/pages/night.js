// The whole loop, by people: open, request, be refused, approve, witness, carry out, close, follow up.
import { Person, desktop, phone } from "../browser.js";
import { equal, holds, until } from "../checks.js";
import * as night from "../night.js";
import { Workspace } from "../workspace.js";

const runs = [
  ["a phone", phone, true],
  ["a phone without scripts", phone, false],
  ["a desktop", desktop, true],
  ["a desktop without scripts", desktop, false],
];

export async function wholeNights(checks, browser) {
  for (const [name, size, scripts] of runs) {
    await checks.check(`on ${name}: an exception from the incident to the close`, () => wholeNight(browser, { ...size, javaScriptEnabled: scripts }));
  }
}

async function wholeNight(browser, options) {
  const workspace = await Workspace.open(night.links);
  try {
    const people = await night.gather(browser, workspace, options);
    const { watanabe, tanaka, takahashi, sato, suzuki, yamamoto } = people;
    const incident = await night.openIncident(people);

    // One condition without its evidence is refused by rule E1, and what was typed is kept.
    await tanaka.go(`/emergencies/new?incident=${incident}`);
    await night.fillPlan(tanaka.page, workspace, ["cannot_wait.evidence"]);
    await tanaka.page.locator("form#plan .bar button[type=submit]").click();
    holds((await tanaka.text("#refused")).includes("E1"), "the refusal names rule E1");
    equal(await tanaka.page.locator('[name="summary"]').inputValue(), "接続先を新しいデータベースに直す", "what was typed");

    const emergency = await night.request(people, workspace, incident);
    const own = tanaka.page.locator('form:has(input[name="do"][value="emergency.approve"])');
    equal(await own.count(), 0, "buttons to approve one's own request");
    holds((await tanaka.text("#closed")).length > 0, "the page says why not");

    await night.approve(people, emergency);
    holds((await takahashi.text("#approvals")).includes("髙橋 美咲"), "the approval is shown with its name");

    // Without witnesses nothing starts (rule E4).
    await sato.go(`/emergencies/${emergency}`);
    equal(await sato.page.locator('form:has(input[name="do"][value="emergency.start"])').count(), 0, "buttons to start without witnesses");
    await night.join(suzuki, emergency);
    await night.join(yamamoto, emergency);

    await night.carryOut(people, workspace, emergency);
    await watching(suzuki, emergency);
    await night.close(people, emergency);

    await watanabe.go(`/incidents/${incident}`);
    await watanabe.act("incident.resolve", { what: "接続先を直した" });
    await followUp(people, emergency);
    for (const person of Object.values(people)) equal(await person.overflow(), 0, `pixels beyond the screen at ${person.page.url()}`);
    await night.part(people);
  } finally {
    await workspace.close();
  }
}

// The witness sees the steps with their output on their own page.
async function watching(suzuki, emergency) {
  await suzuki.go(`/emergencies/${emergency}/watch`);
  holds((await suzuki.text("#steps")).includes("db2"), "the witness sees the output");
}

// What is owed is there, and the report can be given by the person who owes it.
async function followUp({ tanaka }, emergency) {
  await tanaka.go(`/emergencies/${emergency}`);
  const owed = await tanaka.page.locator("#owed li").evaluateAll((rows) => rows.map((row) => row.id));
  equal(owed.length, 3, "obligations");
  for (const id of owed) {
    await tanaka.go(`/obligations/${id}`);
    if ((await tanaka.page.locator('form:has(input[name="do"][value="obligation.report"])').count()) === 0) continue;
    await tanaka.act("obligation.report", {
      problem: "予約がすべて失敗した",
      impact: "全利用者、32 分間",
      cause: "切り替え後も古い接続先が残っていた",
      response: "接続先を書き換えた",
      prevention: "切り替え手順に設定の確認を入れる",
    });
    return;
  }
  throw new Error("no obligation takes a report");
}

// Sign-in as it is meant: a link once, then a passkey.
export async function signIn(checks, browser) {
  const workspace = await Workspace.open();
  try {
    await checks.check("the first administrator's link works once, and then never again", async () => {
      const admin = await Person.arrive(browser, workspace, "kato", desktop);
      await admin.signIn(workspace.firstLink);
      await admin.leave();
      const thief = await Person.arrive(browser, workspace, "kato", desktop);
      await thief.page.goto(workspace.firstLink);
      const button = thief.page.locator('form[action="/signin/link"] button');
      if ((await button.count()) > 0) await button.click();
      equal(await thief.page.locator('header a[href="/people/me"]').count(), 0, "signed in with a used link");
      await thief.context.close();
    });
    // The first link is used up, so the administrator's token has to come from elsewhere: another workspace serves the rest.
  } finally {
    await workspace.close();
  }
  const fresh = await Workspace.open({ suzuki: 1, takahashi: 1, tanaka: 1 });
  try {
    for (const [name, size] of [["a phone", phone], ["a desktop", desktop]]) {
      await checks.check(`on ${name}: a passkey is registered and signs in`, () => passkey(browser, fresh, size));
    }
    await checks.check("the administrator invites somebody by command line while the server runs", async () => {
      const invited = await Person.arrive(browser, fresh, "ito", phone);
      // The command line makes the link with the address by which it reached the server; here it goes past the proxy.
      const link = new URL(fresh.ask("kato", "people", "invite", "ito").link);
      await invited.signIn(fresh.url + link.pathname + link.search);
      await invited.leave();
    });
    await checks.check("whoever is not signed in sees the sign-in page and nothing else", async () => {
      for (const path of ["/", "/incidents", "/ledger", "/people", "/channel", "/live"]) {
        const answer = await fetch(fresh.direct + path, { redirect: "manual" });
        holds([302, 303, 401, 403].includes(answer.status), `${path}: ${answer.status}`);
      }
    });
    await checks.check("a form that comes from another host is refused", async () => {
      const person = await (await Person.arrive(browser, fresh, "tanaka", desktop)).signIn();
      const cookies = (await person.context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
      const body = new URLSearchParams({ do: "incident.open", title: "x" });
      const answer = await fetch(`${fresh.direct}/incidents/new`, { method: "POST", body, redirect: "manual", headers: { cookie: cookies, origin: "https://evil.example" } });
      holds(answer.status >= 400 && answer.status < 500, `answered ${answer.status}`);
      await person.leave();
    });
  } finally {
    await fresh.close();
  }
}

async function passkey(browser, workspace, size) {
  const person = await (await Person.arrive(browser, workspace, size === phone ? "suzuki" : "takahashi", size)).signIn();
  const devtools = await person.context.newCDPSession(person.page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await person.go("/people/me");
  await person.page.locator("#passkey-add button").click();
  await person.page.locator("#passkeys ul.cards li").first().waitFor();
  await person.page.locator("#session form button").last().click();
  await person.page.waitForURL((url) => url.pathname === "/signin");
  await person.page.locator("#handle").fill(person.handle);
  await person.page.locator("#passkey-signin button").click();
  await person.page.locator('header a[href="/people/me"]').waitFor();
  await person.leave();
}
