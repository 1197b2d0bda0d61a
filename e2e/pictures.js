// The pictures of the README, made from a real night: `node e2e/run.js pictures`.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { phone } from "./browser.js";
import * as night from "./night.js";
import { Workspace } from "./workspace.js";

const folder = fileURLToPath(new URL("../docs/images/", import.meta.url));

export async function pictures(checks, browser) {
  mkdirSync(folder, { recursive: true });
  await checks.check("the pictures of the README are taken", async () => {
    const workspace = await Workspace.open(night.links);
    try {
      const people = await night.gather(browser, workspace, { ...phone, deviceScaleFactor: 1.25 });
      const incident = await night.openIncident(people);
      const emergency = await night.request(people, workspace, incident);
      const approver = people.takahashi.page;
      await people.takahashi.go(`/emergencies/${emergency}`);
      await approver.locator('details.act:has(input[value="emergency.approve"]) summary').click();
      await approver.locator('form:has(input[value="emergency.approve"]) [name="judgement"]').fill("緊急と判断します。接続先だけの変更で、戻せます。");
      await approver.screenshot({ path: `${folder}approve-phone.png` });
      await night.approve(people, emergency);
      await night.join(people.suzuki, emergency);
      await night.join(people.yamamoto, emergency);
      await night.carryOut(people, workspace, emergency);
      await people.suzuki.page.setViewportSize({ width: 1000, height: 1150 });
      await people.suzuki.go(`/emergencies/${emergency}/watch`);
      await people.suzuki.page.screenshot({ path: `${folder}watch-desktop.png` });
      await night.part(people);
    } finally {
      await workspace.close();
    }
  });
}
