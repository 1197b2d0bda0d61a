// The executor at a terminal of their own: `hikeshi emergency shell` behind a real pty, made by util-linux's `script`.
import { spawn } from "node:child_process";
import { holds, until } from "./checks.js";
import { binary } from "./workspace.js";

const open = new Set();
process.once("exit", () => open.forEach((child) => child.kill("SIGKILL")));

export class Terminal {
  #child;
  said = "";
  code = null;

  constructor(workspace, person, emergency) {
    const home = workspace.homeOf(person);
    const env = { ...process.env, HIKESHI_URL: workspace.direct, HIKESHI_LANG: "ja", HOME: home, XDG_CONFIG_HOME: `${home}/.config`, XDG_STATE_HOME: `${home}/.state`, TERM: "xterm-256color", LANG: "C.UTF-8" };
    const command = `stty cols 100 rows 30; exec ${binary} emergency shell ${emergency}`;
    this.#child = spawn("script", ["-qfec", command, "/dev/null"], { cwd: workspace.dir, env, stdio: ["pipe", "pipe", "inherit"] });
    open.add(this.#child);
    this.#child.stdout.setEncoding("utf8");
    this.#child.stdout.on("data", (text) => (this.said += text));
    this.#child.once("exit", (code) => { this.code = code; open.delete(this.#child); });
  }

  keys(text) {
    this.#child.stdin.write(text);
  }

  // What has been printed since the mark that an earlier call returned.
  async prints(words, within_ms = 20_000, from = 0) {
    await until(`the terminal prints ${JSON.stringify(words)}; it printed ${JSON.stringify(this.said.slice(-600))}`, within_ms, async () => {
      holds(this.code === null || this.said.includes(words, from), `the terminal ended with ${this.code}: ${this.said.slice(-600)}`);
      return this.said.includes(words, from);
    });
    return this.said.length;
  }

  async ends(within_ms = 40_000) {
    await until("the terminal ends", within_ms, async () => this.code !== null);
    return this.code;
  }

  kill() {
    this.#child.kill("SIGKILL");
  }
}
