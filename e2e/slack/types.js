// Messages as JSON on standard input, against the vendor's own types: the TypeScript compiler says whether every block is one.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { place } from "../load.js";

const messages = JSON.parse(await text(process.stdin));
const dir = mkdtempSync(join(tmpdir(), "hikeshi-types-"));
try {
  symlinkSync(join(place, "node_modules"), join(dir, "node_modules"));
  const all = messages.map((message) => message.blocks);
  const code = `import type { KnownBlock } from "@slack/types";\n\nexport const messages = ${JSON.stringify(all)} satisfies KnownBlock[][];\n`;
  writeFileSync(join(dir, "messages.ts"), code);
  const options = { compilerOptions: { strict: true, noEmit: true, target: "es2022", module: "nodenext", types: [], skipLibCheck: true }, files: ["messages.ts"] };
  writeFileSync(join(dir, "tsconfig.json"), JSON.stringify(options));
  writeFileSync(join(dir, "package.json"), JSON.stringify({ type: "module" }));
  const done = spawnSync(join(place, "node_modules", ".bin", "tsc"), ["--project", dir], { encoding: "utf8" });
  process.stdout.write(done.stdout ?? "");
  process.stderr.write(done.stderr ?? "");
  process.exitCode = done.status ?? 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
