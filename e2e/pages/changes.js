// What changed, beside the incident that burns: on a phone and on a desktop, in both languages, with links that lead outwards safely.
import { Person, desktop, phone } from "../browser.js";
import { equal, holds } from "../checks.js";
import { Workspace } from "../workspace.js";

const key = "a-secret-of-the-deployer-0123456789";
process.env.HIKESHI_E2E_CHANGES = key;

const source = `
[alerts.sources.deployer]
format = "pagerduty"
token_env = "HIKESHI_E2E_CHANGES"
service = "reservation"
environment = "production"
impact = "all_users"
business = "lost_sales"
`;

export async function changes(checks, browser) {
  const workspace = await Workspace.open({ watanabe: 3 }, (policy) => policy + source);
  try {
    await checks.check("what changed stands on the page of the incident", () => shown(browser, workspace));
  } finally {
    await workspace.close();
  }
}

const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

async function tell(workspace, summary, minutes, more = {}) {
  const answer = await fetch(`${workspace.direct}/inbound/pagerduty/v2/change/enqueue`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ routing_key: key, payload: { summary, source: "ci", timestamp: ago(minutes) }, ...more }),
  });
  equal([answer.status, await answer.json()], [202, { status: "success", message: "Change event processed" }], "what the deployer is answered");
}

const picture = async (page, name) => {
  const folder = process.env.HIKESHI_PICTURES;
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
};

async function shown(browser, workspace) {
  const watanabe = await (await Person.arrive(browser, workspace, "watanabe", phone)).signIn();
  await watanabe.go("/incidents/new");
  await watanabe.act("incident.open", { title: "予約画面が開けない", service: "reservation", environment: "production", impact: "all_users", business: "lost_sales", urgency: "now" });
  await watanabe.page.waitForURL("**/incidents/inc_1**");
  const page = "/incidents/inc_1";
  holds((await watanabe.text("#changes")).includes("ポリシーの適用"), "what the ledger knows by itself");
  equal(await watanabe.page.locator("#changes-here").count(), 0, "nothing has changed here");
  await tell(workspace, "<b>v1.4.2</b> をリリース", 12, { links: [{ href: "https://ci.test/142", text: "実行" }] });
  await tell(workspace, "フラグを有効に", 30, { links: [{ href: "javascript:alert(1)", text: "x" }] });
  for (let number = 0; number < 36; number += 1) await tell(workspace, `定期配備 ${number}`, 60 + number);
  await watanabe.go(page);
  const said = await watanabe.text("#changes");
  holds(said.includes("直前の変更") && said.includes("<b>v1.4.2</b> をリリース") && said.includes("12分前"), `what changed, as it was written: ${said.slice(0, 200)}`);
  holds(said.includes("アラート送信元 deployer"), "and who says so");
  const link = watanabe.page.locator('#changes a[href="https://ci.test/142"]');
  equal(await link.getAttribute("rel"), "noopener noreferrer", "the link tells the other side nothing");
  equal(await watanabe.page.locator('#changes a[href^="javascript"]').count(), 0, "no link that runs something");
  const rows = await watanabe.page.locator("#changes-here + ul > li").allInnerTexts();
  holds(rows.length === 5 && rows[0].includes("v1.4.2") && rows[1].includes("フラグ"), `the newest first, and only a few: ${rows.length}`);
  holds(said.includes("ほか8件"), `those that are not listed are counted: ${said.slice(-200)}`);
  for (const scheme of ["light", "dark"]) equal(await watanabe.axe(scheme), [], `accessibility in ${scheme}`);
  equal(await watanabe.overflow(), 0, "pixels beyond the screen");
  await picture(watanabe.page, "changes-phone");
  await watanabe.leave();

  const large = await (await Person.arrive(browser, workspace, "watanabe", desktop)).signIn();
  await large.go("/");
  await large.page.locator('form[action="/language"] button[value="en"]').click();
  await large.page.locator('html[lang="en"]').waitFor({ state: "attached" });
  await large.go(page);
  const english = await large.text("#changes");
  holds(english.includes("What changed") && english.includes("This service and environment") && english.includes("alert source deployer"), `in English: ${english.slice(0, 80)}`);
  for (const scheme of ["light", "dark"]) equal(await large.axe(scheme), [], `accessibility on a desktop in ${scheme}`);
  equal(await large.overflow(), 0, "pixels beyond the screen of a desktop");
  await picture(large.page, "changes-desktop");
  equal(large.troubles, [], "troubles of the browser");
  await large.leave();
}
