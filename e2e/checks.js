// Counts what was checked. A check is a sentence and a function that throws; the end is "N passed, N failed" on a line of its own.
export class Checks {
  passed = 0;
  failures = [];

  constructor(only) {
    this.only = only;
  }

  // What a check leaves behind is returned, so that later ones can build on it; after a failure it is undefined.
  async check(sentence, work, always = false) {
    if (!always && this.only && !sentence.includes(this.only)) return undefined;
    const began = Date.now();
    try {
      const left = await work();
      this.passed += 1;
      console.log(`ok    ${sentence} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
      return left;
    } catch (error) {
      this.failures.push(sentence);
      console.log(`FAIL  ${sentence}`);
      console.log(String(error?.stack ?? error).split("\n").slice(0, 120).map((line) => `      ${line}`).join("\n"));
      return undefined;
    }
  }

  end() {
    console.log(`${this.passed} passed, ${this.failures.length} failed`);
    return this.failures.length === 0 && this.passed > 0 ? 0 : 1;
  }
}

export function equal(found, wanted, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: found ${a}, wanted ${b}`);
}

export function holds(condition, what) {
  if (!condition) throw new Error(what);
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Asks again until the answer is truthy.
export async function until(what, within_ms, ask) {
  const end = Date.now() + within_ms;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not within ${within_ms} ms: ${what}`);
    await pause(50);
  }
}
