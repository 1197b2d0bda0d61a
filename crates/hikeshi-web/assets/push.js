// Subscribing this browser to pages. Without this script the page says so, and removing works all the same.
(() => {
  "use strict";
  const form = document.getElementById("browser-add");
  if (!form) return;
  const message = form.querySelector(".message"), button = form.querySelector("button"), words = form.dataset;
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const say = (text) => { message.textContent = text; };
  const fit = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  form.hidden = false;
  if (!fit) {
    say(words.unfit);
    button.disabled = true;
    return;
  }
  // The worker holds no page and sees no request: its scope is a path below which nothing is.
  async function registered() {
    const registration = await navigator.serviceWorker.register("/push/worker.js", { scope: "/push/", updateViaCache: "none" });
    const worker = registration.active || registration.waiting || registration.installing;
    if (!registration.active && worker) await new Promise((done) => worker.addEventListener("statechange", () => worker.state === "activated" && done()));
    return registration;
  }
  async function subscribed(registration) {
    const applicationServerKey = bytes(words.key);
    const old = await registration.pushManager.getSubscription();
    const same = old && old.options.applicationServerKey && new Uint8Array(old.options.applicationServerKey).every((byte, at) => byte === applicationServerKey[at]);
    if (old && !same) await old.unsubscribe();
    return same ? old : registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    say("");
    button.disabled = true;
    try {
      if (await Notification.requestPermission() !== "granted") throw new Error(words.denied);
      const { endpoint, keys } = (await subscribed(await registered())).toJSON();
      const body = JSON.stringify({ label: form.elements.label.value, endpoint, p256dh: keys.p256dh, auth: keys.auth });
      const answer = await fetch("/contacts/browsers", { method: "POST", headers: { "content-type": "application/json", "x-hikeshi-token": words.token }, body });
      const given = await answer.json();
      if (!answer.ok) throw new Error([given.what, given.next].filter(Boolean).join(" "));
      location.href = given.to;
    } catch (error) {
      say(error instanceof DOMException ? words.failed : error.message || words.failed);
      button.disabled = false;
    }
  });
})();
