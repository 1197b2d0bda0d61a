// A double of GitHub, made from its published OpenAPI document: every request and every answer is validated against it. Behind it is a real
// bare git repository, so that blobs, trees, commits and branches are what git says they are. proof.js has the vendor's client agree with it.
//
// `BARE=/path/to/repository.git node e2e/github/double.js` prints one line of JSON and ends with its standard input; /control steers it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { load } from "../load.js";
import { OPERATIONS, published } from "./published.js";

const { OpenAPIBackend } = load("openapi-backend");

export class GitHubDouble {
  constructor(bare, { token = "ghp_double", owner = "yunoya", repo = "reservation" } = {}) {
    Object.assign(this, { bare, token, owner, repo });
    this.pulls = [];
    this.labels = [];
    this.calls = [];
    this.failing = [];
    this.violations = [];
    this.mode = "up";
    // What its owner set: merge methods of the repository, rulesets and classic protection by branch. `hidden`: what the token may not see.
    this.settings = { methods: { allow_merge_commit: true, allow_squash_merge: true, allow_rebase_merge: true }, rules: {}, protection: {}, hidden: [] };
  }

  async open(port = 0) {
    const { definition, examples } = published();
    this.examples = examples;
    const handlers = Object.fromEntries(OPERATIONS.map(([id]) => [id.replace("/", "_"), (context) => this.answer(id, context)]));
    this.api = new OpenAPIBackend({
      definition,
      quick: true,
      ajvOpts: { strict: false, validateFormats: false, logger: false },
      handlers: {
        ...handlers,
        validationFail: (context) => {
          this.violations.push(`request ${context.operation?.operationId}: ${JSON.stringify(context.validation.errors)}`);
          return [422, { message: `Invalid request.\n\n${context.validation.errors?.[0]?.message}`, documentation_url: "https://docs.github.com/rest" }];
        },
        notFound: () => [404, notFound()],
        methodNotAllowed: () => [405, notFound()],
      },
    });
    await this.api.init();
    this.server = createServer((request, response) => this.serve(request, response).catch((error) => response.writeHead(500).end(String(error?.stack ?? error))));
    await new Promise((done) => this.server.listen(port, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  async serve(request, response) {
    const url = new URL(request.url, this.url);
    const text = await read(request);
    if (url.pathname.startsWith("/control/")) return say(response, 200, this.control(url.pathname.slice(9), text ? JSON.parse(text) : {}));
    if (this.mode === "refusing") return request.socket.destroy();
    if (this.mode === "dead") return undefined;
    const call = `${request.method} ${url.pathname}`;
    this.calls.push(call);
    const failure = this.failing.find((one) => one.count > 0 && call.includes(one.call ?? ""));
    if (failure) {
      failure.count -= 1;
      if (!failure.lose_answer && !failure.hold_ms && !failure.truncate) return say(response, failure.status, failure.body ?? { message: failure.message ?? "told to fail", documentation_url: "https://docs.github.com/rest" }, failure.headers);
    }
    const [status, body] = await this.act(request, url, text);
    if (failure?.lose_answer) return request.socket.destroy();
    if (failure?.truncate) return cutOff(response, status, body);
    if (failure?.hold_ms) await new Promise((done) => setTimeout(done, failure.hold_ms));
    return say(response, status, body, { "x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4999" });
  }

  async act(request, url, text) {
    if (request.headers.authorization !== `Bearer ${this.token}` && request.headers.authorization !== `token ${this.token}`) {
      return [401, { message: "Bad credentials", documentation_url: "https://docs.github.com/rest", status: "401" }];
    }
    const body = text ? JSON.parse(text) : undefined;
    const headers = { ...request.headers, "content-type": "application/json" };
    return this.api.handleRequest({ method: request.method, path: url.pathname, query: url.search.slice(1), headers, body });
  }

  // What an operation answers, if its answer is one of those that are published for it.
  answer(id, context) {
    const params = Object.fromEntries(Object.entries(context.request.params).map(([name, value]) => [name, decodeURIComponent(value)]));
    const [status, body] = params.owner !== this.owner || params.repo !== this.repo ? [404, notFound()] : HANDLERS[id].call(this, params, context.request.requestBody, context.request.query);
    const valid = this.api.validateResponse(body, context.operation, status);
    if (valid.errors?.length) this.violations.push(`answer ${id} ${status}: ${JSON.stringify(valid.errors.slice(0, 3))}`);
    return [status, body];
  }

  control(what, given) {
    switch (what) {
      case "fail":
        this.failing.push({ count: 1, ...given });
        return { failing: this.failing.length };
      case "mode":
        this.mode = given.mode;
        return given;
      case "pulls":
        return { pulls: this.pulls.map((pull) => this.pull(pull)) };
      case "labels":
        return { labels: this.labels };
      case "calls":
        return { calls: this.calls };
      case "violations":
        return { violations: this.violations };
      case "settings":
        return Object.assign(this.settings, given);
      case "merge":
        return this.merge(given);
      case "close":
        Object.assign(this.pulls.find((pull) => pull.number === given.number), { state: "closed", closed_at: now() });
        return {};
      default:
        throw new Error(`no control ${what}`);
    }
  }

  // As the button does it: a merge commit; or with `content`, as somebody does who mends the change on the way.
  merge({ number, path, content }) {
    const pull = this.pulls.find((one) => one.number === number);
    const [base, head] = [this.git(["rev-parse", `refs/heads/${pull.base}`]), this.git(["rev-parse", `refs/heads/${pull.head}`])];
    let tree = this.git(["merge-tree", "--write-tree", base, head]).split("\n")[0];
    if (path) tree = this.tree(tree, [{ path, mode: "100644", sha: this.git(["hash-object", "-w", "--stdin"], content) }]);
    const commit = this.git(["commit-tree", tree, "-p", base, "-p", head, "-m", `Merge pull request #${number}`]);
    this.git(["update-ref", `refs/heads/${pull.base}`, commit]);
    Object.assign(pull, { state: "closed", merged_at: now(), closed_at: now(), merge_commit_sha: commit });
    return { merged: commit };
  }

  git(args, input, env = {}) {
    const who = { GIT_AUTHOR_NAME: "double", GIT_AUTHOR_EMAIL: "double@example.jp", GIT_COMMITTER_NAME: "double", GIT_COMMITTER_EMAIL: "double@example.jp" };
    return execFileSync("git", args, { input: input ?? "", env: { PATH: process.env.PATH, GIT_DIR: this.bare, GIT_CONFIG_NOSYSTEM: "1", HOME: "/nonexistent", ...who, ...env }, maxBuffer: 1 << 28, stdio: ["pipe", "pipe", "pipe"] }).toString("utf8").trimEnd();
  }

  there(args) {
    try {
      return this.git(args);
    } catch {
      return null;
    }
  }

  // A tree with some entries changed, through an index of its own.
  tree(base, entries) {
    const dir = mkdtempSync(join(tmpdir(), "hikeshi-github-"));
    const env = { GIT_INDEX_FILE: join(dir, "index") };
    try {
      if (base) this.git(["read-tree", base], "", env);
      const lines = entries.map((entry) => `${entry.sha === null ? "0" : entry.mode} ${entry.sha ?? "0".repeat(40)}\t${entry.path}\0`).join("");
      this.git(["update-index", "-z", "--index-info"], lines, env);
      return this.git(["write-tree"], "", env);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }

  link(path) {
    return `${this.url}/repos/${this.owner}/${this.repo}${path}`;
  }

  commit(sha) {
    const raw = this.git(["cat-file", "commit", sha]);
    const [head, ...message] = raw.split("\n\n");
    const field = (name) => head.split("\n").filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
    const person = (line) => {
      const [, name, email, at] = /^(.*) <(.*)> (\d+) /.exec(line);
      return { name, email, date: new Date(Number(at) * 1_000).toISOString().replace(".000", "") };
    };
    const tree = field("tree")[0];
    return {
      sha,
      node_id: "C_double",
      url: this.link(`/git/commits/${sha}`),
      html_url: this.link(`/commit/${sha}`),
      author: person(field("author")[0]),
      committer: person(field("committer")[0]),
      message: message.join("\n\n"),
      tree: { sha: tree, url: this.link(`/git/trees/${tree}`) },
      parents: field("parent").map((parent) => ({ sha: parent, url: this.link(`/git/commits/${parent}`), html_url: this.link(`/commit/${parent}`) })),
      verification: { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null },
    };
  }

  ref(name, sha) {
    return { ref: name, node_id: "R_double", url: this.link(`/git/${name}`), object: { type: "commit", sha, url: this.link(`/git/commits/${sha}`) } };
  }

  // The published example with what is known of this one.
  pull(pull, example = "pull-request") {
    const given = structuredClone(this.examples[example]);
    const head = this.there(["rev-parse", `refs/heads/${pull.head}`]) ?? pull.sha;
    const branch = (shown, name, sha) => ({ ...shown, label: `${this.owner}:${name}`, ref: name, sha });
    return {
      ...given,
      number: pull.number,
      html_url: `https://github.com/${this.owner}/${this.repo}/pull/${pull.number}`,
      state: pull.state,
      title: pull.title,
      body: pull.body,
      labels: pull.labels.map((name) => this.labels.find((label) => label.name === name)),
      merged_at: pull.merged_at ?? null,
      closed_at: pull.closed_at ?? null,
      merge_commit_sha: pull.merge_commit_sha ?? null,
      requested_teams: [],
      head: branch(given.head, pull.head, head),
      base: branch(given.base, pull.base, this.git(["rev-parse", `refs/heads/${pull.base}`])),
      ...(example === "pull-request" ? { merged: pull.merged_at !== undefined } : {}),
    };
  }
}

const HANDLERS = {
  "git/get-ref"({ ref }) {
    const sha = this.there(["rev-parse", "--verify", "--quiet", `refs/${ref}`]);
    return sha ? [200, this.ref(`refs/${ref}`, sha)] : [404, notFound()];
  },
  "git/create-ref"(_, { ref, sha }) {
    if (this.there(["rev-parse", "--verify", "--quiet", ref])) return [422, invalid("Reference already exists")];
    if (!this.there(["cat-file", "-e", `${sha}^{commit}`]) && this.there(["cat-file", "-t", sha]) !== "commit") return [422, invalid("Object does not exist")];
    this.git(["update-ref", ref, sha]);
    return [201, this.ref(ref, sha)];
  },
  "git/get-commit"({ commit_sha }) {
    return this.there(["cat-file", "-t", commit_sha]) === "commit" ? [200, this.commit(commit_sha)] : [404, notFound()];
  },
  "git/create-commit"(_, { message, tree, parents, author, committer }) {
    const env = (role, who) => (who ? { [`GIT_${role}_NAME`]: who.name, [`GIT_${role}_EMAIL`]: who.email, [`GIT_${role}_DATE`]: who.date } : {});
    const args = ["commit-tree", tree, ...(parents ?? []).flatMap((parent) => ["-p", parent]), "-F", "-"];
    return [201, this.commit(this.git(args, message, { ...env("AUTHOR", author), ...env("COMMITTER", committer ?? author) }))];
  },
  "git/get-tree"({ tree_sha }) {
    if (!["tree", "commit"].includes(this.there(["cat-file", "-t", tree_sha]))) return [404, notFound()];
    const lines = this.git(["ls-tree", "-z", tree_sha]).split("\0").filter(Boolean);
    const tree = lines.map((line) => {
      const [, mode, type, sha, path] = /^(\d+) (\w+) ([0-9a-f]+)\t([^]*)$/.exec(line);
      return { path, mode, type, sha, url: this.link(`/git/${type}s/${sha}`) };
    });
    return [200, { sha: tree_sha, url: this.link(`/git/trees/${tree_sha}`), tree, truncated: false }];
  },
  "git/create-tree"(_, { base_tree, tree }) {
    const gone = tree.find((entry) => entry.sha === null && !this.there(["rev-parse", "--verify", "--quiet", `${base_tree}:${entry.path}`]));
    if (gone) return [422, invalid("GitRPC::BadObjectState")];
    const sha = this.tree(base_tree, tree);
    return [201, HANDLERS["git/get-tree"].call(this, { tree_sha: sha })[1]];
  },
  "git/create-blob"(_, { content, encoding }) {
    const sha = this.git(["hash-object", "-w", "--no-filters", "--stdin"], Buffer.from(content, encoding === "base64" ? "base64" : "utf8"));
    return [201, { sha, url: this.link(`/git/blobs/${sha}`) }];
  },
  "git/get-blob"({ file_sha }) {
    if (this.there(["cat-file", "-t", file_sha]) !== "blob") return [404, notFound()];
    const bytes = execFileSync("git", ["cat-file", "blob", file_sha], { env: { PATH: process.env.PATH, GIT_DIR: this.bare } });
    // With line breaks, as GitHub does.
    const content = bytes.toString("base64").replace(/.{60}/g, "$&\n");
    return [200, { sha: file_sha, node_id: "B_double", size: bytes.length, url: this.link(`/git/blobs/${file_sha}`), content, encoding: "base64" }];
  },
  "pulls/list"(_, __, { head, state = "open" }) {
    const wanted = this.pulls.filter((pull) => (!head || head === `${this.owner}:${pull.head}`) && (state === "all" || state === pull.state));
    return [200, wanted.reverse().map((pull) => this.pull(pull, "pull-request-simple"))];
  },
  "pulls/create"(_, { title, head, base, body }) {
    const [from, to] = [head, base].map((name) => this.there(["rev-parse", "--verify", "--quiet", `refs/heads/${name}`]));
    const wrong = (message) => [422, { ...invalid("Validation Failed"), errors: [{ resource: "PullRequest", code: "custom", message }] }];
    if (!from) return [422, { ...invalid("Validation Failed"), errors: [{ resource: "PullRequest", field: "head", code: "invalid" }] }];
    if (from === to) return wrong(`No commits between ${base} and ${head}`);
    if (this.pulls.some((pull) => pull.head === head && pull.state === "open")) return wrong(`A pull request already exists for ${this.owner}:${head}.`);
    const pull = { number: this.pulls.length + 1, title, head, base, body: body ?? null, state: "open", labels: [], sha: from };
    this.pulls.push(pull);
    return [201, this.pull(pull)];
  },
  "pulls/get"({ pull_number }) {
    const pull = this.pulls.find((one) => one.number === Number(pull_number));
    return pull ? [200, this.pull(pull)] : [404, notFound()];
  },
  "repos/get"() {
    // The published example is of a fork, and it and what it was forked from lack the language, which the schema requires.
    const { allow_merge_commit, allow_squash_merge, allow_rebase_merge, source, parent, template_repository, ...rest } = structuredClone(this.examples.repository);
    return [200, { language: null, ...rest, name: this.repo, full_name: `${this.owner}/${this.repo}`, ...(this.settings.hidden.includes("methods") ? {} : this.settings.methods) }];
  },
  "repos/get-branch"({ branch }) {
    const sha = this.there(["rev-parse", "--verify", "--quiet", `refs/heads/${branch}`]);
    if (!sha) return [404, { ...notFound(), message: "Branch not found" }];
    const given = structuredClone(this.examples.branch);
    const isProtected = branch in this.settings.protection || (this.settings.rules[branch] ?? []).length > 0;
    return [200, { ...given, name: branch, commit: { ...given.commit, sha }, protected: isProtected }];
  },
  "repos/get-branch-protection"({ branch }) {
    const set = this.settings.protection[branch];
    if (!set || this.settings.hidden.includes("protection")) return [404, { ...notFound(), message: set ? "Not Found" : "Branch not protected" }];
    const { url, required_pull_request_reviews } = structuredClone(this.examples.protection);
    // Its teams lack the type, which the schema requires; who may dismiss a review is nobody's question here.
    delete required_pull_request_reviews.dismissal_restrictions;
    const { reviews, ...switches } = set;
    const enabled = Object.fromEntries(Object.entries(switches).map(([name, on]) => [name, name === "enforce_admins" ? { url: `${url}/enforce_admins`, enabled: on } : { enabled: on }]));
    return [200, { url, ...(reviews ? { required_pull_request_reviews } : {}), ...enabled }];
  },
  "repos/get-branch-rules"({ branch }, _, { page = 1, per_page = 30 }) {
    const rules = (this.settings.rules[branch] ?? []).map((rule) => ({ ...rule, ruleset_source_type: "Repository", ruleset_source: `${this.owner}/${this.repo}`, ruleset_id: 42 }));
    return [200, rules.slice((page - 1) * per_page, page * per_page)];
  },
  "issues/get-label"({ name }) {
    const label = this.labels.find((one) => one.name.toLowerCase() === name.toLowerCase());
    return label ? [200, label] : [404, notFound()];
  },
  "issues/create-label"(_, { name, color, description }) {
    if (this.labels.some((label) => label.name.toLowerCase() === name.toLowerCase())) {
      return [422, { ...invalid("Validation Failed"), errors: [{ resource: "Label", code: "already_exists", field: "name" }] }];
    }
    const label = { id: 1_000 + this.labels.length, node_id: "LA_double", url: this.link(`/labels/${encodeURIComponent(name)}`), name, color: color ?? "ededed", default: false, description: description ?? "" };
    this.labels.push(label);
    return [201, label];
  },
  "issues/add-labels"({ issue_number }, body) {
    const pull = this.pulls.find((one) => one.number === Number(issue_number));
    if (!pull) return [404, notFound()];
    const names = Array.isArray(body) ? body : body.labels;
    pull.labels = [...new Set([...pull.labels, ...names])];
    return [200, pull.labels.map((name) => this.labels.find((label) => label.name === name))];
  },
};

const notFound = () => ({ message: "Not Found", documentation_url: "https://docs.github.com/rest", status: "404" });
const invalid = (message) => ({ message, documentation_url: "https://docs.github.com/rest", status: "422" });
const now = () => new Date().toISOString().replace(/\.\d+/, "");

// An answer that promises more than comes.
function cutOff(response, status, body) {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) });
  response.write(text.slice(0, text.length / 2), () => response.socket.destroy());
}

async function read(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

function say(response, status, body, headers = {}) {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers }).end(JSON.stringify(body));
}

if (process.argv[1] === import.meta.filename) {
  const double = await new GitHubDouble(process.env.BARE).open();
  console.log(JSON.stringify({ url: double.url }));
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
}
