// GitHub's published OpenAPI document, cut to the operations that are used: everything else of it would only take time to read.
import { load } from "../load.js";

export const OPERATIONS = [
  ["git/get-ref", "/repos/{owner}/{repo}/git/ref/{ref}", "get"],
  ["git/create-ref", "/repos/{owner}/{repo}/git/refs", "post"],
  ["git/get-commit", "/repos/{owner}/{repo}/git/commits/{commit_sha}", "get"],
  ["git/create-commit", "/repos/{owner}/{repo}/git/commits", "post"],
  ["git/get-tree", "/repos/{owner}/{repo}/git/trees/{tree_sha}", "get"],
  ["git/create-tree", "/repos/{owner}/{repo}/git/trees", "post"],
  ["git/create-blob", "/repos/{owner}/{repo}/git/blobs", "post"],
  ["git/get-blob", "/repos/{owner}/{repo}/git/blobs/{file_sha}", "get"],
  ["pulls/list", "/repos/{owner}/{repo}/pulls", "get"],
  ["pulls/create", "/repos/{owner}/{repo}/pulls", "post"],
  ["pulls/get", "/repos/{owner}/{repo}/pulls/{pull_number}", "get"],
  ["repos/get", "/repos/{owner}/{repo}", "get"],
  ["repos/get-branch", "/repos/{owner}/{repo}/branches/{branch}", "get"],
  ["repos/get-branch-protection", "/repos/{owner}/{repo}/branches/{branch}/protection", "get"],
  ["repos/get-branch-rules", "/repos/{owner}/{repo}/rules/branches/{branch}", "get"],
  ["issues/get-label", "/repos/{owner}/{repo}/labels/{name}", "get"],
  ["issues/create-label", "/repos/{owner}/{repo}/labels", "post"],
  ["issues/add-labels", "/repos/{owner}/{repo}/issues/{issue_number}/labels", "post"],
];

export function published() {
  const whole = load("@octokit/openapi/generated/api.github.com.json");
  const paths = {};
  for (const [id, path, method] of OPERATIONS) {
    const operation = whole.paths[path][method];
    if (operation.operationId !== id) throw new Error(`${method} ${path} is ${operation.operationId}, not ${id}`);
    const withoutExamples = structuredClone(operation, {});
    withoutExamples.operationId = id.replace("/", "_");
    (paths[path] ??= { parameters: whole.paths[path].parameters })[method] = withoutExamples;
  }
  // Only what is referred to from there, directly or not.
  const components = {};
  const take = (value) => {
    if (Array.isArray(value)) return value.forEach(take);
    if (value === null || typeof value !== "object") return undefined;
    const [, kind, name] = /^#\/components\/(\w+)\/(.+)$/.exec(value.$ref ?? "") ?? [];
    if (kind && kind !== "examples" && !components[kind]?.[name]) {
      (components[kind] ??= {})[name] = whole.components[kind][name];
      take(components[kind][name]);
    }
    return Object.values(value).forEach(take);
  };
  take(paths);
  const bare = (value) => {
    if (Array.isArray(value)) return value.map(bare);
    if (value === null || typeof value !== "object") return value;
    // `nullable` without a type is allowed by OpenAPI 3.0 and unknown to the validator: the same, said as a choice.
    if (value.nullable === true && value.type === undefined) {
      const { nullable, ...rest } = value;
      return { anyOf: [bare(rest), { enum: [null] }] };
    }
    return Object.fromEntries(Object.entries(value).filter(([name, inner]) => !(name === "examples" && typeof inner === "object" && !Array.isArray(inner))).map(([name, inner]) => [name, bare(inner)]));
  };
  const definition = bare({ openapi: whole.openapi, info: whole.info, paths, components });
  const examples = Object.fromEntries(["pull-request", "pull-request-simple"].map((name) => [name, whole.components.examples[name]?.value ?? whole.components.examples["pull-request-simple-items"].value[0]]));
  for (const [name, example] of [["repository", "full-repository-default-response"], ["branch", "branch-get"], ["protection", "branch-protection"]]) examples[name] = whole.components.examples[example].value;
  return { definition, examples };
}
