// The acts of one night, each by the person whose act it is.
import { Person } from "./browser.js";
import { equal, holds, until } from "./checks.js";

export const conditions = {
  "serious_failure.statement": "予約がすべて失敗している",
  "serious_failure.evidence": "監視 reservation-http、5xx が 100%",
  "normal_flow_cannot.statement": "通常のデプロイは検証環境の復旧を待つため今夜は使えない",
  "normal_flow_cannot.evidence": "CI の停止通知 02:40",
  "cannot_wait.statement": "朝 6 時の便の予約が受けられない",
  "cannot_wait.evidence": "1 時間あたり約 120 件",
  "judge.evidence": "02:50 に電話で確認",
};

// One link for everybody who is needed.
export const links = { watanabe: 1, tanaka: 1, takahashi: 1, sato: 1, suzuki: 1, yamamoto: 1 };

// Everybody who is needed, signed in.
export async function gather(browser, workspace, options) {
  const people = {};
  for (const handle of Object.keys(links)) {
    people[handle] = await (await Person.arrive(browser, workspace, handle, options)).signIn();
  }
  return people;
}

export async function part(people) {
  for (const person of Object.values(people)) await person.leave();
}

export async function openIncident({ watanabe }, title = "予約ができない") {
  await watanabe.go("/incidents/new");
  await watanabe.act("incident.open", {
    title,
    service: "reservation",
    environment: "production",
    impact: "all_users",
    business: "lost_sales",
    urgency: "now",
    summary: "02:55 から全件失敗",
  });
  const incident = new URL(watanabe.page.url()).pathname.match(/inc_\d+/)?.[0];
  holds(incident, `the new incident is not shown: ${watanabe.page.url()}`);
  await watanabe.act("incident.acknowledge");
  return incident;
}

export async function fillPlan(page, workspace, leaveOut = []) {
  for (const [name, value] of Object.entries(conditions)) {
    if (!leaveOut.includes(name)) await page.locator(`[name="${name}"]`).fill(value);
  }
  await page.locator('[name="judge"]').selectOption("takahashi");
  await page.locator('[name="target"]').selectOption("reservation-prod");
  await page.locator('[name="executor"]').selectOption("sato");
  await page.locator('[name="summary"]').fill("接続先を新しいデータベースに直す");
  await page.locator('[name="scope"]').fill("config");
  for (const witness of ["suzuki", "yamamoto"]) await page.locator(`[name="witness"][value="${witness}"]`).check();
  await page.locator('[name="step.1.title"]').fill("接続先を書き換える");
  await page.locator('[name="step.1.run"]').fill("sed -i 's/db1/db2/' config/app.toml\ncat config/app.toml");
  await page.locator('[name="step.2.title"]').fill("反映を確かめる");
  await page.locator('[name="step.2.run"]').fill("grep db2 config/app.toml");
  const checks = [["solved", "予約できる", "/"], ["unaffected", "一覧が見える", "/list"]];
  for (const [aspect, title, path] of checks) {
    await page.locator(`[name="${aspect}.1.title"]`).fill(title);
    await page.locator(`[name="${aspect}.1.kind"]`).selectOption("http");
    await page.locator(`[name="${aspect}.1.what"]`).fill(workspace.service + path);
  }
}

export async function request({ tanaka }, workspace, incident) {
  await tanaka.go(`/emergencies/new?incident=${incident}`);
  await fillPlan(tanaka.page, workspace);
  await tanaka.page.locator('form#plan .bar button[type=submit]').click();
  await tanaka.page.locator("#receipt").waitFor();
  const emergency = new URL(tanaka.page.url()).pathname.match(/emg_\d+/)?.[0];
  holds(emergency, `the new exception is not shown: ${tanaka.page.url()}`);
  return emergency;
}

export async function approve({ takahashi }, emergency) {
  await takahashi.go(`/emergencies/${emergency}`);
  await takahashi.act("emergency.approve", { judgement: "緊急と判断します。接続先だけの変更で、戻せます。" });
}

export async function join(person, emergency) {
  await person.go(`/emergencies/${emergency}`);
  await person.act("emergency.join");
  await person.go(`/emergencies/${emergency}/watch`);
}

// What the page says of the exception, asked again until it is so.
export async function becomes(person, emergency, what, ask) {
  await until(`${emergency}: ${what}`, 30_000, async () => {
    await person.go(`/emergencies/${emergency}`);
    return ask(person.page);
  });
}

export async function carryOut({ sato }, workspace, emergency) {
  await sato.go(`/emergencies/${emergency}`);
  await sato.act("emergency.start");
  const offers = (kind) => (page) => page.locator(`form:has(input[name="do"][value="${kind}"])`).count();
  await becomes(sato, emergency, "the backup is taken", offers("emergency.step"));
  await sato.act("emergency.step");
  await becomes(sato, emergency, "the first step has ended", (page) => page.locator('form input[name="step"][value="2"]').count());
  await sato.act("emergency.step");
  await becomes(sato, emergency, "the second step has ended", offers("emergency.verify"));
  equal(workspace.configuration().includes("db2"), true, "the configuration on the disk");
  await sato.act("emergency.verify");
  await becomes(sato, emergency, "both verifications have passed", (page) => page.locator("#verification h3 .state.ok").count().then((count) => count === 2));
}

// An exception from the incident to its two verifications; only the close is left.
export async function carriedOut(people, workspace) {
  const incident = await openIncident(people);
  const emergency = await request(people, workspace, incident);
  await approve(people, emergency);
  await join(people.suzuki, emergency);
  await join(people.yamamoto, emergency);
  await carryOut(people, workspace, emergency);
  return { incident, emergency };
}

export async function close({ sato }, emergency) {
  await sato.go(`/emergencies/${emergency}`);
  await sato.act("emergency.close");
}
