// A person who tries the program for the first time and plays a witness: `./try --act witness`, a phone, and what is printed.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Person, phone } from "../browser.js";
import { equal, holds, until } from "../checks.js";
import { binary } from "../workspace.js";

const ME = "髙橋 美咲";
const TURN = /▶ あなたの番です: (.*)/g;

export async function rehearsal(checks, browser) {
  const parent = mkdtempSync(join(tmpdir(), "hikeshi-e2e-try-"));
  const dir = join(parent, "try");
  const child = spawn(binary, ["--lang", "ja", "try", "--act", "witness", "--keep", dir], { stdio: ["ignore", "pipe", "pipe"] });
  const around = { browser, dir, child, said: "", code: null };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (around.said += text));
  child.once("exit", (code) => (around.code = code));
  try {
    const begun = await checks.check("whoever plays a witness in the rehearsal signs in by the printed link, and joins when it is their turn", () => joins(around), true);
    if (!begun) return;
    await checks.check("the witness confirms the dangerous step by typing its word", () => confirms(around));
    await checks.check("the rehearsal's terminal is typed while that person's page is in front", () => watches(around));
    await checks.check("the witness compares what was merged, and the rehearsal ends with every rule kept", () => ends(around));
  } finally {
    child.kill("SIGKILL");
    rmSync(parent, { recursive: true, force: true });
  }
}

// The next thing that is asked of the person. Each is printed once.
async function asked(around, within_ms = 60_000) {
  const turns = () => [...around.said.matchAll(TURN)].map((found) => found[1]);
  around.turn ??= 0;
  await until(`a turn; printed so far: ${around.said.slice(-800)}`, within_ms, async () => {
    holds(around.code === null, `it ended with ${around.code}: ${around.said.slice(-1500)}`);
    return turns().length > around.turn;
  });
  return turns()[around.turn++];
}

async function joins(around) {
  const words = await asked(around);
  holds(words.includes("立会人として加わります"), words);
  const link = around.said.split("\n").find((line) => line.startsWith(ME))?.match(/https?:\S+/)?.[0];
  around.url = new URL(link).origin;
  const me = await Person.arrive(around.browser, { url: around.url }, "takahashi", phone);
  await me.signIn(link);
  await me.go("/");
  // As a newcomer: by what the front page shows, not by an address known beforehand.
  await me.page.locator('main a[href^="/emergencies/"]').first().click();
  await me.act("emergency.join");
  around.me = me;
  return me;
}

async function confirms(around) {
  const { me } = around;
  const words = await asked(around);
  holds(words.includes("危険な手順 2"), words);
  // Joining led to the page on which a witness stays.
  holds(new URL(me.page.url()).pathname.endsWith("/watch"), me.page.url());
  const field = me.page.locator('form:has(input[name="do"][value="emergency.confirm"]) [name="confirm"]').first();
  await field.waitFor({ state: "attached" });
  const word = await field.evaluate((field) => field.labels[0].textContent.match(/「(.+)」と入力/)[1]);
  await me.act("emergency.confirm", { confirm: word });
}

async function watches(around) {
  const { me, dir } = around;
  const words = await asked(around);
  const page = words.match(/https?:\S+/)[0];
  const log = join(dir, "reservation", "config", "CHANGES.log");
  // The page on which the step was confirmed is that page: it may be watching already, and the line be typed before this is asked.
  equal(new URL(me.page.url()).pathname, new URL(page).pathname, "the page that is asked for");
  equal(await me.overflow(), 0, "pixels beyond the phone's screen");
  await until("the line is typed", 60_000, async () => existsSync(log) && readFileSync(log, "utf8").trim().split("\n").length === 2);
  // Who watched, and that all of it was signed, is judged at the end.
}

async function ends(around) {
  const { me, child } = around;
  const words = await asked(around, 120_000);
  holds(words.includes("本番と照合します"), words);
  await me.go("/");
  await me.page.locator('main a[href*="/obligations/"]').first().click();
  await me.act("obligation.compare");
  await until(`the score; printed: ${around.said.slice(-800)}`, 120_000, async () => around.said.includes("Ctrl-C で終わります") || around.code !== null);
  child.kill("SIGINT");
  await until("it ends", 20_000, async () => around.code !== null);
  const bare = around.said.split("\n").filter((line) => /(?:[●▶…].*[:] |[●…] )[A-Z][A-Za-z]+$/.test(line));
  equal(bare, [], "acts without words");
  equal(around.code, 0, `exit code; printed ${around.said.slice(-2500)}`);
  await me.leave();
}
