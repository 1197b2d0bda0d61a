// Approvals that carry a signature, as people give them: by passkey on the page, and by an SSH signature that somebody else pastes.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Person, desktop, phone } from "../browser.js";
import { equal, holds } from "../checks.js";
import * as night from "../night.js";
import { Workspace } from "../workspace.js";

const keygen = (workspace, ...args) => execFileSync("ssh-keygen", args, { cwd: workspace.dir, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

// An authenticator in the browser, as on a phone with a finger on it.
async function authenticator(person) {
  const devtools = await person.context.newCDPSession(person.page);
  await devtools.send("WebAuthn.enable");
  const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", { options });
  return { devtools, authenticatorId };
}

export async function approvals(checks, browser) {
  for (const [name, size] of [["a phone", phone], ["a desktop", desktop]]) {
    await checks.check(`on ${name}: an approval is signed with a passkey, or brought as an SSH signature`, () => signed(browser, size));
  }
}

async function signed(browser, size) {
  const workspace = await Workspace.open(night.links, (text, dir) => {
    keygen({ dir }, "-q", "-t", "ed25519", "-N", "", "-f", "takahashi");
    const key = readFileSync(join(dir, "takahashi.pub"), "utf8").trim();
    return text.replace('roles = ["cto"]', `roles = ["cto"], ssh_keys = [{ key = "${key}" }]`);
  });
  try {
    const people = await night.gather(browser, workspace, size);
    const { takahashi, yamamoto } = people;
    const { devtools, authenticatorId } = await authenticator(takahashi);
    await takahashi.go("/people/me");
    await takahashi.page.locator("#passkey-add button").click();
    await takahashi.page.locator("#passkeys ul.cards li").first().waitFor();

    const incident = await night.openIncident(people);
    const first = await night.request(people, workspace, incident);
    await takahashi.go(`/emergencies/${first}`);
    // A finger that is not recognised signs nothing, and what was typed stays.
    await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
    const form = takahashi.page.locator('form:has(input[name="do"][value="emergency.approve_passkey"])');
    await takahashi.page.locator('details.act:has(input[value="emergency.approve_passkey"]) summary').click();
    await form.locator('[name="judgement"]').fill("全面停止のため緊急と判断する");
    await form.locator("button[type=submit]").click();
    await form.locator(".message:not(:empty)").waitFor();
    equal(await form.locator('[name="judgement"]').inputValue(), "全面停止のため緊急と判断する", "what was typed");
    equal(await form.locator('[name="assertion"]').inputValue(), "", "an assertion without its owner");
    await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
    await form.locator("button[type=submit]").click();
    await takahashi.page.locator("#receipt").waitFor();
    holds((await takahashi.text("#approvals")).includes("パスキー"), "the approval says that it is signed");

    // Another exception of the same night: the signature comes by chat, and a witness pastes it.
    const second = await night.request(people, workspace, incident);
    await yamamoto.go(`/emergencies/${second}`);
    const plan = await yamamoto.page.evaluate(async (path) => (await fetch(path)).text(), `/api/v1/emergencies/${second}/plan`);
    writeFileSync(join(workspace.dir, "plan.json"), plan);
    keygen(workspace, "-Y", "sign", "-q", "-n", "hikeshi-approve-v1", "-f", "takahashi", "plan.json");
    const signature = readFileSync(join(workspace.dir, "plan.json.sig"), "utf8");
    const fields = (text) => ({ signature: text, judgement: "電話で全面停止と聞いた" });
    await yamamoto.act("emergency.approve_signed", fields(signature.slice(0, 120)), { refused: true });
    holds((await yamamoto.text("#refused")).includes("E3"), "the refusal names rule E3");
    await yamamoto.act("emergency.approve_signed", fields(`髙橋です。承認します。\n${signature}`));
    const shown = await yamamoto.text("#approvals");
    holds(shown.includes("髙橋 美咲") && shown.includes("山本 大輔") && shown.includes("SHA256:"), `who approved and who brought it: ${shown}`);
    for (const person of [takahashi, yamamoto]) {
      equal(await person.overflow(), 0, `pixels beyond the screen at ${person.page.url()}`);
      equal(await person.axe("light"), [], "accessibility");
    }
    await night.part(people);
  } finally {
    await workspace.close();
  }
}
