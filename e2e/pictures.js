// The pictures of the README, made from a real night: `node e2e/run.js pictures`.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { desktop, phone } from "./browser.js";
import * as night from "./night.js";
import { Workspace } from "./workspace.js";

const folder = fileURLToPath(new URL("../docs/images/", import.meta.url));

export async function pictures(checks, browser) {
  mkdirSync(folder, { recursive: true });
  await checks.check("the pictures of the README are taken", async () => {
    const workspace = await Workspace.open(night.links);
    try {
      const people = await night.gather(browser, workspace, { ...phone, deviceScaleFactor: 1.5 });
      const incident = await night.openIncident(people);
      const emergency = await night.request(people, workspace, incident);
      await people.takahashi.go(`/emergencies/${emergency}`);
      await people.takahashi.page.screenshot({ path: `${folder}approve-phone.png` });
      await night.approve(people, emergency);
      await night.join(people.suzuki, emergency);
      await night.join(people.yamamoto, emergency);
      await night.carryOut(people, workspace, emergency);
      await people.sato.page.setViewportSize(desktop.viewport);
      await people.sato.go(`/emergencies/${emergency}`);
      await people.sato.page.screenshot({ path: `${folder}exception-desktop.png` });
      await people.watanabe.page.setViewportSize(desktop.viewport);
      await people.watanabe.go("/");
      await people.watanabe.page.screenshot({ path: `${folder}now-desktop.png` });
      await night.part(people);
    } finally {
      await workspace.close();
    }
  });
}
