// A witnessed session in real browsers: keys pass only while enough people really have it on screen, and afterwards it is played back.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Person, desktop, phone } from "../browser.js";
import { equal, holds, pause, until } from "../checks.js";
import * as night from "../night.js";
import { Terminal } from "../terminal.js";
import { Workspace } from "../workspace.js";
import { flagged, restored } from "./session_files.js";

// The official programs: the released one in Python, which reads version 2, and the newer one, which reads both.
const cached = (...path) => (process.env.HIKESHI_CACHE ? join(process.env.HIKESHI_CACHE, ...path) : "asciinema");
const asciinema = cached("venv", "bin", "asciinema");
const asciinema3 = cached("asciinema", "bin", "asciinema");
// What the fail-closed table promises; a hidden tab may take longer, since browsers slow it down.
const CLOSES_WITHIN_MS = 2_000, HIDDEN_WITHIN_MS = 10_000;
const links = { watanabe: 1, tanaka: 2, takahashi: 5, sato: 2, suzuki: 4, yamamoto: 4, ito: 2 };

const plan = `
[conditions.serious_failure]
statement = "${night.conditions["serious_failure.statement"]}"
evidence = "監視"
[conditions.normal_flow_cannot]
statement = "${night.conditions["normal_flow_cannot.statement"]}"
evidence = "CI"
[conditions.cannot_wait]
statement = "${night.conditions["cannot_wait.statement"]}"
evidence = "41 件"
[conditions.judged_by]
person = "takahashi"
evidence = "電話"
[plan]
target = "reservation-prod"
executor = "sato"
summary = "接続先を手で直す"
scope = ["config"]
[plan.terminal]
shell = "bash"
dangerous = [{ match = "rm -rf", why = "消したファイルは戻らない" }]
[[plan.verification.solved]]
title = "予約できる"
check = "command"
run = "grep -q db2 config/app.toml"
[[plan.verification.unaffected]]
title = "設定がある"
check = "command"
run = "test -f config/app.toml"
`;

// An exception that is being carried out, with whoever joined.
async function executing(workspace, witnesses) {
  const run = (person, ...words) => (workspace.token(person), workspace.ask(person, ...words));
  const incident = run("watanabe", "incident", "open", "予約ができない", "--service", "reservation", "--environment", "production", "--impact", "all_users", "--business", "lost_sales").receipt.made;
  writeFileSync(join(workspace.dir, "plan.toml"), plan);
  const emergency = run("tanaka", "emergency", "request", "--plan", "plan.toml", "--incident", incident).receipt.made;
  const { digest } = run("takahashi", "emergency", "show", emergency).emergency;
  run("takahashi", "emergency", "approve", emergency, "--judgement", "全面停止のため", "--digest", digest);
  for (const person of witnesses) run(person, "emergency", "join", emergency);
  run("sato", "emergency", "start", emergency);
  return emergency;
}

// Playwright makes every page believe that it is in front. To be hidden for real, that has to be taken back where it was set.
async function honest(page) {
  const inner = page._connection.toImpl(page);
  await (inner.delegate ?? inner._delegate)._mainFrameSession._client.send("Emulation.setFocusEmulationEnabled", { enabled: false });
}

const gate = (person) => person.page.locator("#terminal:not(.stale) .gate.open").count().then((count) => count === 1);
const opens = (person, within_ms = 20_000) => until("keys pass", within_ms, () => gate(person));
const closes = (person, within_ms = CLOSES_WITHIN_MS) => until("keys are held", within_ms, async () => !(await gate(person)));
const why = (person) => person.text("#terminal .gate .why");
// The player draws wide characters one by one.
const shown = (person, box) => person.page.locator(`${box} .screen`).evaluate((screen) => screen.textContent.replace(/\s/g, ""));
const glass = (person) => shown(person, "#terminal");
const words = "予約サービスを直します";

async function watches(browser, workspace, handle, size, emergency) {
  const person = await (await Person.arrive(browser, workspace, handle, size)).signIn();
  await honest(person.page);
  await person.go(`/emergencies/${emergency}/watch`);
  return person;
}

export async function session(checks, browser) {
  const workspace = await Workspace.open(links);
  let terminal;
  try {
    const emergency = await executing(workspace, ["suzuki", "yamamoto"]);
    terminal = new Terminal(workspace, "sato", emergency);
    const around = { browser, workspace, emergency, terminal };
    const both = await checks.check("keys pass when one watches on a phone and one on a desktop", () => begins(around), true);
    if (!both) return;
    Object.assign(around, both);
    await checks.check("what is typed is on both screens", () => typed(around));
    await checks.check("who joins late sees the screen as it is at once", () => late(around));
    await checks.check("a page that is really hidden closes the gate within 10 s, and nothing typed meanwhile is executed", () => hidden(around));
    await checks.check("what came while the page was hidden is not signed by what waited to be drawn before", () => stretches(around));
    await checks.check("a tab that is closed closes the gate within 2 s", () => closed(around));
    await checks.check("a network that falls silent closes the gate within 2 s", () => offline(around));
    await checks.check("the same person twice counts once", () => twice(around));
    await checks.check("the watch page is accessible on both sizes", () => accessible(around));
    await checks.check("a change outside the scope is flagged beside the live screens, and put back from there", () => flagged(around));
    await checks.check("a dangerous line waits until a witness has typed its words, on a phone", () => dangerous(around));
    await checks.check("a witness writes a note, and ends the session", () => ended(around));
    await checks.check("the replay plays, jumps to a command and finds words, and is accessible", () => replayed(around));
    await checks.check("one file is put back from the page of the replay", () => restored(around));
    await checks.check("the official asciinema programs print what the terminal printed, from either version", () => official(around));
    await checks.check("the official player shows the same screen from either version", () => played(around));
    await checks.check("the record of the session is verified offline", () => verified(around));
    await around.phone.leave();
    await around.desk.leave();
    await checks.check("an approver as the only senior does not open the gate", () => approver(browser));
  } finally {
    terminal?.kill();
    await workspace.close();
  }
}

async function begins({ browser, workspace, emergency, terminal }) {
  const small = await watches(browser, workspace, "suzuki", phone, emergency);
  await until("the terminal is on the page", 20_000, async () => {
    await small.go(`/emergencies/${emergency}/watch`);
    return small.page.locator("#terminal").count();
  });
  holds(!(await gate(small)), "one witness is not enough");
  const desk = await watches(browser, workspace, "yamamoto", desktop, emergency);
  await opens(small);
  await opens(desk);
  await terminal.prints("入力できます");
  return { phone: small, desk };
}

async function typed({ terminal, phone: small, desk }) {
  terminal.keys("printf '予約サービス %s\\n' を直します\n");
  await terminal.prints("予約サービス を直します");
  for (const person of [small, desk]) await until("it is on screen", 10_000, async () => (await glass(person)).includes(words));
  // As high as the terminal has rows: the page's own rules for text must not press the lines together.
  for (const person of [small, desk]) {
    const [text, around] = await person.page.locator("#terminal .ap-term-text").evaluate((text) => [text, text.parentElement].map((box) => box.getBoundingClientRect().height));
    holds(text > around * 0.9, `lines ${text} px high in a screen of ${around} px`);
  }
}

async function late({ browser, workspace, emergency }) {
  const began = Date.now();
  const viewer = await watches(browser, workspace, "ito", desktop, emergency);
  await until("the screen as it is", 5_000, async () => (await glass(viewer)).includes(words));
  console.log(`      ${Date.now() - began} ms with signing in`);
  equal(await viewer.page.locator("#terminal").getAttribute("data-joined"), "false", "whether the onlooker is a witness");
  await viewer.leave();
}

// A key that would leave a trace on the disk.
function trace({ workspace, terminal }, name) {
  const file = join(workspace.root, "config", name);
  terminal.keys(`touch config/${name}\n`);
  return file;
}

async function hidden(around) {
  const { phone: small, desk, terminal } = around;
  const other = await small.context.newPage();
  await other.goto("about:blank");
  await other.bringToFront();
  equal(await small.page.evaluate(() => document.hidden), true, "document.hidden");
  await closes(desk, HIDDEN_WITHIN_MS);
  holds((await why(desk)).includes("鈴木"), `it is said who is missing: ${await why(desk)}`);
  const file = trace(around, "while-hidden");
  await pause(1_500);
  await other.close();
  await small.page.bringToFront();
  equal(await small.page.evaluate(() => document.hidden), false, "document.hidden afterwards");
  await opens(desk);
  const mark = terminal.said.length;
  terminal.keys("echo after-$((40+2))\n");
  await terminal.prints("after-42", 20_000, mark);
  holds(!existsSync(file), "what was typed while keys were held was executed");
}

// Frames to draw are kept back, as a browser keeps them back for a page that it does not show.
async function stretches({ phone: small, desk, terminal }) {
  await small.page.evaluate(() => {
    const send = WebSocket.prototype.send, frame = window.requestAnimationFrame.bind(window);
    const seen = (window.seen = { acks: [], sealed: -1, waiting: [] });
    const heard = ({ data }) => {
      const word = typeof data === "string" ? JSON.parse(data) : {};
      if (word.say === "sealed") seen.sealed = JSON.parse(word.header).block;
    };
    WebSocket.prototype.send = function (text) {
      if (!this.heard) this.addEventListener("message", (this.heard = heard));
      const { ack } = JSON.parse(text);
      if (ack) seen.acks.push(ack);
      return send.call(this, text);
    };
    window.requestAnimationFrame = (draw) => seen.waiting.push(draw);
    seen.draw = () => { window.requestAnimationFrame = frame; seen.waiting.splice(0).forEach((draw) => frame(draw)); };
  });
  const seen = () => small.page.evaluate(() => ({ acks: window.seen.acks, sealed: window.seen.sealed, waiting: window.seen.waiting.length }));
  const mark = terminal.said.length;
  terminal.keys("for i in 1 2 3 4 5 6; do echo part-$i; sleep 1; done\n");
  await until("a block waits to be drawn", 10_000, async () => { const now = await seen(); return now.sealed >= 0 && now.waiting > 0; });
  const other = await small.context.newPage();
  await other.goto("about:blank");
  await other.bringToFront();
  equal(await small.page.evaluate(() => document.hidden), true, "document.hidden");
  const before = await seen();
  await until("blocks came meanwhile", 10_000, async () => (await seen()).sealed > before.sealed + 1);
  await other.close();
  await small.page.bringToFront();
  await small.page.evaluate(() => window.seen.draw());
  await until("it signs again", 20_000, async () => (await seen()).acks.length > before.acks.length);
  await opens(desk);
  const first = (await seen()).acks[before.acks.length];
  holds(first.from > before.sealed, `block ${first.from} is signed, and ${before.sealed} was the last before the page was hidden`);
  await terminal.prints("part-6", 20_000, mark);
}

async function closed(around) {
  const { desk, emergency, workspace, browser } = around;
  await around.phone.page.close();
  await closes(desk);
  const file = trace(around, "while-closed");
  await pause(1_000);
  around.phone.page = await around.phone.context.newPage();
  await honest(around.phone.page);
  await around.phone.go(`/emergencies/${emergency}/watch`);
  await opens(desk);
  holds(browser.isConnected() && !existsSync(file), `executed while held: ${file} in ${workspace.root}`);
}

// Connections that fall silent without a goodbye, as when a phone changes from one network to another; and no new ones.
async function offline(around) {
  const { phone: small, desk, terminal, workspace, emergency } = around;
  const held = () => workspace.ask("tanaka", "emergency", "show", emergency).emergency.sessions[0].held ?? [];
  await small.context.setOffline(true);
  equal(await small.page.evaluate(() => navigator.onLine), false, "navigator.onLine");
  const mark = terminal.said.length;
  workspace.proxy.silence();
  await terminal.prints("入力を止めています", CLOSES_WITHIN_MS, mark);
  await until("it is in the record", 5_000, async () => held().length > 0);
  const file = trace(around, "while-offline");
  await pause(1_000);
  await small.context.setOffline(false);
  // A page that has heard nothing yet still shows what it heard last; the record knows when both are back.
  await until("both count again", 60_000, async () => held().length === 0);
  await opens(small, 40_000);
  await opens(desk, 40_000);
  holds(!existsSync(file), "executed while held");
  await until("both pages are live again", 20_000, async () => (await small.page.locator("body.cut").count()) + (await desk.page.locator("body.cut").count()) === 0);
}

async function twice(around) {
  const { phone: small, desk, emergency, browser, workspace } = around;
  const again = await watches(browser, workspace, "suzuki", desktop, emergency);
  await until("the earlier screen is told", 10_000, async () => (await small.text("#terminal .counts")).includes("別の端末"));
  await desk.page.goto("about:blank");
  await closes(again);
  holds((await why(again)).includes("1/2"), `two screens of one person are one: ${await why(again)}`);
  await desk.go(`/emergencies/${emergency}/watch`);
  await opens(desk);
  await again.leave();
  await small.go(`/emergencies/${emergency}/watch`);
  await opens(small);
}

async function accessible({ phone: small, desk }) {
  for (const person of [small, desk]) {
    for (const scheme of ["light", "dark"]) equal(await person.axe(scheme), [], `axe in ${scheme}`);
  }
  equal(await small.overflow(), 0, "pixels beyond the phone's screen");
}

// Both see the very line; neither a click nor another word lets it run, and the phone's typed words let it run once.
async function dangerous({ phone: small, desk, emergency, terminal, workspace }) {
  const scratch = join(workspace.root, "config", "scratch");
  terminal.keys("touch config/scratch\n");
  await until("the file is there", 10_000, async () => existsSync(scratch));
  const mark = terminal.said.length;
  terminal.keys("rm  -rf config/scratch\n");
  await terminal.prints("立会人の確認を待っています", 20_000, mark);
  for (const person of [small, desk]) {
    await person.page.locator(".notice.line").waitFor();
    equal(await person.text(".notice.line pre"), "rm  -rf config/scratch", "the line");
    holds((await person.text(".notice.line")).includes("消したファイルは戻らない"), "why it is dangerous");
    for (const scheme of ["light", "dark"]) equal(await person.axe(scheme), [], `axe in ${scheme}`);
  }
  equal(await small.overflow(), 0, "pixels beyond the phone's screen");
  await small.act("session.confirm", { confirm: "はい" }, { refused: true, within: ".notice.line" });
  holds(existsSync(scratch), "another word let it run");
  await small.go(`/emergencies/${emergency}/watch`);
  await small.act("session.confirm", { confirm: "rm -rf" }, { within: ".notice.line" });
  await until("it ran", 20_000, async () => !existsSync(scratch));
  await until("nothing waits any more", 10_000, async () => (await desk.page.locator(".notice.line").count()) === 0);
  await opens(small, 40_000);
  await opens(desk, 40_000);
}

async function ended({ phone: small, desk, emergency, terminal }) {
  terminal.keys("sed -i s/db1/db2/ config/app.toml; echo changed-$?\n");
  await terminal.prints("changed-0");
  await desk.act("session.note", { text: "接続先だけが変わったことを見た" });
  await small.act("session.stop", { reason: "作業が終わった", confirm: `${emergency}/1` });
  await until("the page says that it is over", 20_000, async () => {
    await desk.go(`/emergencies/${emergency}`);
    return (await desk.page.locator("#session-1").innerText()).includes("終了");
  });
  await terminal.ends();
}

async function replayed({ phone: small, desk, emergency }) {
  await desk.go(`/emergencies/${emergency}`);
  await desk.page.locator("#session-1 a.button").click();
  await desk.page.locator("#replay[data-ready]").waitFor();
  await desk.page.locator("#speed").selectOption("4");
  await until("it plays", 20_000, async () => (await shown(desk, "#replay")).includes(words));
  await desk.page.locator("#find").fill("を直します");
  await desk.page.locator("#replay .hits li").first().waitFor();
  await desk.page.locator("#replay .hits button").first().click();
  const jumps = desk.page.locator("#commands .jump:visible");
  if ((await jumps.count()) > 0) await jumps.first().click();
  await desk.page.locator("#find").fill("どこにもない言葉");
  holds((await desk.text("#replay .message")).includes("見つかりません"), "nothing is found and said");
  holds((await desk.text("#watched")).includes("2人（うちシニア1人）以上がそろって見た"), await desk.text("#watched"));
  holds((await desk.text("#notes")).includes("接続先だけが変わったことを見た"), "the note is there");
  for (const person of [desk, small]) {
    await person.go(`/emergencies/${emergency}/sessions/1`);
    await person.page.locator("#replay[data-ready]").waitFor();
    for (const scheme of ["light", "dark"]) equal(await person.axe(scheme), [], `axe in ${scheme}`);
  }
  equal(await small.overflow(), 0, "pixels beyond the phone's screen");
}

// Saves the recording in every form, and gives the bytes that the terminal printed.
function saved({ workspace, emergency }) {
  for (const [format, file] of [["cast", "session.cast"], ["cast2", "session.v2.cast"], ["raw", "session.raw"]]) {
    workspace.run("takahashi", "emergency", "recording", emergency, "--format", format, "--out", file);
  }
  return readFileSync(join(workspace.dir, "session.raw"));
}

const program = (workspace, path, ...words) =>
  execFileSync(path, words, { cwd: workspace.dir, env: { PATH: process.env.PATH, HOME: workspace.dir, TERM: "xterm-256color", LC_ALL: "C.UTF-8" }, maxBuffer: 1 << 26 });

// Through a file: the newer program does not write into what node gives it as its output.
function converted(workspace, form, cast) {
  program(workspace, asciinema3, "convert", "--quiet", "--overwrite", "--output-format", form, cast, "converted");
  return readFileSync(join(workspace.dir, "converted"));
}

// The newer program also prints the sizes of the window, which are no output of the session.
const withoutSizes = (bytes) => Buffer.from(bytes.toString("latin1").replace(/\x1b\[8;\d+;\d+t/g, ""), "latin1");

async function official(around) {
  const { workspace } = around;
  const raw = saved(around);
  holds(raw.includes("予約サービス を直します"), "the words are in the record");
  holds(program(workspace, asciinema, "cat", "session.v2.cast").equals(raw), "asciinema 2 cat prints other bytes than were recorded");
  for (const cast of ["session.cast", "session.v2.cast"]) {
    const printed = converted(workspace, "raw", cast);
    holds(withoutSizes(printed).equals(withoutSizes(raw)), `asciinema 3 prints other bytes of ${cast} than were recorded`);
    // As a person does it, at a terminal.
    for (const [path, played] of [[asciinema, cast === "session.v2.cast"], [asciinema3, true]].filter(([, reads]) => reads)) {
      const shown = program(workspace, "script", "-qec", `${path} play -i 0.01 -s 100 ${cast}`, "/dev/null");
      holds(played && shown.includes("予約サービス を直します"), `${path} play ${cast} shows ${shown.toString("utf8").slice(-300)}`);
    }
  }
}

// The player of the page, to the end of the recording. What must be on its screen then, the official program says.
async function played(around) {
  const { desk, emergency, workspace } = around;
  saved(around);
  const plain = (text) => text.replace(/\s/g, "");
  await desk.go(`/emergencies/${emergency}/sessions/1`);
  await desk.page.locator("#replay[data-ready]").waitFor();
  for (const [file, address] of [["session.cast", "recording.cast"], ["session.v2.cast", "recording.v2.cast"]]) {
    const screen = await desk.page.evaluate(async (url) => {
      const box = document.body.appendChild(document.createElement("div"));
      const player = window.AsciinemaPlayer.create(url, box, { preload: true, speed: 200, idleTimeLimit: 0.01, fit: false });
      const ended = new Promise((done) => player.addEventListener("ended", done));
      await player.play();
      await ended;
      await new Promise((done) => setTimeout(done, 300));
      const text = box.querySelector(".ap-term-text").textContent;
      player.dispose();
      box.remove();
      return text;
    }, `/emergencies/${emergency}/sessions/1/${address}`);
    const whole = plain(converted(workspace, "txt", file).toString("utf8"));
    holds(plain(screen).length > 100 && plain(screen).includes("changed-0"), `the player shows ${screen}`);
    holds(whole.endsWith(plain(screen)), `the player shows ${plain(screen)} and not the end of ${whole}`);
  }
}

async function verified({ workspace, emergency }) {
  const shown = workspace.ask("takahashi", "emergency", "show", emergency);
  workspace.run("takahashi", "ledger", "export", shown.incident.id, "--output", "case.zip");
  const found = workspace.ask("takahashi", "ledger", "verify", "--bundle", "case.zip");
  equal([found.faults, found.flaws], [[], []], "faults and flaws");
  const [watched] = found.exceptions[0].sessions;
  equal(Object.keys(watched.watched).sort(), ["suzuki", "yamamoto"], "who watched");
  workspace.run("takahashi", "emergency", "recording", emergency, "--format", "raw", "--out", "session.raw");
  holds(readFileSync(join(workspace.dir, "session.raw"), "utf8").includes("予約サービス を直します"), "the output is saved");
}

// Two people watch; the only senior of them is the one who approved.
async function approver(browser) {
  const workspace = await Workspace.open(links, (text) => text.replace('roles = ["cto"]', 'roles = ["cto", "senior"]'));
  let terminal;
  try {
    const emergency = await executing(workspace, ["takahashi", "suzuki", "yamamoto"]);
    terminal = new Terminal(workspace, "sato", emergency);
    await until("the session is open", 20_000, async () => workspace.ask("sato", "emergency", "show", emergency).emergency.sessions?.length === 1);
    const cto = await watches(browser, workspace, "takahashi", desktop, emergency);
    const developer = await watches(browser, workspace, "yamamoto", phone, emergency);
    await until("both are counted", 15_000, async () => (await why(developer)).includes("2/2"));
    holds(!(await gate(developer)) && (await why(developer)).includes("0/1"), `the approver is no senior witness: ${await why(developer)}`);
    const senior = await watches(browser, workspace, "suzuki", desktop, emergency);
    await opens(senior);
    // The recorder outlives its terminal; the session has to be ended.
    workspace.run("suzuki", "--confirm", `${emergency}/1`, "emergency", "end-session", emergency, "--reason", "確認が済んだ");
    await terminal.ends();
    for (const person of [cto, developer, senior]) await person.leave();
  } finally {
    terminal?.kill();
    await workspace.close();
  }
}
