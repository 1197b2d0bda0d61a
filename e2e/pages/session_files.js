// Files in a witnessed session, in real browsers: what lies outside the approved scope is flagged beside the live screen, and files are
// put back from the session's pages.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Person, desktop, phone } from "../browser.js";
import { equal, holds, pause, until } from "../checks.js";

const shots = process.env.HIKESHI_SHOTS;

async function picture(person, name) {
  if (shots) await person.page.screenshot({ path: join(shots, `${name}.png`) });
}

async function approver({ browser, workspace }, size) {
  return (await Person.arrive(browser, workspace, "takahashi", size)).signIn();
}

// Who read elsewhere for longer than a witness may be silent has left, and joins again.
async function comesBack(person, emergency) {
  await person.go(`/emergencies/${emergency}/watch`);
  if ((await person.page.locator('form:has(input[name="do"][value="emergency.join"])').count()) > 0) await person.act("emergency.join");
}

// Flag and screen are both in view without scrolling between them.
async function besideTheScreen(person) {
  await person.page.locator("#terminal").scrollIntoViewIfNeeded();
  const within = (box, height) => box && box.y < height && box.y + box.height > 0;
  const flag = await person.page.locator("#outside").boundingBox(), screen = await person.page.locator("#terminal .screen").boundingBox();
  const height = person.page.viewportSize().height;
  holds(within(flag, height) && within(screen, height), `flag and screen in one view of ${height}: ${JSON.stringify({ flag, screen })}`);
}

export async function flagged(around) {
  const { phone: small, desk, terminal, workspace, emergency } = around;
  for (const person of [small, desk]) equal(await person.page.locator("#outside:visible").count(), 0, "flags before anything is outside");
  const began = Date.now();
  terminal.keys("printf '\\227\\134\\226\\361\\n' > stray.txt; echo written-$((40+3))\n");
  await terminal.prints("written-43");
  for (const person of [small, desk]) await until("the flag is there", 20_000, () => person.page.locator("#outside:visible").count());
  console.log(`      ${Date.now() - began} ms from the keys to the flags`);
  await terminal.prints("承認された範囲の外が変わりました: stray.txt");
  for (const [person, name] of [[small, "phone"], [desk, "desktop"]]) {
    holds((await person.text("#outside")).includes("stray.txt"), "the file is named");
    await besideTheScreen(person);
    await picture(person, `outside-${name}`);
    for (const scheme of ["light", "dark"]) equal(await person.axe(scheme), [], `axe in ${scheme}`);
    equal(await person.page.locator("#outside form").count(), 0, "forms for a witness, who decides nothing here");
  }
  equal(await small.overflow(), 0, "pixels beyond the phone's screen");
  const cto = await approver(around, phone);
  await cto.go(`/emergencies/${emergency}/watch`);
  holds((await cto.text("#changes")).includes("+予約"), `Shift_JIS is read as text: ${await cto.text("#changes")}`);
  await picture(cto, "outside-approver-phone");
  await cto.act("emergency.revert", { reason: "範囲の外なので", confirm: "wrong" }, { refused: true, within: "#outside" });
  equal(existsSync(join(workspace.root, "stray.txt")), true, "whether it is still there");
  await cto.act("emergency.revert", { reason: "範囲の外なので", confirm: emergency }, { within: "#outside" });
  for (const person of [small, desk, cto]) await until("the flag is gone", 20_000, async () => (await person.page.locator("#outside:visible").count()) === 0);
  holds(!existsSync(join(workspace.root, "stray.txt")), "the file is gone");
  await until("what was put back is on the page", 10_000, async () => (await cto.text("#reverted")).includes("stray.txt"));
  equal(await cto.axe("light"), [], "axe");
  await cto.leave();
  await until("keys pass again", 20_000, async () => workspace.ask("tanaka", "emergency", "show", emergency).emergency.sessions[0].held.length === 0);
  await pause(1_000);
}

export async function restored(around) {
  const { phone: small, desk, workspace, emergency } = around;
  const file = join(workspace.root, "config", "app.toml");
  holds(readFileSync(file, "utf8").includes("db2"), "it was changed by hand");
  // Somebody else has written it since: that is not lost.
  writeFileSync(file, "db3\n");
  // Files are put back in company only.
  for (const person of [small, desk]) await comesBack(person, emergency);
  const cto = await approver(around, desktop);
  await cto.go(`/emergencies/${emergency}/sessions/1`);
  holds((await cto.text("#changes .diff")).includes("db2"), "the difference is shown on the replay's page");
  await picture(cto, "replay-changes-desktop");
  await cto.act("emergency.revert", { reason: "別の直し方をする", confirm: emergency }, { within: "#changes" });
  await until("it is put back", 20_000, () => readFileSync(file, "utf8").includes("db1"));
  await until("the page says who, what, and that it had changed", 20_000, async () => {
    await cto.go(`/emergencies/${emergency}`);
    const text = (await cto.page.locator("#reverted").count()) ? await cto.text("#reverted") : "";
    return text.includes("config/app.toml") && text.includes("記録した後に変わっていました") && text.includes("別の直し方をする");
  });
  const replaced = await cto.page.locator("#reverted a").first().getAttribute("href");
  equal(await cto.page.evaluate(async (href) => (await fetch(href)).text(), replaced), "db3\n", "what was replaced");
  for (const scheme of ["light", "dark"]) equal(await cto.axe(scheme), [], `axe in ${scheme}`);
  await picture(cto, "reverted-desktop");
  await small.go(`/emergencies/${emergency}`);
  await small.page.locator("#reverted").scrollIntoViewIfNeeded();
  await picture(small, "reverted-phone");
  equal(await small.overflow(), 0, "pixels beyond the phone's screen");
  await cto.leave();
}
