// A workspace in a temporary folder with a real `hikeshi serve`: a small service that really reads its configuration, a bare git repository,
// and people who sign in by their own one-time links.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { holds, until } from "./checks.js";
import { Proxy } from "./proxy.js";

export const binary = resolve(process.env.HIKESHI_BIN ?? "target/debug/hikeshi");

// Whatever way this program ends, its servers end with it.
const running = new Set();
process.once("exit", () => running.forEach((child) => child.kill("SIGKILL")));

const freePort = () =>
  new Promise((done) => {
    const probe = net.createServer();
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });

const policy = ({ listen, url, dir, service }) => `
[server]
listen = "${listen}"
public_url = "${url}"
data = "data"

[workspace]
name = "予約チーム"

[people]
tanaka = { name = "田中 一郎", roles = ["developer"], email = "tanaka@example.jp" }
sato = { name = "佐藤 花子", roles = ["developer"], email = "sato@example.jp" }
suzuki = { name = "鈴木 次郎", roles = ["senior"], email = "suzuki@example.jp" }
yamamoto = { name = "山本 大輔", roles = ["developer"] }
takahashi = { name = "髙橋 美咲", roles = ["cto"], email = "takahashi@example.jp" }
ito = { name = "伊藤 健", roles = ["dev-lead"] }
watanabe = { name = "渡邉 直子", roles = ["operator"] }
kobayashi = { name = "小林 由美", roles = ["lead"] }
nakamura = { name = "中村 誠", roles = ["manager"] }
kato = { name = "加藤 恵", roles = ["admin"] }

[roles]
admin = { ja = "管理者", en = "administrator" }
cto = { ja = "CTO", en = "CTO" }
dev-lead = { ja = "開発責任者", en = "development lead" }
senior = { ja = "シニア開発者", en = "senior developer" }
developer = { ja = "開発者", en = "developer" }
operator = { ja = "運用担当", en = "operator" }
lead = { ja = "運用リーダー", en = "operations lead" }
manager = { ja = "マネージャー", en = "manager" }

[services.reservation]
name = "予約"
url = "${service}"

[environments.production]
name = "本番"
exception_allowed = true

[targets.reservation-prod]
service = "reservation"
environment = "production"
root = "${dir}/srv/reservation"
backups = "${dir}/srv/backups"
repository_path = "deploy"

[forge]
repository = "${dir}/srv/reservation.git"
requests = "${dir}/srv/requests"

[documents]
root = "docs"
`;

export class Workspace {
  #process;
  #home = new Map();

  // `links`: how many one-time links are made ready for whom.
  // `change` may change the policy before the server sees it; what it needs it puts into the workspace's folder.
  static async open(links, change = (text) => text) {
    const workspace = new Workspace();
    workspace.dir = mkdtempSync(join(tmpdir(), "hikeshi-e2e-"));
    workspace.root = join(workspace.dir, "srv", "reservation");
    mkdirSync(join(workspace.root, "config"), { recursive: true });
    mkdirSync(join(workspace.dir, "srv", "backups"));
    mkdirSync(join(workspace.dir, "srv", "requests"));
    workspace.configure("db1");
    workspace.#repository();
    await workspace.#service();
    workspace.port = await freePort();
    workspace.proxy = await Proxy.to(workspace.port);
    // Passkeys are bound to a name, and a bare address is none.
    workspace.url = `http://localhost:${workspace.proxy.port}`;
    workspace.direct = `http://127.0.0.1:${workspace.port}`;
    workspace.file = join(workspace.dir, "hikeshi.toml");
    const text = policy({ listen: `127.0.0.1:${workspace.port}`, url: workspace.url, dir: workspace.dir, service: workspace.service });
    writeFileSync(workspace.file, change(text, workspace.dir));
    const begin = async () => {
      await workspace.start();
      if (links) await workspace.prepare(links);
    };
    await begin().catch(async (error) => {
      await workspace.close();
      throw error;
    });
    return workspace;
  }

  configure(host) {
    writeFileSync(join(this.root, "config", "app.toml"), `# 予約サービスの設定\nhost = "${host}"\n`);
  }

  configuration() {
    return readFileSync(join(this.root, "config", "app.toml"), "utf8");
  }

  #repository() {
    const seed = join(this.dir, "seed");
    mkdirSync(join(seed, "deploy", "config"), { recursive: true });
    writeFileSync(join(seed, "deploy", "config", "app.toml"), this.configuration());
    const who = ["-c", "user.name=e2e", "-c", "user.email=e2e@example.jp", "-c", "init.defaultBranch=main"];
    const git = (...words) => execFileSync("git", [...who, ...words], { cwd: seed, stdio: "pipe" });
    git("init", "--quiet");
    git("add", ".");
    git("commit", "--quiet", "-m", "first");
    git("clone", "--quiet", "--bare", seed, join(this.dir, "srv", "reservation.git"));
  }

  // The service that is being repaired: it answers as long as its configuration names a database that exists.
  async #service() {
    this.#http = http.createServer((request, response) => {
      const good = this.configuration().includes('host = "db2"');
      const list = request.url === "/list";
      response.writeHead(good || list ? 200 : 503, { "content-type": "text/plain; charset=utf-8" });
      response.end(list ? "一覧\n" : good ? "予約できます\n" : "データベースに接続できません\n");
    });
    await new Promise((done) => this.#http.listen(0, "127.0.0.1", done));
    this.service = `http://127.0.0.1:${this.#http.address().port}`;
  }
  #http;

  async start() {
    let said = "";
    this.#process = spawn(binary, ["--lang", "ja", "--config", this.file, "serve"], {
      cwd: this.dir,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, HIKESHI_LOG: process.env.HIKESHI_LOG ?? "warn" },
    });
    const child = this.#process;
    running.add(child);
    child.once("exit", () => running.delete(child));
    this.#process.stdout.on("data", (bytes) => (said += bytes));
    this.#process.stderr.on("data", (bytes) => (said += bytes));
    this.said = () => said;
    await until("the server answers", 20_000, async () => {
      holds(this.#process.exitCode === null, `the server ended:\n${said}`);
      return fetch(`${this.direct}/signin`).then((answer) => answer.ok, () => false);
    });
    const link = () => said.match(/http\S+signin\S+/)?.[0];
    this.firstLink ??= await until("the first link is printed", 10_000, async () => link()).catch((error) => {
      throw new Error(`${error.message}:\n${said}`);
    });
  }

  // The server dies at once, and loses what it had not made durable.
  async kill() {
    const gone = new Promise((done) => this.#process.once("exit", done));
    this.#process.kill("SIGKILL");
    await gone;
  }

  // The command line of one person, with their own home.
  run(person, ...words) {
    const home = this.#home.get(person);
    const env = { ...process.env, HIKESHI_URL: this.direct, HIKESHI_LANG: "ja", HOME: home, XDG_CONFIG_HOME: join(home, ".config") };
    const done = spawnSync(binary, ["--json", ...words], { cwd: this.dir, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 });
    holds(done.status === 0, `${person}: hikeshi ${words.join(" ")}: exit ${done.status}\n${done.stdout}${done.stderr}`);
    return done.stdout;
  }

  // The answer itself, out of its versioned envelope.
  ask(person, ...words) {
    const { v, data } = JSON.parse(this.run(person, ...words));
    holds(v === 1, `the form of the answer is ${v}`);
    return data;
  }

  homeOf(person) {
    return this.#home.get(person) ?? this.dir;
  }

  #at(person) {
    if (!this.#home.has(person)) this.#home.set(person, mkdtempSync(join(this.dir, `home-${person}-`)));
  }

  // The administrator's first link makes a token; with it everybody else is invited.
  admin() {
    if (this.#home.has("kato")) return;
    this.#at("kato");
    this.run("kato", "login", "--link", this.firstLink.replace(this.url, this.direct));
  }

  // A fresh one-time link for a person.
  link(person) {
    const ready = this.#links.get(person)?.shift();
    if (ready) return ready;
    this.admin();
    // The command line names the address it talked to; cookies are of the other, which people use.
    return this.ask("kato", "people", "invite", person).link.replace(this.direct, this.url);
  }
  #links = new Map();

  // Links made while the server is down, by the same door opened in-process: a morning after an upgrade.
  async prepare(people) {
    this.admin();
    await this.stop();
    for (const [person, count] of Object.entries(people)) {
      const links = [];
      for (let number = 0; number < count; number += 1) links.push(this.ask("kato", "--local", "--config", this.file, "people", "invite", person).link);
      this.#links.set(person, links);
    }
    await this.start();
  }

  // An API token for a person, used by the command line and the fuzzer.
  token(person) {
    this.admin();
    if (!this.#home.has(person)) {
      const link = this.link(person).replace(this.url, this.direct);
      this.#at(person);
      this.run(person, "login", "--link", link);
    }
    return readFileSync(join(this.#home.get(person), ".config", "hikeshi", "token"), "utf8").trim();
  }

  // The server stops in order.
  async stop() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = new Promise((done) => this.#process.once("exit", done));
    this.#process.kill("SIGTERM");
    const hard = setTimeout(() => this.#process.kill("SIGKILL"), 10_000);
    await gone;
    clearTimeout(hard);
  }

  async close() {
    await this.stop();
    await this.proxy.close();
    await new Promise((done) => this.#http.close(done));
    rmSync(this.dir, { recursive: true, force: true });
  }
}
