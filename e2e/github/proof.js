// The vendor's own client against the double: the flow that brings a change back, and the failures in it. Nothing of hikeshi is here.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { equal, holds } from "../checks.js";
import { load } from "../load.js";
import { GitHubDouble } from "./double.js";

// A bare repository with one commit on main.
export function repository(dir, files = { "config/app.toml": "value = 1\n" }) {
  const bare = join(dir, "repository.git");
  const git = (args, input) => execFileSync("git", args, { input: input ?? "", cwd: dir, env: { PATH: process.env.PATH, HOME: "/nonexistent", GIT_CONFIG_NOSYSTEM: "1", GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@example.jp", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@example.jp", GIT_INDEX_FILE: join(dir, "seed.index") } }).toString().trim();
  git(["init", "--quiet", "--bare", "--initial-branch=main", bare]);
  const there = ["--git-dir", bare];
  const lines = Object.entries(files).map(([path, content]) => `100644 ${git([...there, "hash-object", "-w", "--stdin"], content)}\t${path}\0`);
  git([...there, "update-index", "-z", "--index-info"], lines.join(""));
  const commit = git([...there, "commit-tree", git([...there, "write-tree"]), "-m", "the beginning"]);
  git([...there, "update-ref", "refs/heads/main", commit]);
  return bare;
}

export async function githubProof(checks) {
  const dir = mkdtempSync(join(tmpdir(), "hikeshi-github-proof-"));
  const double = await new GitHubDouble(repository(dir)).open();
  const { Octokit } = load("@octokit/rest");
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const client = new Octokit({ auth: double.token, baseUrl: double.url, log: silent, request: { retries: 0 } });
  const place = { owner: double.owner, repo: double.repo };
  try {
    await checks.check("github double: octokit makes a branch, a commit, a pull request and a label, and reads them again", () => flow(client, place));
    await checks.check("github double: octokit meets the failures of the document", () => failures(client, place, double));
    await checks.check("github double: octokit reads merge methods, rules and protection of a branch", () => settings(client, place, double));
    await checks.check("github double: no request and no answer was outside the published document", () => equal(double.violations, [], "violations"));
    await checks.check("github double: a request outside the document is refused", async () => {
      const status = await client.git.createRef({ ...place, ref: "refs/heads/x" }).catch((error) => error.status);
      equal([status, double.violations.length], [422, 1], "a reference without a commit");
    });
  } finally {
    await double.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function flow({ git, pulls, issues }, place) {
  const base = (await git.getRef({ ...place, ref: "heads/main" })).data.object.sha;
  const tree = (await git.getCommit({ ...place, commit_sha: base })).data.tree.sha;
  const blob = (await git.createBlob({ ...place, content: Buffer.from("value = 2\n").toString("base64"), encoding: "base64" })).data.sha;
  const made = (await git.createTree({ ...place, base_tree: tree, tree: [{ path: "config/app.toml", mode: "100644", type: "blob", sha: blob }] })).data.sha;
  const who = { name: "田中 太郎", email: "tanaka@example.jp", date: "2026-11-22T03:14:00Z" };
  const commit = (await git.createCommit({ ...place, message: "緊急対応", tree: made, parents: [base], author: who, committer: who })).data;
  equal([commit.author.name, commit.author.date], [who.name, who.date], "who and when");
  await git.createRef({ ...place, ref: "refs/heads/emergency/emg_1", sha: commit.sha });
  equal((await git.getRef({ ...place, ref: "heads/emergency/emg_1" })).data.object.sha, commit.sha, "the branch");
  const pull = (await pulls.create({ ...place, title: "緊急対応", head: "emergency/emg_1", base: "main", body: "本文" })).data;
  await issues.createLabel({ ...place, name: "Emergency Fix", color: "b60205" });
  await issues.addLabels({ ...place, issue_number: pull.number, labels: ["Emergency Fix"] });
  const [listed] = (await pulls.list({ ...place, head: `${place.owner}:emergency/emg_1`, state: "all" })).data;
  equal([listed.number, listed.labels.map((label) => label.name), listed.head.sha], [pull.number, ["Emergency Fix"], commit.sha], "the request");
  const read = (await git.getTree({ ...place, tree_sha: made })).data.tree.find((entry) => entry.path === "config");
  const file = (await git.getTree({ ...place, tree_sha: read.sha })).data.tree[0];
  const content = (await git.getBlob({ ...place, file_sha: file.sha })).data.content;
  equal(Buffer.from(content, "base64").toString(), "value = 2\n", "the content");
}

async function settings({ repos }, place, double) {
  const status = (work) => work.then(() => 200, (error) => error.status);
  equal([(await repos.get(place)).data.allow_squash_merge, (await repos.getBranch({ ...place, branch: "main" })).data.protected], [true, false], "as it was made");
  equal(await status(repos.getBranchProtection({ ...place, branch: "main" })), 404, "no protection");
  equal(await status(repos.getBranch({ ...place, branch: "nowhere" })), 404, "no branch");
  const parameters = { allowed_merge_methods: ["merge"], dismiss_stale_reviews_on_push: false, require_code_owner_review: false, require_last_push_approval: false, required_approving_review_count: 1, required_review_thread_resolution: false };
  double.control("settings", {
    methods: { allow_merge_commit: true, allow_squash_merge: false, allow_rebase_merge: false },
    rules: { main: [{ type: "pull_request", parameters }, { type: "non_fast_forward" }] },
    protection: { main: { reviews: true, enforce_admins: false, allow_force_pushes: false, allow_deletions: false, required_linear_history: false } },
  });
  equal((await repos.get(place)).data.allow_squash_merge, false, "squash is off");
  const rules = (await repos.getBranchRules({ ...place, branch: "main" })).data;
  equal(rules.map((rule) => rule.type), ["pull_request", "non_fast_forward"], "the rules");
  equal(rules[0].parameters.allowed_merge_methods, ["merge"], "the methods of the rule");
  const there = (await repos.getBranchProtection({ ...place, branch: "main" })).data;
  equal([there.enforce_admins.enabled, there.allow_force_pushes.enabled, there.required_pull_request_reviews !== undefined], [false, false, true], "the protection");
  double.control("settings", { hidden: ["methods", "protection"] });
  equal([(await repos.get(place)).data.allow_squash_merge, await status(repos.getBranchProtection({ ...place, branch: "main" }))], [undefined, 404], "what the token may not see");
  double.control("settings", { methods: { allow_merge_commit: true, allow_squash_merge: true, allow_rebase_merge: true }, rules: {}, protection: {}, hidden: [] });
}

async function failures({ git, pulls, issues }, place, double) {
  const status = (work) => work.then(() => 200, (error) => error.status);
  equal(await status(git.getRef({ ...place, ref: "heads/nowhere" })), 404, "a branch that is not there");
  equal(await status(git.createRef({ ...place, ref: "refs/heads/main", sha: "0".repeat(40) })), 422, "a branch that is there");
  equal(await status(pulls.create({ ...place, title: "x", head: "emergency/emg_1", base: "main" })), 422, "a second request");
  equal(await status(issues.createLabel({ ...place, name: "emergency fix", color: "b60205" })), 422, "a second label");
  double.control("fail", { status: 403, headers: { "retry-after": "7" }, message: "You have exceeded a secondary rate limit" });
  const limited = await git.getRef({ ...place, ref: "heads/main" }).catch((error) => error);
  holds(limited.status === 403 && limited.response.headers["retry-after"] === "7", "the secondary limit");
  const { Octokit } = load("@octokit/rest");
  const stranger = new Octokit({ auth: "wrong", baseUrl: double.url, log: { debug() {}, info() {}, warn() {}, error() {} } });
  equal(await status(stranger.git.getRef({ ...place, ref: "heads/main" })), 401, "a wrong token");
}
