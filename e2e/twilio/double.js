// A double of Twilio: takes orders for messages and calls as its API does, and then is the network and the telephone: it calls back, signed by
// the vendor's own SDK, reads the document of a call, speaks it, and presses keys. What an order may hold is read out of the SDK (published.js),
// and proof.js has the SDK agree with it.
//
// `node e2e/twilio/double.js` prints one line of JSON and ends with its standard input; /control steers it.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";

import { load } from "../load.js";
import { published } from "./published.js";

const { getExpectedTwilioSignature } = load("twilio/lib/webhooks/webhooks");

const ACCOUNT = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const TOKEN = "a-token-for-the-telephone";
const sid = (kind) => kind + randomBytes(16).toString("hex");
// What a telephone does when nobody has said otherwise: messages arrive, calls are answered and nobody presses anything.
const USUAL = { message: "delivered", call: "answered", keys: [] };

export class TwilioDouble {
  constructor() {
    Object.assign(this, { account: ACCOUNT, token: TOKEN, rules: published() });
    this.messages = [];
    this.calls = [];
    this.spoken = [];
    this.answers = [];
    this.failing = [];
    this.violations = [];
    this.phones = new Map();
  }

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

  async serve(request, response) {
    const url = new URL(request.url, this.url);
    const text = await read(request);
    if (url.pathname.startsWith("/control/")) return say(response, 200, await this.control(url.pathname.slice(9), text ? JSON.parse(text) : {}));
    const failure = this.failing.find((one) => one.count > 0 && url.pathname.includes(one.call ?? ""));
    if (failure) {
      failure.count -= 1;
      if (failure.hang) return undefined;
      if (failure.status) return say(response, failure.status, failure.body ?? problem(failure.status, failure.code ?? 20500, failure.message ?? "told to fail"));
    }
    const [status, body] = this.act(request, url, text);
    return say(response, status, body);
  }

  act(request, url, text) {
    const given = Buffer.from((request.headers.authorization ?? "").replace(/^Basic /, ""), "base64").toString();
    if (given !== `${this.account}:${this.token}`) return [401, problem(401, 20003, "Authenticate")];
    const [, account, resource, id] = url.pathname.match(/^\/2010-04-01\/Accounts\/(\w+)\/(Messages|Calls)(?:\/(\w+))?\.json$/) ?? [];
    if (account !== this.account) return [404, problem(404, 20404, `The requested resource ${url.pathname} was not found`)];
    const known = resource === "Messages" ? this.messages : this.calls;
    if (request.method === "GET") {
      const one = known.find((other) => other.resource.sid === id);
      return one ? [200, one.resource] : [404, problem(404, 20404, `The requested resource ${url.pathname} was not found`)];
    }
    if (request.method !== "POST" || id) return [405, problem(405, 20004, "Method not allowed")];
    if (!request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded")) return [400, problem(400, 20001, "A form is wanted")];
    return this.order(resource, known, new URLSearchParams(text));
  }

  order(resource, known, form) {
    const { taken, required } = this.rules.orders[resource];
    for (const name of form.keys()) if (!taken.has(name)) this.violations.push(`${resource} has no field ${name}`);
    const missing = required.find((name) => !form.get(name));
    if (missing) return [400, problem(400, resource === "Messages" ? 21604 : 21201, `A '${missing}' phone number is required.`)];
    const [to, from] = [form.get("To"), form.get("From") ?? null];
    if (!/^\+[1-9]\d{7,14}$/.test(to)) return [400, problem(400, 21211, `The 'To' number ${to} is not a valid phone number.`)];
    if (!/^\+[1-9]\d{7,14}$/.test(from ?? "")) return [400, problem(400, resource === "Messages" ? 21603 : 21212, `The 'From' number ${from} is not a valid phone number.`)];
    const phone = { ...USUAL, ...this.phones.get(to) };
    if (resource === "Messages") {
      const body = form.get("Body") ?? "";
      if (!body && !form.get("MediaUrl") && !form.get("ContentSid")) return [400, problem(400, 21602, "Message body is required.")];
      if (body.length > 1600) return [400, problem(400, 21617, "The concatenated message body exceeds the 1600 character limit.")];
      const one = { resource: message(this.account, to, from, body), form };
      known.push(one);
      this.later(() => this.arrives(one, phone.message));
      return [201, one.resource];
    }
    if (!form.get("Url") && !form.get("Twiml") && !form.get("ApplicationSid")) return [400, problem(400, 21205, "Url is required.")];
    for (const event of form.getAll("StatusCallbackEvent")) if (!["initiated", "ringing", "answered", "completed"].includes(event)) this.violations.push(`no event ${event}`);
    const one = { resource: call(this.account, to, from), form };
    known.push(one);
    this.later(() => this.rings(one, phone));
    return [201, one.resource];
  }

  // After the answer to the order, and never in its way.
  later(work) {
    setTimeout(() => work().catch((error) => this.violations.push(String(error?.stack ?? error))), 20);
  }

  async arrives(one, what) {
    if (what === "nothing") return;
    const [status, code] = what.split(" ");
    for (const step of ["sent", status]) {
      one.resource.status = step;
      const fields = { MessageSid: one.resource.sid, MessageStatus: step, SmsSid: one.resource.sid, SmsStatus: step, To: one.resource.to, From: one.resource.from, ...(code && step === status ? { ErrorCode: code } : {}) };
      await this.callback(one, fields);
    }
  }

  async rings(one, { call: what, keys }) {
    if (what === "nothing") return;
    const events = new Set(one.form.getAll("StatusCallbackEvent"));
    const base = { CallSid: one.resource.sid, To: one.resource.to, From: one.resource.from, Called: one.resource.to, Caller: one.resource.from, Direction: "outbound-api", CallerState: "" };
    let number = 0;
    const tell = (event, CallStatus, more = {}) => {
      one.resource.status = CallStatus;
      return events.has(event) ? this.callback(one, { ...base, CallStatus, CallbackSource: "call-progress-events", SequenceNumber: String(number++), Timestamp: new Date().toUTCString(), ...more }) : undefined;
    };
    await tell("initiated", "initiated");
    await tell("ringing", "ringing");
    if (what === "answered") {
      await tell("answered", "in-progress");
      await this.talks(one, base, [...keys]);
    }
    await tell("completed", what === "answered" ? "completed" : what, { CallDuration: "9", Duration: "1", ...(what === "failed" ? { SipResponseCode: "404" } : {}) });
  }

  // The document of the call, spoken to the end or until somebody hangs up; a key goes where its Gather says.
  async talks(one, base, keys) {
    let [url, fields] = [one.form.get("Url"), {}];
    for (let turn = 0; url && turn < 20; turn += 1) {
      const { status, type, body } = await this.post(url, { ...base, CallStatus: "in-progress", ...fields });
      if (status !== 200 || !type.startsWith("text/xml")) return void this.violations.push(`the document of a call: ${status} ${type}`);
      [url, fields] = [null, {}];
      for (const verb of this.document(body)) {
        if (verb.name === "Say") this.spoken.push({ to: one.resource.to, text: verb.text });
        if (verb.name === "Hangup") return;
        if (verb.name === "/Gather" && keys.length > 0) {
          [url, fields] = [verb.attributes.action, { Digits: keys.shift(), msg: "Gather End" }];
          break;
        }
      }
    }
  }

  // The verbs of a document, one after the other; a Gather is met where it ends, since a key is waited for there.
  document(xml) {
    const inner = xml.match(/^<\?xml version="1.0" encoding="UTF-8"\?>\s*<Response>([\s\S]*)<\/Response>$/)?.[1];
    if (inner === undefined) return this.violations.push(`no document: ${xml}`) && [];
    const verbs = [];
    let gather;
    for (const [, end, name, given, empty, text] of inner.matchAll(/<(\/?)(\w+)((?:\s+[\w-]+="[^"]*")*)\s*(\/?)>([^<]*)/g)) {
      const attributes = Object.fromEntries([...given.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, plain(value)]));
      if (name !== "Message") this.published(name, attributes, end);
      if (Buffer.byteLength(encodeURIComponent(text)) > 4500) this.violations.push("a sentence of more than 4500 bytes");
      if (name === "Gather") gather = end ? (verbs.push({ name: "/Gather", attributes: gather }), undefined) : attributes;
      else if (!end) verbs.push({ name, attributes, text: plain(text), inside: Boolean(gather), empty: Boolean(empty) });
    }
    return verbs;
  }

  published(name, attributes, end) {
    const known = this.rules.verbs[name];
    if (!known) this.violations.push(`no verb ${name}`);
    for (const attribute of Object.keys(attributes)) if (!known?.has(attribute)) this.violations.push(`${name} has no ${attribute}`);
    if (name === "Say" && !end && !(this.rules.voices.has(attributes.voice) && this.rules.languages.has(attributes.language))) this.violations.push(`no voice ${attributes.voice} in ${attributes.language}`);
  }

  callback(one, fields) {
    const url = one.form.get("StatusCallback");
    return url ? this.post(url, fields) : undefined;
  }

  async post(url, given, signature) {
    const fields = { AccountSid: this.account, ApiVersion: "2010-04-01", ...given };
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded; charset=UTF-8", "x-twilio-signature": signature ?? getExpectedTwilioSignature(this.token, url, fields), "i-twilio-idempotency-token": sid("") },
      body: new URLSearchParams(fields).toString(),
    });
    const answer = { url, status: response.status, type: response.headers.get("content-type") ?? "", body: await response.text() };
    this.answers.push({ ...answer, fields });
    return answer;
  }

  async control(what, given) {
    switch (what) {
      case "fail":
        this.failing.push({ count: 1, ...given });
        return {};
      case "phone":
        this.phones.set(given.number, given);
        return {};
      case "messages":
        return { messages: this.messages.map(({ resource, form }) => ({ ...resource, form: Object.fromEntries(form) })) };
      case "calls":
        return { calls: this.calls.map(({ resource, form }) => ({ ...resource, form: Object.fromEntries(form) })) };
      case "spoken":
      case "answers":
      case "violations":
        return { [what]: this[what] };
      case "post":
        return this.post(given.url, given.fields, given.signature);
      case "text": {
        const answer = await this.post(given.url, { MessageSid: sid("SM"), From: given.from, To: given.to ?? "+815000000000", Body: given.body, NumMedia: "0", ...given.more });
        return { status: answer.status, said: answer.status === 200 ? this.document(answer.body).map((verb) => verb.text) : [] };
      }
      default:
        throw new Error(`no control ${what}`);
    }
  }
}

const now = () => new Date().toUTCString().replace("GMT", "+0000");
const problem = (status, code, message) => ({ code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status });
const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&apos;", "'").replaceAll("&amp;", "&");

function message(account_sid, to, from, body) {
  const id = sid("SM");
  const uri = `/2010-04-01/Accounts/${account_sid}/Messages/${id}.json`;
  return { account_sid, api_version: "2010-04-01", body, date_created: now(), date_sent: null, date_updated: now(), direction: "outbound-api", error_code: null, error_message: null, from, messaging_service_sid: null, num_media: "0", num_segments: String(Math.ceil(body.length / 67)), price: null, price_unit: "USD", sid: id, status: "queued", subresource_uris: { media: uri.replace(".json", "/Media.json") }, to, uri };
}

function call(account_sid, to, from) {
  const id = sid("CA");
  const uri = `/2010-04-01/Accounts/${account_sid}/Calls/${id}.json`;
  const nothing = ["annotation", "answered_by", "caller_name", "duration", "end_time", "forwarded_from", "group_sid", "parent_call_sid", "price", "start_time", "trunk_sid"];
  return { ...Object.fromEntries(nothing.map((name) => [name, null])), account_sid, api_version: "2010-04-01", date_created: now(), date_updated: now(), direction: "outbound-api", from, from_formatted: from, phone_number_sid: sid("PN"), price_unit: "USD", queue_time: "0", sid: id, status: "queued", subresource_uris: {}, to, to_formatted: to, uri };
}

function read(request) {
  return new Promise((done, failed) => {
    const parts = [];
    request.on("data", (part) => parts.push(part)).on("end", () => done(Buffer.concat(parts).toString("utf8"))).on("error", failed);
  });
}

function say(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

if (process.argv[1] === import.meta.filename) {
  const double = await new TwilioDouble().open();
  console.log(JSON.stringify({ url: double.url, account: double.account, token: double.token }));
  process.stdin.on("end", () => process.exit(0)).resume();
}
