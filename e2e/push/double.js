// A double of a push service and of the browsers behind it (RFC 8030): what is sent is decrypted with Mozilla's http_ece, as a browser does, and
// who sent it is checked by RFC 8292. proof.js has the npm package `web-push` agree with it.
//
// `node e2e/push/double.js` prints one line of JSON with its address and ends with its standard input. What the tests steer is under /control.
import { createECDH, createPublicKey, randomBytes, verify } from "node:crypto";
import { createServer } from "node:http";

import { load } from "../load.js";

const ece = load("http_ece");
const BYTES_MAX = 4_096;
const DAY_S = 86_400;
const CURVE = "prime256v1";

const plain = (text) => Buffer.from(text, "base64url");
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export class PushDouble {
  browsers = new Map();
  messages = [];
  answers = [];
  mode = "up";

  async open(port = 0) {
    this.server = createServer((request, response) => this.serve(request, response).catch((error) => response.writeHead(500).end(String(error?.stack ?? error))));
    await new Promise((done) => this.server.listen(port, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  // What PushManager.subscribe gives to a page.
  subscribe(key) {
    const [keys, auth, id] = [createECDH(CURVE), randomBytes(16), randomBytes(12).toString("base64url")];
    keys.generateKeys();
    const endpoint = `${this.url}/send/${id}`;
    this.browsers.set(id, { keys, auth, key });
    return { endpoint, p256dh: keys.getPublicKey("base64url"), auth: auth.toString("base64url") };
  }

  async serve(request, response) {
    const body = await read(request);
    if (request.url.startsWith("/control/")) return say(response, 200, await this.control(request.url.slice(9), body.length ? JSON.parse(body) : {}));
    if (this.mode === "dead") return undefined; // accepted, and never a word
    if (this.mode === "refusing") return request.socket.destroy();
    const asked = this.answers.shift();
    if (asked?.hold_ms) await pause(asked.hold_ms);
    if (asked?.status) return response.writeHead(asked.status, asked.retry_after ? { "retry-after": String(asked.retry_after) } : {}).end(asked.body ?? "");
    const [status, words] = this.take(request, body);
    const headers = status === 201 ? { location: `${this.url}/message/${this.messages.length}` } : {};
    return response.writeHead(status, headers).end(words);
  }

  // Status and words, as the services answer.
  take(request, body) {
    const id = /^\/send\/([\w-]+)$/.exec(request.url)?.[1];
    const browser = this.browsers.get(id);
    if (request.method !== "POST" || !id) return [404, "no such resource"];
    if (!browser) return [410, "push subscription has unsubscribed or expired."];
    const { ttl, urgency, topic, authorization, "content-encoding": encoding } = request.headers;
    if (!/^\d+$/.test(ttl ?? "")) return [400, "TTL"];
    if (urgency !== undefined && !["very-low", "low", "normal", "high"].includes(urgency)) return [400, "Urgency"];
    if (topic !== undefined && !/^[A-Za-z0-9_-]{1,32}$/.test(topic)) return [400, "Topic"];
    if (body.length > BYTES_MAX) return [413, "payload too large"];
    if (encoding !== "aes128gcm") return [415, "Content-Encoding"];
    const refused = this.refused(authorization ?? "", browser);
    if (refused) return [403, refused];
    let text;
    try {
      text = ece.decrypt(body, { version: "aes128gcm", privateKey: browser.keys, authSecret: browser.auth.toString("base64url") }).toString("utf8");
    } catch (error) {
      return [400, `cannot be decrypted: ${error.message}`];
    }
    this.messages.push({ id, ttl: Number(ttl), urgency, topic, bytes: body.length, claims: claims(authorization), text });
    return [201, ""];
  }

  // RFC 8292: signed by the key with which the browser subscribed, for this service, and not for long.
  refused(authorization, { key }) {
    const given = /^vapid t=([\w-]+)\.([\w-]+)\.([\w-]+),\s*k=([\w-]+)$/.exec(authorization);
    if (!given) return "authorization header";
    const [, head, body, signature, k] = given;
    if (k !== key) return "the key in the authorization header does not correspond to the sender id used to subscribe this user.";
    const { typ, alg } = JSON.parse(plain(head));
    if (typ !== "JWT" || alg !== "ES256") return "token head";
    const point = plain(k);
    const jwk = { kty: "EC", crv: "P-256", x: point.subarray(1, 33).toString("base64url"), y: point.subarray(33).toString("base64url") };
    const signer = createPublicKey({ key: jwk, format: "jwk" });
    if (!verify("sha256", Buffer.from(`${head}.${body}`), { key: signer, dsaEncoding: "ieee-p1363" }, plain(signature))) return "token signature";
    const { aud, exp, sub } = JSON.parse(plain(body));
    const left = exp - Date.now() / 1_000;
    if (aud !== this.url) return `token audience ${aud}`;
    if (!(left > 0 && left <= DAY_S)) return "token expiry";
    return /^(mailto:.+@.+|https:\/\/.+)$/.test(sub) ? null : "token subject";
  }

  async control(what, given) {
    switch (what) {
      case "subscribe":
        return this.subscribe(given.key);
      case "gone":
        return { gone: this.browsers.delete(given.endpoint.split("/").at(-1)) };
      case "answer":
        this.answers.push(...Array(given.count ?? 1).fill(given));
        return { waiting: this.answers.length };
      case "mode":
        this.mode = given.mode;
        return { mode: this.mode };
      case "messages":
        return { messages: this.messages };
      default:
        throw new Error(`no control ${what}`);
    }
  }
}

const claims = (authorization) => JSON.parse(plain(/t=[\w-]+\.([\w-]+)\./.exec(authorization)[1]));

function read(request) {
  return new Promise((done, failed) => {
    const parts = [];
    request.on("data", (part) => parts.push(part)).on("end", () => done(Buffer.concat(parts))).on("error", failed);
  });
}

function say(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

if (process.argv[1] === import.meta.filename) {
  const double = await new PushDouble().open();
  console.log(JSON.stringify({ url: double.url }));
  process.stdin.on("end", () => process.exit(0)).resume();
}
