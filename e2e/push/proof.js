// Another make of sender against the double: what the npm package `web-push` sends is what the double takes, and what it must not take it does not.
// Nothing of hikeshi is here.
import { equal, holds } from "../checks.js";
import { load } from "../load.js";
import { PushDouble } from "./double.js";

const webpush = load("web-push");
const SUBJECT = "mailto:ops@example.jp";

export async function pushProof(checks) {
  const double = await new PushDouble().open();
  const ours = webpush.generateVAPIDKeys();
  const subscribed = () => {
    const { endpoint, p256dh, auth } = double.subscribe(ours.publicKey);
    return { endpoint, keys: { p256dh, auth } };
  };
  const send = async (to, text, { keys = ours, change = () => {}, ...options } = {}) => {
    const vapidDetails = { subject: SUBJECT, publicKey: keys.publicKey, privateKey: keys.privateKey };
    const details = webpush.generateRequestDetails(to, text, { vapidDetails, contentEncoding: "aes128gcm", TTL: 60, ...options });
    change(details);
    const { "Content-Length": _, ...headers } = details.headers;
    return (await fetch(details.endpoint, { method: details.method, headers, body: details.body })).status;
  };
  try {
    await checks.check("push double: what web-push sends is decrypted and its token is accepted", async () => {
      equal(await send(subscribed(), "止まった", { urgency: "high", topic: "incident-12" }), 201, "taken");
      const { text, urgency, topic, ttl, claims } = double.messages.at(-1);
      equal([text, urgency, topic, ttl, claims.sub, claims.aud], ["止まった", "high", "incident-12", 60, SUBJECT, double.url], "as it was sent");
    });
    await checks.check("push double: another key, another service, a spoilt message and a browser that is gone are refused", async () => {
      const count = double.messages.length;
      equal(await send(subscribed(), "x", { keys: webpush.generateVAPIDKeys() }), 403, "another key");
      equal(await send(subscribed(), "x", { change: (details) => { details.headers.Authorization = details.headers.Authorization.replace(/, ?k=/, "AAAA, k="); } }), 403, "a spoilt token");
      equal(await send(subscribed(), "x", { change: (details) => { details.body[details.body.length - 1] ^= 1; } }), 400, "a spoilt message");
      equal(await send(subscribed(), "x", { change: (details) => { delete details.headers.TTL; } }), 400, "no TTL");
      const gone = subscribed();
      await double.control("gone", gone);
      equal(await send(gone, "x"), 410, "gone");
      holds(double.messages.length === count, "none of it came through");
    });
  } finally {
    await double.close();
  }
}
