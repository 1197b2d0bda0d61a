// The API as machines see it: the document passes a linter, and a fuzzer that is driven by it finds no server error.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { equal, holds } from "./checks.js";
import { redocly } from "./modules.js";
import { Workspace } from "./workspace.js";

const run = promisify(execFile);
const schemathesis = process.env.HIKESHI_CACHE ? join(process.env.HIKESHI_CACHE, "venv", "bin", "schemathesis") : "schemathesis";
const DOCUMENT = "/api/v1/openapi.json";

export async function api(checks) {
  const workspace = await Workspace.open({ takahashi: 1 });
  try {
    const token = workspace.token("takahashi");
    const document = await checks.check("the OpenAPI document is served and is 3.1", async () => {
      const answer = await fetch(workspace.direct + DOCUMENT, { headers: { authorization: `Bearer ${token}` } });
      equal(answer.status, 200, DOCUMENT);
      const found = await answer.json();
      holds(found.openapi.startsWith("3.1"), `openapi ${found.openapi}`);
      holds(Object.keys(found.paths).length >= 5, `${Object.keys(found.paths).length} paths`);
      return found;
    });
    if (!document) return;
    const file = join(workspace.dir, "openapi.json");
    writeFileSync(file, JSON.stringify(document));
    await checks.check("redocly finds no error in the OpenAPI document", () => lint(file));
    await checks.check("without a token the API answers 401", async () => {
      const path = Object.entries(document.paths).find(([path, verbs]) => verbs.get && !path.includes("{") && path !== DOCUMENT)[0];
      const answer = await fetch(workspace.direct + path);
      equal(answer.status, 401, path);
      equal(answer.headers.get("content-type")?.startsWith("application/"), true, "a machine is answered in its own form");
    });
    await checks.check("schemathesis finds no server error and no answer that is not in the document", () => fuzz(workspace, file, token));
    await checks.check("after the fuzzing the server lives, the token still works, nothing panicked, and the ledger verifies", async () => {
      // A fuzzer that locked itself out on the way would have tested little.
      const answer = await fetch(`${workspace.direct}/api/v1/now`, { headers: { authorization: `Bearer ${token}` } });
      equal(answer.status, 200, "with the fuzzer's token");
      const said = workspace.said();
      holds(!/panicked/.test(said), `a panic was logged:\n${said.slice(-2_000)}`);
      workspace.run("takahashi", "--config", workspace.file, "ledger", "verify");
    });
  } finally {
    await workspace.close();
  }
}

async function lint(file) {
  const config = new URL("./redocly.yaml", import.meta.url).pathname;
  const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true", NO_COLOR: "1" };
  await run(redocly, ["lint", file, "--config", config, "--format", "stylish"], { env, maxBuffer: 16_000_000 }).catch((error) => {
    throw new Error(`${error.stdout}\n${error.stderr}`.slice(0, 6_000));
  });
}

async function fuzz(workspace, file, token) {
  const words = [
    "run", file, "--url", workspace.direct, "--header", `Authorization: Bearer ${token}`,
    "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
    "--phases", "examples,coverage,fuzzing", "--max-examples", process.env.HIKESHI_FUZZ ?? "25", "--seed", "20261122",
    "--continue-on-failure", "--warnings", "off", "--suppress-health-check", "all",
  ];
  const { stdout } = await run(schemathesis, words, { cwd: workspace.dir, maxBuffer: 64_000_000, timeout: 600_000 }).catch((error) => {
    throw new Error(`${error.stdout}\n${error.stderr}`.slice(0, 40_000));
  });
  console.log(stdout.split("\n").filter((line) => /Test cases|generated|passed|Operations/.test(line)).slice(-6).map((line) => `      ${line.trim()}`).join("\n"));
}
