// Where the pinned packages are: beside this file, or in the cache that ./test fills. ES modules do not look at NODE_PATH, so they are required.
import { createRequire } from "node:module";
import { join } from "node:path";

export const place = process.env.HIKESHI_E2E ?? import.meta.dirname;
export const load = createRequire(join(place, "e2e.js"));
