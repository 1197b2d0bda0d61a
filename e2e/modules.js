// Where the pinned tools are: beside this file, or in the cache that ./test fills. ES modules do not look at NODE_PATH, so they are required.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const place = process.env.HIKESHI_E2E ?? import.meta.dirname;
const require = createRequire(join(place, "e2e.js"));

export const { chromium } = require("playwright-core");
export const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
export const redocly = join(place, "node_modules", ".bin", "redocly");
