// Promises to the user, as documents: each file of scenarios/ is played by the command line against a server of its own.
//
// A block ```console as=tanaka exit=4``` holds `$ command` lines, each followed by lines that the output must contain, in this order; `…` stands
// for anything. `exit` is that of the last command. A block ```file plan.toml``` is written to the folder of the workspace.
// {digest emg_1} is the digest that a careful approver read, {data} the server's data folder.
import { execFile, spawnSync } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { equal, holds } from "./checks.js";
import { Workspace, binary } from "./workspace.js";

const folder = fileURLToPath(new URL("../scenarios/", import.meta.url));
const root = fileURLToPath(new URL("../", import.meta.url));

export async function scenarios(checks) {
  for (const name of readdirSync(folder).filter((name) => name.endsWith(".md")).sort()) {
    await checks.check(`scenarios/${name}`, () => play(readFileSync(join(folder, name), "utf8")));
  }
  await checks.check("./try --headless rehearses a whole emergency and exits 0", () => rehearsal());
}

// The blocks of a document, in order.
export function blocks(text) {
  const found = [...text.matchAll(/^```(console|file)([^\n]*)\n([\s\S]*?)^```$/gm)];
  return found.map(([, kind, info, body]) => ({ kind, info: info.trim(), body }));
}

// Whether the lines stand in the output, in this order. Returns what is missing.
export function missing(output, wanted) {
  const lines = output.split("\n");
  let at = 0;
  for (const want of wanted) {
    const pattern = new RegExp(want.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*"));
    const found = lines.findIndex((line, index) => index >= at && pattern.test(line));
    if (found < 0) return want;
    at = found + 1;
  }
  return undefined;
}

const people = { watanabe: 1, tanaka: 1, takahashi: 1, sato: 1, suzuki: 1, yamamoto: 1 };

async function play(text) {
  const workspace = await Workspace.open(people);
  try {
    let played = 0;
    for (const block of blocks(text)) {
      if (block.kind === "file") writeFileSync(join(workspace.dir, block.info), fill(block.body, workspace));
      else played += await talk(workspace, block);
    }
    holds(played > 0, "the document plays nothing");
  } finally {
    await workspace.close();
  }
}

function fill(text, workspace, person) {
  return text
    .replaceAll("{data}", join(workspace.dir, "data"))
    .replaceAll("{service}", workspace.service)
    .replaceAll("{config}", workspace.file)
    .replace(/\{digest (emg_\d+)\}/g, (_, id) => workspace.ask(person, "emergency", "show", id).emergency.digest);
}

async function talk(workspace, { info, body }) {
  const person = info.match(/as=(\S+)/)?.[1];
  const exit = Number(info.match(/exit=(\d+)/)?.[1] ?? 0);
  if (person) workspace.token(person);
  const home = workspace.homeOf(person);
  const env = { ...process.env, HIKESHI_URL: workspace.direct, HIKESHI_LANG: "ja", HOME: home, XDG_CONFIG_HOME: join(home, ".config"), NO_COLOR: "1" };
  env.PATH = dirname(binary) + delimiter + env.PATH;
  const commands = body.split(/^\$ /m).slice(1).map((part) => part.trimEnd().split("\n"));
  for (const [index, [command, ...wanted]] of commands.entries()) {
    const done = spawnSync("bash", ["-c", fill(command, workspace, person)], { cwd: workspace.dir, env, encoding: "utf8", timeout: 60_000 });
    const said = `${done.stdout}${done.stderr}`;
    const last = index === commands.length - 1;
    equal(done.status, last ? exit : 0, `exit code of \`${command}\`, which said:\n${said}\n`);
    const lacks = missing(said, wanted.map((line) => fill(line.trim(), workspace, person)).filter(Boolean));
    holds(lacks === undefined, `\`${command}\` did not say "${lacks}":\n${said}`);
  }
  return commands.length;
}

async function rehearsal() {
  const done = await promisify(execFile)("bash", [join(root, "try"), "--headless"], { cwd: root, maxBuffer: 16_000_000, timeout: 420_000, env: { ...process.env, HIKESHI_LANG: "ja" } }).catch((error) => {
    throw new Error(`exit ${error.code}\n${error.stdout}\n${error.stderr}`.slice(-6_000));
  });
  const said = done.stdout + done.stderr;
  holds(said.trim().length > 0, "it says how it went");
  console.log(said.trim().split("\n").slice(-25).map((line) => `      ${line}`).join("\n"));
}
