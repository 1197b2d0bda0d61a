// What the monitors see, on a phone and on a desk: one that is well, one that fails, one that cannot measure, and one that nobody has heard of.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Person, desktop, phone } from "../browser.js";
import { equal, holds } from "../checks.js";
import { Workspace } from "../workspace.js";

process.env.HIKESHI_E2E_BEATS = "a-secret-of-the-job";

const declared = (name, looks) => `
[monitors.${name}]
service = "reservation"
environment = "production"
${looks}
interval_s = 0.3
failures = 2
recoveries = 1
impact = "one_function"
business = "slight"
`;

const picture = async (page, name) => {
  const folder = process.env.HIKESHI_PICTURES;
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
};

export async function monitors(checks, browser) {
  const folder = mkdtempSync(join(tmpdir(), "hikeshi-monitors-"));
  const state = join(folder, "state");
  writeFileSync(state, "12\n");
  const more =
    declared("queue", `command = { run = ["cat", "${state}"], above = 50 }`) +
    declared("disk", 'command = { run = ["false"] }') +
    declared("tool", 'command = { run = ["/nowhere/tool"] }') +
    declared("nightly", 'heartbeat = { every_s = 3600, token_env = "HIKESHI_E2E_BEATS" }');
  const workspace = await Workspace.open({ watanabe: 3 }, (policy) => policy + more);
  try {
    await checks.check("each state of a monitor has words, a shape, and a text for whoever sees no picture", () => seen(browser, workspace, state));
  } finally {
    await workspace.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function seen(browser, workspace, state) {
  for (const [name, size] of [["phone", phone], ["desktop", desktop]]) {
    writeFileSync(state, "12\n");
    const watanabe = await (await Person.arrive(browser, workspace, "watanabe", size)).signIn();
    await watanabe.go("/");
    await watanabe.page.locator('main a[href="/monitors"]').click();
    await watanabe.page.waitForURL("**/monitors");
    const until = async (monitor, word) => {
      for (let tries = 0; tries < 60; tries += 1) {
        await watanabe.go("/monitors");
        if ((await watanabe.text(`#monitor-${monitor}`)).includes(word)) return;
        await watanabe.page.waitForTimeout(250);
      }
      holds(false, `${monitor} never says ${word}: ${await watanabe.text(`#monitor-${monitor}`)}`);
    };
    await until("queue", "正常");
    writeFileSync(state, "75\n");
    await until("queue", "75 is above 50");
    writeFileSync(state, "no number\n");
    await until("queue", "測定できません");
    writeFileSync(state, "31\n");
    await until("queue", "正常");
    await until("disk", "異常");
    await until("tool", "測定できません");
    holds((await watanabe.text("#monitor-nightly")).includes("まだ報告がありません"), "a job that was never heard is neither well nor missed");
    const bars = async (monitor, kind) => watanabe.page.locator(`#monitor-${monitor} svg .${kind}`).count();
    for (const kind of ["passed", "failed", "unmeasured"]) holds((await bars("queue", kind)) > 0, `bars of the kind ${kind}`);
    const description = await watanabe.page.locator("#monitor-queue svg desc").textContent();
    holds(/最近の測定 \d+回（異常 \d+回、測定できず \d+回）/.test(description), `the text of the picture: ${description}`);
    for (const scheme of ["light", "dark"]) equal(await watanabe.axe(scheme), [], `accessibility on a ${name} in ${scheme}`);
    equal(await watanabe.overflow(), 0, `pixels beyond the screen of a ${name}`);
    await picture(watanabe.page, `monitors-${name}`);
    await watanabe.go("/");
    holds((await watanabe.text("#monitor-tool")).includes("測定できません"), "the first page says so, too");
    await watanabe.leave();
  }
}
