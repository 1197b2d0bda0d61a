// Real Chromium, real fuzzer, real command line against a real `hikeshi serve`: node e2e/run.js <what> [words of a check].
// `pages` is signin, nights, approvals, alerts, changes, merging, monitors, oncall, webpush, status, live, session, reports, rehearsal and every together; the others are api, doubles and pictures.
import { Checks } from "./checks.js";
import { api } from "./api.js";
import { open } from "./browser.js";
import { everyPage, noPageForgotten } from "./pages/every.js";
import { alerts } from "./pages/alerts.js";
import { approvals } from "./pages/approvals.js";
import { merging } from "./pages/merging.js";
import { monitors } from "./pages/monitors.js";
import { oncall } from "./pages/oncall.js";
import { changes } from "./pages/changes.js";
import { live } from "./pages/live.js";
import { signIn, wholeNights } from "./pages/night.js";
import { rehearsal } from "./pages/rehearsal.js";
import { reports } from "./pages/reports.js";
import { status } from "./pages/status.js";
import { webpush } from "./pages/webpush.js";
import { session } from "./pages/session.js";
import { pictures } from "./pictures.js";
import { githubProof } from "./github/proof.js";
import { slackProof } from "./slack/proof.js";
import { pushProof } from "./push/proof.js";
import { twilioProof } from "./twilio/proof.js";

const [what = "pages", only] = process.argv.slice(2);
const checks = new Checks(only);

const inBrowser = async (...works) => {
  const browser = await open();
  try {
    for (const work of works) {
      // A work that breaks outside of its checks is a failed check, and the others still run.
      await work(checks, browser).catch((error) => checks.check(`${work.name} begins`, () => Promise.reject(error), true));
    }
  } finally {
    await browser.close();
  }
};

const works = {
  pages: () => inBrowser(noPageForgotten, signIn, wholeNights, approvals, alerts, changes, merging, monitors, oncall, webpush, status, live, session, reports, rehearsal, everyPage),
  signin: () => inBrowser(signIn),
  nights: () => inBrowser(wholeNights),
  approvals: () => inBrowser(approvals),
  alerts: () => inBrowser(alerts),
  changes: () => inBrowser(changes),
  merging: () => inBrowser(merging),
  monitors: () => inBrowser(monitors),
  oncall: () => inBrowser(oncall),
  webpush: () => inBrowser(webpush),
  live: () => inBrowser(live),
  status: () => inBrowser(status),
  session: () => inBrowser(session),
  reports: () => inBrowser(reports),
  rehearsal: () => inBrowser(rehearsal),
  every: () => inBrowser(noPageForgotten, everyPage),
  pictures: () => inBrowser(pictures),
  api: () => api(checks),
  doubles: async () => {
    await slackProof(checks);
    await githubProof(checks);
    await twilioProof(checks);
    await pushProof(checks);
  },
};

if (!works[what]) {
  console.error(`there is no '${what}'; there are: ${Object.keys(works).join(" ")}`);
  process.exit(2);
}
await works[what]().catch((error) => checks.check(`${what} begins`, () => Promise.reject(error), true));
process.exit(checks.end());
