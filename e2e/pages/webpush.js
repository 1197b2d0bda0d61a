// Pages in a browser: subscribed on /contacts, shown by the service worker, and opened by a tap. Chromium reaches no push service here, so what
// PushManager.subscribe would give comes from a double, and what that double decrypts is handed to the real service worker by the browser's own
// developer protocol. A tap is the event of a tap: the system's own notification cannot be touched from here.
import { Person, desktop, phone } from "../browser.js";
import { equal, holds, pause, until } from "../checks.js";
import { PushDouble } from "../push/double.js";
import { Workspace } from "../workspace.js";

const section = "#browsers";

export async function webpush(checks, browser) {
  const push = await new PushDouble().open();
  const policy = (text) =>
    `${text}\n[paging]\nrules = [{ after_min = 0, by = ["web_push"] }]\n` +
    `[paging.web_push]\ncontact = "mailto:ops@example.jp"\nallow = ["${push.url}"]\n`;
  const workspace = await Workspace.open({ watanabe: 4, sato: 1 }, policy);
  try {
    await checks.check("without a script the page of contacts says what subscribing needs", () => withoutScript(browser, workspace));
    await checks.check("a browser that cannot take notifications says so", () => unfit(browser, workspace));
    await checks.check("a phone is subscribed, its notification opens the incident, and two taps take it", () => called(browser, workspace, push));
    await checks.check("a desktop without a subscription looks right, too", () => onDesktop(browser, workspace));
  } finally {
    await workspace.close();
    await push.close();
  }
}

const picture = async (page, name) => {
  const folder = process.env.HIKESHI_PICTURES;
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
};

async function withoutScript(browser, workspace) {
  const watanabe = await (await Person.arrive(browser, workspace, "watanabe", { ...phone, javaScriptEnabled: false })).signIn();
  await watanabe.go("/contacts");
  holds((await watanabe.text(section)).includes("登録には JavaScript が要ります"), "what it needs");
  holds((await watanabe.text(section)).includes("ホーム画面に追加"), "what an iPhone needs");
  equal(await watanabe.page.locator("#browser-add").isVisible(), false, "no button that does nothing");
  equal(await watanabe.overflow(), 0, "pixels beyond the screen");
  await watanabe.leave();
}

async function unfit(browser, workspace) {
  const watanabe = await (await Person.arrive(browser, workspace, "watanabe", phone)).signIn();
  await watanabe.page.addInitScript(() => { delete window.PushManager; });
  await watanabe.go("/contacts");
  holds((await watanabe.text(section)).includes("このブラウザーでは通知を受け取れません"), "that it cannot");
  equal(await watanabe.page.locator("#browser-add button").isDisabled(), true, "and no button that would fail");
  await watanabe.leave();
}

// What PushManager.subscribe gives, with the key that our page has handed it.
async function withPushService(person, push) {
  await person.context.grantPermissions(["notifications"], { origin: person.workspace.url });
  await person.page.exposeFunction("pushService", (key) => push.subscribe(key));
  await person.page.addInitScript(() => {
    const text = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
    window.PushManager.prototype.getSubscription = async () => null;
    window.PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
      if (!userVisibleOnly) throw new DOMException("NotAllowedError");
      const { endpoint, p256dh, auth } = await window.pushService(text(applicationServerKey));
      return { endpoint, toJSON: () => ({ endpoint, keys: { p256dh, auth } }) };
    };
  });
}

// Asked once a second: Chromium forgets notifications that it is asked about while it is putting them up.
async function shownBy(worker, count) {
  for (let tries = 0; tries < 10; tries += 1) {
    await pause(1_000);
    const all = await worker.evaluate(async () => (await self.registration.getNotifications()).map(({ title, body, requireInteraction }) => ({ title, body, requireInteraction })));
    if (all.length >= count) return all;
  }
  throw new Error(`not ${count} notifications within 10 s`);
}

async function called(browser, workspace, push) {
  const watanabe = await (await Person.arrive(browser, workspace, "watanabe", phone)).signIn();
  await withPushService(watanabe, push);
  const protocol = await watanabe.context.newCDPSession(watanabe.page);
  const registrations = new Map();
  protocol.on("ServiceWorker.workerRegistrationUpdated", (event) => event.registrations.forEach((one) => registrations.set(one.scopeURL, one.registrationId)));
  await protocol.send("ServiceWorker.enable");
  await watanabe.go("/contacts");
  for (const scheme of ["light", "dark"]) equal(await watanabe.axe(scheme), [], `accessibility in ${scheme}`);
  equal(await watanabe.overflow(), 0, "pixels beyond the screen");
  await picture(watanabe.page, "webpush-phone");
  await watanabe.page.locator("#browser-add input[name=label]").fill("私の電話");
  await watanabe.page.locator("#browser-add button").tap();
  await watanabe.page.locator("#receipt").waitFor();
  holds((await watanabe.text(section)).includes("私の電話"), "it stands on the page");
  equal(push.browsers.size, 1, "one subscription");
  await picture(watanabe.page, "webpush-phone-subscribed");

  // The worker holds no page: it controls none, and no cache is there.
  equal(await watanabe.page.evaluate(() => navigator.serviceWorker.controller), null, "no page goes through the worker");
  equal(await watanabe.page.evaluate(() => caches.keys()), [], "nothing is kept");
  const scope = `${workspace.url}/push/`;
  const registrationId = await until("the worker is there", 10_000, () => registrations.get(scope));

  const sato = await (await Person.arrive(browser, workspace, "sato", desktop)).signIn();
  await sato.go("/incidents/new");
  await sato.act("incident.open", { title: "予約が止まった", service: "reservation", environment: "production", impact: "all_users", business: "lost_sales", urgency: "now" });
  const incident = /inc_\d+/.exec(sato.page.url() + (await sato.page.content()))[0];
  const page = await until("the push service has the page", 15_000, () => push.messages.at(-1));
  const shown = JSON.parse(page.text);
  equal([shown.to, page.urgency], [`/incidents/${incident}`, "high"], "where it leads");
  await protocol.send("ServiceWorker.deliverPushMessage", { origin: workspace.url, registrationId, data: page.text });
  const worker = await until("the worker runs", 10_000, () => watanabe.context.serviceWorkers()[0]);
  const seen = await shownBy(worker, 1);
  equal(seen.length, 1, "one notification");
  holds(seen[0].title.includes("予約が止まった") && seen[0].title.includes(incident) && seen[0].body.includes("タップして"), JSON.stringify(seen[0]));
  equal(seen[0].requireInteraction, true, "it stays until it is seen");

  // A tap. Opening a window is the system's to allow, so what the worker asks for is written down.
  const asked = await worker.evaluate(async () => {
    const opened = [];
    self.clients.openWindow = async (url) => { opened.push(url); };
    const [notification] = await self.registration.getNotifications();
    const tap = new NotificationEvent("notificationclick", { notification });
    const waits = [];
    tap.waitUntil = (work) => waits.push(work);
    self.dispatchEvent(tap);
    await Promise.all(waits);
    return { opened, left: (await self.registration.getNotifications()).length };
  });
  equal(asked, { opened: [`${workspace.url}/incidents/${incident}`], left: 0 }, "it opens the incident and is gone");
  // The first tap was the notification; the second one takes it.
  await watanabe.page.goto(asked.opened[0]);
  await watanabe.act("incident.acknowledge");
  holds((await watanabe.page.content()).includes("渡邉 直子"), "who has it");

  // What is no page of ours is still a call, and never leads elsewhere.
  await protocol.send("ServiceWorker.deliverPushMessage", { origin: workspace.url, registrationId, data: "{" });
  await protocol.send("ServiceWorker.deliverPushMessage", { origin: workspace.url, registrationId, data: JSON.stringify({ title: "x", to: "https://example.com/", tag: "y" }) });
  const others = await shownBy(worker, 2);
  equal(others.map(({ title }) => title).sort(), ["hikeshi", "x"], "shown");
  const led = await worker.evaluate(async () => {
    const opened = [];
    self.clients.openWindow = async (url) => { opened.push(url); };
    for (const notification of await self.registration.getNotifications()) {
      const tap = new NotificationEvent("notificationclick", { notification });
      const waits = [];
      tap.waitUntil = (work) => waits.push(work);
      self.dispatchEvent(tap);
      await Promise.all(waits);
    }
    return opened;
  });
  equal(led, [`${workspace.url}/`, `${workspace.url}/`], "home, and nowhere else");

  await watanabe.go("/contacts");
  await watanabe.act("contact.remove_browser", {}, { within: section });
  holds(!(await watanabe.text(section)).includes("私の電話"), "removed");
  equal(watanabe.troubles, [], "troubles of the browser");
  await sato.leave();
  await watanabe.leave();
}

async function onDesktop(browser, workspace) {
  const watanabe = await (await Person.arrive(browser, workspace, "watanabe", desktop)).signIn();
  await watanabe.go("/contacts");
  holds((await watanabe.text(section)).includes("受け取るブラウザーはまだありません"), `none yet: ${await watanabe.text(section)}`);
  for (const scheme of ["light", "dark"]) equal(await watanabe.axe(scheme), [], `accessibility in ${scheme}`);
  await picture(watanabe.page, "webpush-desktop");
  await watanabe.leave();
}
