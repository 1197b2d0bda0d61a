// Two incidents that are one trouble, and one that is two: merged and split on a phone and on a desktop, typed and not tapped by mistake.
import { Person, desktop, phone } from "../browser.js";
import { equal, holds } from "../checks.js";
import { Workspace } from "../workspace.js";

const token = "a-secret-of-the-merged-alerts";
process.env.HIKESHI_E2E_MERGING = token;

const source = `
[alerts.sources.merging]
format = "alertmanager"
token_env = "HIKESHI_E2E_MERGING"
service = "reservation"
environment = "production"
impact = "all_users"
business = "lost_sales"
`;

export async function merging(checks, browser) {
  const workspace = await Workspace.open({ watanabe: 4 }, (policy) => policy + source);
  try {
    await checks.check("an incident is merged on a phone by typing where to", () => merged(browser, workspace));
    await checks.check("alerts are split off on a desktop, without a script", () => split(browser, workspace));
    await checks.check("an alert is linked to the incident that has it now", () => followed(browser, workspace));
  } finally {
    await workspace.close();
  }
}

const picture = async (page, name) => {
  const folder = process.env.HIKESHI_PICTURES;
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
};

async function report(workspace, names) {
  const alert = (name) => ({ status: "firing", labels: { alertname: name, severity: "critical" }, annotations: { summary: name }, startsAt: "2026-01-05T03:02:15.432Z", endsAt: "0001-01-01T00:00:00Z" });
  const answer = await fetch(`${workspace.direct}/inbound/alerts/merging`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ version: "4", status: "firing", alerts: names.map(alert) }),
  });
  equal(answer.status, 200, `what the sender is answered: ${await answer.text()}`);
}

async function open(person, title, impact) {
  await person.go("/incidents/new");
  await person.act("incident.open", { title, service: "reservation", environment: "production", impact, business: impact === "all_users" ? "lost_sales" : "slight", urgency: "now" });
}

async function merged(browser, workspace) {
  const watanabe = await (await Person.arrive(browser, workspace, "watanabe", phone)).signIn();
  await open(watanabe, "予約画面が開けない", "one_function");
  await open(watanabe, "予約ページが真っ白", "all_users");
  await watanabe.go("/incidents/inc_2");
  equal(await watanabe.page.locator('form:has(input[value="incident.merge"]) [name="into"]').inputValue(), "", "where to is typed, not offered");
  await watanabe.act("incident.merge", { into: "inc_2", reason: "同じ障害" }, { refused: true });
  holds((await watanabe.text("#refused")).includes("自身に統合することはできません"), "why not");
  await watanabe.go("/incidents/inc_2");
  await watanabe.act("incident.merge", { into: "inc_1", reason: "同じ DB の障害" });
  await watanabe.go("/incidents/inc_2");
  const said = await watanabe.text("#merged");
  holds(said.includes("統合済み") && said.includes("inc_1") && said.includes("同じ DB の障害"), `what has become of it: ${said}`);
  holds(said.includes("優先度を見直してください"), "the more serious one is spoken of");
  equal(await watanabe.page.locator('form input[name="do"][value="incident.acknowledge"]').count(), 0, "nothing is to be taken any more");
  equal(await watanabe.page.locator("#measured").count(), 0, "no time is still to come");
  for (const scheme of ["light", "dark"]) equal(await watanabe.axe(scheme), [], `accessibility in ${scheme}`);
  equal(await watanabe.overflow(), 0, "pixels beyond the screen");
  await picture(watanabe.page, "merged-phone");
  await watanabe.page.locator('#merged a[href="/incidents/inc_1"]').tap();
  await watanabe.page.waitForURL("**/incidents/inc_1");
  holds((await watanabe.text("#related")).includes("予約ページが真っ白"), "the other one names it");
  const told = await watanabe.text("#timeline");
  holds(told.includes("inc_2「予約ページが真っ白」を統合しました") && told.includes("同じ DB の障害"), `its timeline says so: ${told.slice(0, 200)}`);
  for (const scheme of ["light", "dark"]) equal(await watanabe.axe(scheme), [], `accessibility of the other in ${scheme}`);
  equal(await watanabe.overflow(), 0, "pixels beyond the screen of the other");
  await picture(watanabe.page, "merged-other-phone");
  await watanabe.go("/incidents?all");
  holds((await watanabe.text("#inc_2")).includes("統合済み（inc_1）"), "the list says it in words");
  equal(watanabe.troubles, [], "troubles of the browser");
  await watanabe.leave();
}

async function split(browser, workspace) {
  await report(workspace, ["DbDown", "DiskFull", "QueueLong"]);
  const person = await Person.arrive(browser, workspace, "watanabe", { ...desktop, javaScriptEnabled: false });
  const watanabe = await person.signIn();
  await watanabe.go("/incidents/inc_2");
  await watanabe.go("/incidents/inc_1");
  const form = 'details.act:has(input[name="do"][value="incident.split"])';
  await watanabe.page.locator(`${form} summary`).first().click();
  await watanabe.page.locator(form).getByLabel(/DiskFull/).check();
  await picture(watanabe.page, "split-desktop");
  await watanabe.act("incident.split", { title: "ディスクが一杯", reason: "別の障害" });
  await watanabe.go("/incidents/inc_3");
  holds((await watanabe.text("#alerts")).includes("DiskFull") && (await watanabe.text("#related")).includes("分割元"), "the new one has its alert and says from where");
  holds((await watanabe.text("h1")).includes("ディスクが一杯"), "and its title");
  equal(await watanabe.overflow(), 0, "pixels beyond the screen");
  await watanabe.go("/incidents/inc_1");
  const left = await watanabe.text("#alerts");
  holds(!left.includes("DiskFull") && left.includes("DbDown") && left.includes("発生中 2件"), `what is left: ${left}`);
  await picture(watanabe.page, "split-left-desktop");
  await watanabe.leave();
  const large = await (await Person.arrive(browser, workspace, "watanabe", desktop)).signIn();
  await large.go("/incidents/inc_1");
  for (const scheme of ["light", "dark"]) equal(await large.axe(scheme), [], `accessibility on a desktop in ${scheme}`);
  await large.leave();
}

async function followed(browser, workspace) {
  const watanabe = await (await Person.arrive(browser, workspace, "watanabe", phone)).signIn();
  await watanabe.go("/alerts");
  const links = () => watanabe.page.locator('#firing a[href^="/incidents/inc_"]').evaluateAll((all) => all.map((link) => link.getAttribute("href").split("/").pop()));
  const before = await links();
  const from = before.find((incident) => incident !== "inc_1");
  holds(from !== undefined, `alerts of incidents: ${before}`);
  await watanabe.go(`/incidents/${from}`);
  await watanabe.act("incident.merge", { into: "inc_1", reason: "同じ障害" });
  await watanabe.go("/alerts");
  const after = await links();
  equal(after.includes(from), false, `no link to what was merged: ${after}`);
  equal(after, before.map((incident) => (incident === from ? "inc_1" : incident)), "but to the one that has it now");
  equal(watanabe.troubles, [], "troubles of the browser");
  await watanabe.leave();
}
