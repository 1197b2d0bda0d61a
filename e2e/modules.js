// What the checks in the browser need of the pinned packages.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { load, place } from "./load.js";

export const { chromium } = load("playwright-core");
export const axeSource = readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");
export const redocly = join(place, "node_modules", ".bin", "redocly");
