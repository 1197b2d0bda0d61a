// An alert comes in at night: what a person sees on a phone with a bad connection, and how many taps it takes to take it.
import { Person, desktop, phone } from "../browser.js";
import { equal, holds } from "../checks.js";
import { Workspace } from "../workspace.js";

const token = "a-secret-of-the-alerts";
process.env.HIKESHI_E2E_ALERTS = token;

const source = `
[alerts.sources.prometheus]
format = "alertmanager"
token_env = "HIKESHI_E2E_ALERTS"
service = "reservation"
environment = "production"
impact = "all_users"
business = "lost_sales"
`;

export async function alerts(checks, browser) {
  const workspace = await Workspace.open({ watanabe: 4 }, (policy) => policy + source);
  try {
    await checks.check("an alert is taken on a phone with a slow connection, in two taps", () => taken(browser, workspace));
    await checks.check("planned work is silenced on a phone, and what still fires at its end is told of", () => silenced(browser, workspace));
    await checks.check("a storm is one incident that can be read", () => storm(browser, workspace));
  } finally {
    await workspace.close();
  }
}

async function report(workspace, alerts) {
  const answer = await fetch(`${workspace.direct}/inbound/alerts/prometheus`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ version: "4", status: "firing", alerts }),
  });
  equal(answer.status, 200, `what the sender is answered: ${await answer.text()}`);
}

const alert = (name, status = "firing") => ({
  status,
  labels: { alertname: name, severity: "critical", instance: "web-1" },
  annotations: { summary: `${name}: 予約画面が 500 を返しています`, description: "5 分間のエラー率 62 %" },
  startsAt: "2026-01-05T03:02:15.432Z",
  endsAt: "0001-01-01T00:00:00Z",
  generatorURL: "http://prometheus.test/graph",
});

const picture = async (page, name) => {
  const folder = process.env.HIKESHI_PICTURES;
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
};

// 400 kbit/s and 400 ms there and back.
const SLOW = { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 };
const PAINTED_WITHIN_MS = 1_500;

async function taken(browser, workspace) {
  const watanabe = await (await Person.arrive(browser, workspace, "watanabe", phone)).signIn();
  await report(workspace, [alert("HighErrorRate")]);
  const network = await watanabe.page.context().newCDPSession(watanabe.page);
  await network.send("Network.enable");
  await network.send("Network.emulateNetworkConditions", SLOW);
  await watanabe.page.goto(`${workspace.url}/`);
  const paint = () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
  const painted = await (await watanabe.page.waitForFunction(paint)).jsonValue();
  holds(painted < PAINTED_WITHIN_MS, `the first words are there after ${Math.round(painted)} ms`);
  // From the first page: open it, take it.
  await watanabe.page.locator('a[href="/incidents/inc_1"]').first().tap();
  await watanabe.page.waitForURL("**/incidents/inc_1");
  holds((await watanabe.text("#alerts")).includes("予約画面が 500 を返しています"), "what the alert says is on the page");
  holds((await watanabe.text("#state")).includes("アラート送信元 prometheus"), "and who reported it");
  await picture(watanabe.page, "alert-phone");
  await watanabe.page.locator('form:has(input[name="do"][value="incident.acknowledge"]) button').first().tap();
  await watanabe.page.locator("#state", { hasText: "渡邉 直子" }).waitFor();
  for (const scheme of ["light", "dark"]) equal(await watanabe.axe(scheme), [], `accessibility in ${scheme}`);
  equal(await watanabe.overflow(), 0, "pixels beyond the screen");
  await report(workspace, [alert("HighErrorRate", "resolved")]);
  await watanabe.go("/incidents/inc_1");
  holds((await watanabe.text("#state")).includes("すべてのアラートが解消"), "it is resolved with its last alert");
  await watanabe.leave();
}

async function silenced(browser, workspace) {
  const watanabe = await (await Person.arrive(browser, workspace, "watanabe", phone)).signIn();
  await watanabe.go("/alerts");
  holds((await watanabe.text("#silences")).includes("すべてのアラートで呼び出します"), "nothing is silenced");
  await watanabe.act("alert.silence", { service: "reservation", labels: "alertname=Slow|Backup", minutes: "60", reason: "DB を移す" });
  const said = await watanabe.text("#sil_1");
  holds(said.includes("停止中") && said.includes("alertname=Slow|Backup") && said.includes("DB を移す"), `what the silence says: ${said}`);
  await report(workspace, [alert("Slow"), alert("Backup")]);
  await watanabe.go("/");
  const first = await watanabe.text("#silenced");
  holds(first.includes("1件止めています") && first.includes("2件のアラートが発生中"), `the first page says why it is quiet: ${first}`);
  holds(!(await watanabe.page.locator("#inc_2").count()), "no incident was opened");
  await picture(watanabe.page, "silenced-now");
  await watanabe.go("/alerts");
  equal(await watanabe.page.locator("#held li").count(), 2, "alerts that are held back");
  for (const scheme of ["light", "dark"]) equal(await watanabe.axe(scheme), [], `accessibility in ${scheme}`);
  equal(await watanabe.overflow(), 0, "pixels beyond the screen");
  await picture(watanabe.page, "silenced-alerts");
  await watanabe.act("alert.unsilence");
  await watanabe.page.waitForFunction(() => document.querySelectorAll("#firing li").length === 2);
  equal(await watanabe.page.locator("#sil_1").count(), 0, "the silence is over");
  holds((await watanabe.text("#firing")).includes("inc_2"), "what still fires belongs to an incident");
  await watanabe.go("/incidents/inc_2");
  await watanabe.act("incident.resolve", { what: "DB を移し終えた" });
  await watanabe.leave();
}

async function storm(browser, workspace) {
  await report(workspace, Array.from({ length: 700 }, (_, number) => alert(`Pod${number}`)));
  for (const [name, size] of [["phone", phone], ["desktop", desktop]]) {
    const watanabe = await (await Person.arrive(browser, workspace, "watanabe", size)).signIn();
    await watanabe.go("/incidents/inc_3");
    const said = await watanabe.text("#alerts");
    holds(said.includes("発生中 700件") && said.includes("ほか650件"), `how many there are: ${said.slice(0, 80)}`);
    holds((await watanabe.text("#timeline")).includes("ほかアラート251件"), "an entry of many alerts names the first ones");
    for (const scheme of ["light", "dark"]) equal(await watanabe.axe(scheme), [], `accessibility on a ${name} in ${scheme}`);
    equal(await watanabe.overflow(), 0, `pixels beyond the screen of a ${name}`);
    await picture(watanabe.page, `storm-${name}`);
    await watanabe.leave();
  }
}
