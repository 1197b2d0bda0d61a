// Looking back: the chart, the tables that say the same, and how a report is presented, on a phone and on a desktop.
import { Person, desktop, phone } from "../browser.js";
import { equal, holds } from "../checks.js";
import * as night from "../night.js";
import { Workspace } from "../workspace.js";

// The month of the workspace, which is that of Tokyo.
const month = () => new Date(Date.now() + 9 * 3600 * 1000).toISOString().slice(0, 7);

export async function reports(checks, browser) {
  const workspace = await Workspace.open({ ...night.links, sato: 3 });
  try {
    const people = await night.gather(browser, workspace, desktop);
    const { emergency } = await night.carriedOut(people, workspace);
    await night.close(people, emergency);
    for (const [name, size] of [["a phone", phone], ["a desktop", desktop]]) {
      await checks.check(`on ${name}: a report shows chart, numbers and where they come from`, () => shown(browser, workspace, size, emergency));
    }
    await checks.check("a report can be kept as one Markdown file", () => kept(people.tanaka, emergency));
    await night.part(people);
  } finally {
    await workspace.close();
  }
}

async function shown(browser, workspace, size, emergency) {
  const reader = await (await Person.arrive(browser, workspace, "sato", size)).signIn();
  await reader.go("/");
  await reader.page.locator('#uses a[href="/reports"]').click();
  await reader.page.locator("#months svg").waitFor();
  await reader.page.locator(`#months a[href="/reports/${month()}"]`).click();
  await reader.page.locator("#uses svg title").waitFor({ state: "attached" });
  // What the chart draws, the table says.
  const drawn = await reader.page.locator("#uses svg .value").allTextContents();
  const said = await reader.page.locator("#uses tbody tr td:nth-child(2)").allTextContents();
  equal(drawn, said, "numbers of the chart and of the table");
  equal(drawn.at(-1), "1", "uses of this month");
  // The incident of that exception is measured, and its chart says what its table says.
  const opened = await reader.page.locator("#incidents svg .value").allTextContents();
  equal(opened, await reader.page.locator("#incidents tbody tr td:nth-child(2)").allTextContents(), "incidents of the chart and of the table");
  equal(opened.at(-1), "1", "incidents of this month");
  for (const part of ["response", "targets", "mtta", "mttr", "pages", "noise"]) await reader.page.locator(`#${part}`).waitFor();
  holds((await reader.text("#cases")).includes(emergency), "the exception is listed");
  holds((await reader.text("#source")).includes("--size"), "how to compute it again");
  const picture = process.env.HIKESHI_PICTURES;
  for (const scheme of ["light", "dark"]) {
    equal(await reader.axe(scheme), [], `accessibility in ${scheme}`);
    await reader.page.emulateMedia({ colorScheme: scheme });
    if (picture) await reader.page.screenshot({ path: `${picture}/report-${size.viewport.width}-${scheme}.png`, fullPage: true });
  }
  equal(await reader.overflow(), 0, "pixels beyond the screen");
  await reader.leave();
}

async function kept(reader, emergency) {
  const answer = await reader.page.evaluate(async (path) => {
    const response = await fetch(path);
    return { type: response.headers.get("content-type"), name: response.headers.get("content-disposition"), text: await response.text() };
  }, `/reports/${month()}/markdown`);
  holds(answer.type.startsWith("text/markdown") && answer.name.includes(`${month()}.md`), `${answer.type} ${answer.name}`);
  holds(answer.text.startsWith("# ") && answer.text.includes("█") && answer.text.includes(emergency.replace("_", "\\_")), answer.text);
}
