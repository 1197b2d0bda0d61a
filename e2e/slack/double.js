// A double of Slack, where the real one cannot be: Web API, Socket Mode, signed requests. proof.js has the vendor's own SDK agree with it.
//
// `node e2e/slack/double.js` prints one line of JSON with its addresses and ends with its standard input. What the tests steer is under
// /control: modes, failures, presses of buttons, and what was posted. Its limits are those that Slack documents.
import { createHmac, randomBytes } from "node:crypto";
import { createServer } from "node:http";

import { load } from "../load.js";
import { wrongBlocks } from "./limits.js";
import { world } from "./world.js";

const { WebSocketServer } = load("ws");

const SCOPES = "chat:write,channels:read,channels:history,groups:read,groups:history,usergroups:read,users:read,users:read.email";
const ERRORS_WITHOUT_TOKEN = { ok: false, error: "not_authed" };

export class SlackDouble {
  constructor({ botToken = "xoxb-double", appToken = "xapp-double", signingSecret = "double-signing-secret" } = {}) {
    Object.assign(this, { botToken, appToken, signingSecret }, world());
    this.calls = [];
    this.acks = [];
    this.ephemerals = [];
    this.views = new Map();
    this.triggers = new Map();
    this.failing = [];
    this.mode = "up";
    this.scopes = SCOPES;
    this.requestUrl = null;
    this.limited = false;
    this.sent = new Map();
    this.lastTs = 0;
    this.waitingAcks = new Map();
  }

  async open(port = 0) {
    this.server = createServer((request, response) => this.serve(request, response).catch((error) => {
      response.writeHead(500, { "content-type": "text/plain" }).end(String(error?.stack ?? error));
    }));
    this.sockets = new WebSocketServer({ noServer: true });
    this.server.on("upgrade", (request, socket, head) => {
      if (this.mode !== "up" || !request.url.startsWith("/link/?ticket=")) return socket.destroy();
      this.sockets.handleUpgrade(request, socket, head, (connection) => this.greet(connection));
    });
    await new Promise((done) => this.server.listen(port, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  async close() {
    for (const connection of this.sockets.clients) connection.terminate();
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  // --- HTTP -----------------------------------------------------------------------------------------------------------------------

  async serve(request, response) {
    const url = new URL(request.url, this.url);
    const body = await read(request);
    if (url.pathname.startsWith("/control/")) return answer(response, 200, await this.control(url.pathname.slice(9), body ? JSON.parse(body) : {}));
    if (this.mode === "down") return answer(response, 503, "Service Unavailable");
    if (this.mode === "refusing") return request.socket.destroy();
    if (this.mode === "dead") return undefined; // accepted, and never a word
    if (this.mode === "slow") await pause(this.delayMs);
    const method = url.pathname.replace(/^\/api\//, "");
    const given = { ...Object.fromEntries(url.searchParams), ...parsed(request.headers["content-type"] ?? "", body) };
    const token = (request.headers.authorization ?? "").replace(/^Bearer /, "") || given.token;
    this.calls.push({ method, at: Date.now(), channel: given.channel });
    const failure = this.failing.find((failing) => failing.count > 0 && (!failing.method || failing.method === method) && (!failing.channel || failing.channel === given.channel));
    if (failure) {
      failure.count -= 1;
      if (failure.loseAnswer || failure.holdMs || failure.truncate) {
        const done = this.act(method, given, token);
        if (failure.loseAnswer) return request.socket.destroy();
        if (failure.truncate) return cutOff(response, done);
        await pause(failure.holdMs);
        return answer(response, 200, done, { "x-oauth-scopes": this.scopes });
      }
      if (failure.status) return answer(response, failure.status, failure.body ?? { ok: false, error: "ratelimited" }, failure.retryAfter ? { "retry-after": String(failure.retryAfter) } : {});
      return answer(response, 200, failure.body ?? { ok: false, error: failure.error });
    }
    const wait = this.limit(method, given.channel);
    if (wait > 0) return answer(response, 429, { ok: false, error: "ratelimited" }, { "retry-after": String(wait) });
    return answer(response, 200, this.act(method, given, token), { "x-oauth-scopes": this.scopes });
  }

  // One message a second and channel, with a burst of three: what Slack documents as the special tier of chat.postMessage.
  limit(method, channel) {
    if (!this.limited || method !== "chat.postMessage") return 0;
    const now = Date.now();
    const recent = (this.sent.get(channel) ?? []).filter((at) => now - at < 3_000);
    if (recent.length >= 3) return Math.ceil((3_000 - (now - recent[0])) / 1_000);
    this.sent.set(channel, [...recent, now]);
    return 0;
  }

  act(method, given, token) {
    if (method === "api.test") return { ok: true };
    if (!token) return ERRORS_WITHOUT_TOKEN;
    if (method === "apps.connections.open") {
      if (token !== this.appToken) return { ok: false, error: token === this.botToken ? "not_allowed_token_type" : "invalid_auth" };
      return { ok: true, url: `${this.url.replace("http", "ws")}/link/?ticket=${randomBytes(8).toString("hex")}&app_id=A0DOUBLE` };
    }
    if (token !== this.botToken) return { ok: false, error: token === this.appToken ? "not_allowed_token_type" : "invalid_auth" };
    const act = METHODS[method];
    return act ? act.call(this, given) : { ok: false, error: "unknown_method", req_method: method };
  }

  channel(given) {
    const wanted = String(given ?? "").replace(/^#/, "");
    return this.channels.find((channel) => channel.id === wanted || channel.name === wanted);
  }

  // A user's id instead of a channel's opens the direct message with them, as chat.postMessage documents it.
  direct(given) {
    const user = this.users.find((one) => one.id === given);
    if (!user) return this.channel(given);
    const id = `D0${user.id.slice(2)}`;
    if (!this.channel(id)) this.channels.push({ id, name: "directmessage", user: user.id, is_im: true, is_member: true, is_archived: false, messages: [] });
    return this.channel(id);
  }

  // --- Socket Mode and signed requests --------------------------------------------------------------------------------------------

  greet(connection) {
    connection.send(JSON.stringify({
      type: "hello",
      num_connections: this.sockets.clients.size,
      debug_info: { host: "double", build_number: 1, approximate_connection_time: 18_060 },
      connection_info: { app_id: "A0DOUBLE" },
    }));
    connection.on("message", (data) => {
      const said = JSON.parse(data.toString());
      this.acks.push(said);
      this.waitingAcks.get(said.envelope_id)?.(said.payload ?? null);
    });
  }

  async deliver(type, payload) {
    if (this.requestUrl) return this.signed(type, payload);
    const connection = [...this.sockets.clients].find((one) => one.readyState === 1);
    if (!connection) return { delivered: false, why: "nobody is connected" };
    const envelope_id = `${randomBytes(4).toString("hex")}-envelope`;
    const acked = new Promise((done) => this.waitingAcks.set(envelope_id, done));
    const envelope = { envelope_id, type, accepts_response_payload: type === "interactive", payload };
    connection.send(JSON.stringify(envelope));
    const late = Symbol("late");
    const said = await Promise.race([acked, pause(3_000).then(() => late)]);
    this.lastEnvelope = envelope;
    return said === late ? { delivered: true, acked: false } : { delivered: true, acked: true, payload: said };
  }

  async signed(type, payload) {
    const interactive = type === "interactive";
    const body = interactive ? new URLSearchParams({ payload: JSON.stringify(payload) }).toString() : JSON.stringify(payload);
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const signature = `v0=${createHmac("sha256", this.signingSecret).update(`v0:${timestamp}:${body}`).digest("hex")}`;
    const url = interactive ? this.requestUrl.actions : this.requestUrl.events;
    const headers = { "content-type": interactive ? "application/x-www-form-urlencoded" : "application/json", "x-slack-request-timestamp": timestamp, "x-slack-signature": signature };
    const came = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(3_000) });
    const text = await came.text();
    return { delivered: true, acked: came.status === 200, status: came.status, payload: text.startsWith("{") ? JSON.parse(text) : text };
  }

  who(id) {
    const user = this.users.find((one) => one.id === id || one.name === id);
    return user ?? { id, name: id };
  }

  trigger() {
    const trigger_id = `${Date.now()}.${randomBytes(4).toString("hex")}`;
    this.triggers.set(trigger_id, Date.now());
    return trigger_id;
  }

  // --- Control --------------------------------------------------------------------------------------------------------------------

  async control(what, given) {
    switch (what) {
      case "mode":
        this.mode = given.mode;
        this.delayMs = given.delay_ms ?? 0;
        if (this.mode !== "up") for (const connection of this.sockets.clients) connection.terminate();
        return { mode: this.mode };
      case "fail":
        this.failing.push({ count: given.count ?? 1, method: given.method, channel: given.channel, error: given.error, status: given.status, retryAfter: given.retry_after, loseAnswer: given.lose_answer, holdMs: given.hold_ms, truncate: given.truncate, body: given.body });
        return { failing: this.failing.length };
      case "limit":
        this.limited = given.on;
        return { limited: this.limited };
      case "scopes":
        this.scopes = given.scopes;
        return { scopes: this.scopes };
      case "requests":
        this.requestUrl = given.actions ? given : null;
        return { requests: this.requestUrl };
      case "leave":
        this.channel(given.channel).is_member = false;
        return { left: given.channel };
      case "refresh":
        for (const connection of this.sockets.clients) {
          connection.send(JSON.stringify({ type: "disconnect", reason: given.reason ?? "refresh_requested", debug_info: { host: "double" } }));
          setTimeout(() => connection.close(), given.after_ms ?? 100);
        }
        return { refreshed: this.sockets.clients.size };
      case "messages":
        return { messages: this.channels.flatMap((channel) => channel.messages.map((message) => ({ channel: channel.is_im ? channel.id : channel.name, ...message }))) };
      case "calls":
        return { calls: this.calls };
      case "ephemerals":
        return { ephemerals: this.ephemerals };
      case "views":
        return { views: [...this.views.values()] };
      case "connected":
        return { connected: this.sockets.clients.size };
      case "press":
        return this.press(given);
      case "submit":
        return this.submit(given);
      case "event":
        return this.deliver("events_api", { token: "verification", team_id: this.team.id, type: "event_callback", event: given.event, event_id: "Ev0DOUBLE", event_time: Math.floor(Date.now() / 1_000) });
      case "again":
        // The same envelope once more, as Slack does when an answer was late.
        return this.deliver(this.lastEnvelope.type, this.lastEnvelope.payload);
      default:
        throw new Error(`no control ${what}`);
    }
  }

  async press({ user, action_id, channel, ts }) {
    const place = this.channel(channel);
    const message = place.messages.find((one) => one.ts === ts);
    if (!message) return { delivered: false, why: "no such message" };
    const block = (message.blocks ?? []).find((one) => one.type === "actions" && one.elements.some((element) => element.action_id === action_id));
    if (!block) return { delivered: false, why: "no such button" };
    const element = block.elements.find((one) => one.action_id === action_id);
    const trigger_id = this.trigger();
    const { id, name } = this.who(user);
    return this.deliver("interactive", {
      type: "block_actions",
      user: { id, username: name, name, team_id: this.team.id },
      api_app_id: "A0DOUBLE",
      token: "verification",
      container: { type: "message", message_ts: ts, channel_id: place.id, is_ephemeral: false },
      trigger_id,
      team: this.team,
      enterprise: null,
      is_enterprise_install: false,
      channel: { id: place.id, name: place.name },
      message: { type: "message", ...message },
      state: { values: {} },
      response_url: `${this.url}/api/response/${trigger_id}`,
      actions: [{ action_id, block_id: block.block_id, text: element.text, value: element.value, type: element.type, action_ts: this.ts() }],
    });
  }

  async submit({ user, view_id, values }) {
    const view = view_id ? this.views.get(view_id) : [...this.views.values()].at(-1);
    if (!view) return { delivered: false, why: "no view is open" };
    const state = {};
    for (const block of view.blocks.filter((one) => one.type === "input")) {
      const { action_id, type } = block.element;
      state[block.block_id] = { [action_id]: { type, value: values[block.block_id] ?? null } };
    }
    const { id, name } = this.who(user);
    const answered = await this.deliver("interactive", {
      type: "view_submission",
      team: this.team,
      user: { id, username: name, name, team_id: this.team.id },
      api_app_id: "A0DOUBLE",
      token: "verification",
      trigger_id: this.trigger(),
      view: { ...view, state: { values: state } },
      response_urls: [],
      is_enterprise_install: false,
      enterprise: null,
    });
    if (answered.acked && answered.payload?.response_action !== "errors") this.views.delete(view.id);
    return answered;
  }

  ts() {
    const now = Math.max(this.lastTs + 1, Date.now() * 1_000);
    this.lastTs = now;
    return `${Math.floor(now / 1_000_000)}.${String(now % 1_000_000).padStart(6, "0")}`;
  }
}

const METHODS = {
  "auth.test"() {
    return { ok: true, url: `${this.url}/`, team: this.team.domain, user: "hikeshi", team_id: this.team.id, user_id: "U0HIKESHI", bot_id: "B0HIKESHI", is_enterprise_install: false };
  },
  "chat.postMessage"(given) {
    const channel = this.direct(given.channel);
    if (!channel) return { ok: false, error: "channel_not_found" };
    if (channel.is_archived) return { ok: false, error: "is_archived" };
    if (!channel.is_member) return { ok: false, error: "not_in_channel" };
    const wrong = this.wrongMessage(given);
    if (wrong) return wrong;
    if (given.thread_ts && !channel.messages.some((one) => one.ts === given.thread_ts)) return { ok: false, error: "thread_not_found" };
    const ts = this.ts();
    const message = { type: "message", user: "U0HIKESHI", bot_id: "B0HIKESHI", app_id: "A0DOUBLE", ts, text: given.text ?? "", blocks: given.blocks ?? [] };
    if (given.metadata) message.metadata = given.metadata;
    if (given.thread_ts) Object.assign(message, { thread_ts: given.thread_ts, ...(given.reply_broadcast ? { subtype: "thread_broadcast" } : {}) });
    channel.messages.push(message);
    return { ok: true, channel: channel.id, ts, message };
  },
  "chat.update"(given) {
    const channel = this.channel(given.channel);
    if (!channel) return { ok: false, error: "channel_not_found" };
    const message = channel.messages.find((one) => one.ts === given.ts);
    if (!message) return { ok: false, error: "message_not_found" };
    const wrong = this.wrongMessage(given);
    if (wrong) return wrong;
    Object.assign(message, { text: given.text ?? message.text, blocks: given.blocks ?? message.blocks, edited: { user: "U0HIKESHI", ts: this.ts() } });
    if (given.metadata) message.metadata = given.metadata;
    return { ok: true, channel: channel.id, ts: message.ts, text: message.text, message };
  },
  "chat.postEphemeral"(given) {
    const channel = this.channel(given.channel);
    if (!channel) return { ok: false, error: "channel_not_found" };
    if (!this.users.some((user) => user.id === given.user)) return { ok: false, error: "user_not_in_channel" };
    const wrong = this.wrongMessage(given);
    if (wrong) return wrong;
    const message_ts = this.ts();
    this.ephemerals.push({ channel: channel.is_im ? channel.id : channel.name, user: given.user, text: given.text, thread_ts: given.thread_ts, message_ts });
    return { ok: true, message_ts };
  },
  "conversations.list"(given) {
    const shown = this.channels.filter((channel) => !channel.is_im).map(({ messages, ...channel }) => channel);
    return paged(shown, given, "channels");
  },
  "conversations.info"(given) {
    const channel = this.channels.find((one) => one.id === given.channel);
    if (!channel) return { ok: false, error: "channel_not_found" };
    const { messages, ...shown } = channel;
    return { ok: true, channel: shown };
  },
  "conversations.history"(given) {
    const channel = this.channels.find((one) => one.id === given.channel);
    if (!channel) return { ok: false, error: "channel_not_found" };
    if (!channel.is_member) return { ok: false, error: "not_in_channel" };
    const top = channel.messages.filter((one) => !one.thread_ts || one.thread_ts === one.ts || one.subtype === "thread_broadcast");
    return paged(span(top, given).reverse().map((one) => shown(one, given)), given, "messages");
  },
  "conversations.replies"(given) {
    const channel = this.channels.find((one) => one.id === given.channel);
    if (!channel) return { ok: false, error: "channel_not_found" };
    const root = channel.messages.find((one) => one.ts === given.ts);
    if (!root) return { ok: false, error: "thread_not_found" };
    const replies = channel.messages.filter((one) => one.thread_ts === given.ts);
    return paged([root, ...span(replies, given)].map((one) => shown(one, given)), given, "messages");
  },
  "usergroups.list"() {
    return { ok: true, usergroups: this.usergroups };
  },
  "users.info"(given) {
    const user = this.users.find((one) => one.id === given.user);
    return user ? { ok: true, user } : { ok: false, error: "user_not_found" };
  },
  "users.lookupByEmail"(given) {
    const user = this.users.find((one) => one.profile.email === given.email);
    return user ? { ok: true, user } : { ok: false, error: "users_not_found" };
  },
  "views.open"(given) {
    const since = this.triggers.get(given.trigger_id);
    if (since === undefined) return { ok: false, error: "invalid_trigger_id" };
    this.triggers.delete(given.trigger_id);
    if (Date.now() - since > 3_000) return { ok: false, error: "expired_trigger_id" };
    const view = typeof given.view === "string" ? JSON.parse(given.view) : given.view;
    const wrong = wrongBlocks(view.blocks, 100);
    if (wrong || view.type !== "modal" || view.title.text.length > 24 || (view.private_metadata ?? "").length > 3_000) {
      return { ok: false, error: "invalid_arguments", response_metadata: { messages: [wrong ?? "the view's own fields"] } };
    }
    const kept = { id: `V${randomBytes(4).toString("hex").toUpperCase()}`, team_id: this.team.id, app_id: "A0DOUBLE", bot_id: "B0HIKESHI", hash: "1.double", root_view_id: null, previous_view_id: null, callback_id: "", private_metadata: "", state: { values: {} }, clear_on_close: false, notify_on_close: false, external_id: "", ...view };
    kept.root_view_id = kept.id;
    this.views.set(kept.id, kept);
    return { ok: true, view: kept };
  },
};

SlackDouble.prototype.wrongMessage = function (given) {
  const blocks = typeof given.blocks === "string" ? JSON.parse(given.blocks) : given.blocks;
  if (!given.text && !blocks?.length) return { ok: false, error: "no_text" };
  if ((given.text ?? "").length > 40_000) return { ok: false, error: "msg_too_long" };
  const wrong = wrongBlocks(blocks ?? [], 50);
  if (wrong) return { ok: false, error: "invalid_blocks", response_metadata: { messages: [wrong] } };
  const payload = given.metadata && (typeof given.metadata === "string" ? JSON.parse(given.metadata) : given.metadata);
  if (payload && (typeof payload.event_type !== "string" || typeof payload.event_payload !== "object")) return { ok: false, error: "invalid_metadata_format" };
  return null;
};

// What Slack accepts as JSON or as a form, where nested values are JSON text.
function parsed(type, body) {
  if (!body) return {};
  if (type.startsWith("application/json")) return JSON.parse(body);
  const given = Object.fromEntries(new URLSearchParams(body));
  for (const nested of ["blocks", "metadata", "view", "attachments"]) {
    if (given[nested]) given[nested] = JSON.parse(given[nested]);
  }
  return given;
}

function span(messages, { oldest = "0", latest = "9999999999.999999", inclusive }) {
  const [from, to] = [Number(oldest), Number(latest)];
  const inside = String(inclusive) === "true" ? (at) => at >= from && at <= to : (at) => at > from && at < to;
  return messages.filter((message) => inside(Number(message.ts)));
}

function shown(message, { include_all_metadata }) {
  if (String(include_all_metadata) === "true") return message;
  const { metadata, ...rest } = message;
  return rest;
}

function paged(all, { cursor, limit = 100 }, name) {
  const from = cursor ? Number(Buffer.from(cursor, "base64").toString()) : 0;
  const until = from + Math.min(Number(limit), 1_000);
  const next = until < all.length ? Buffer.from(String(until)).toString("base64") : "";
  return { ok: true, [name]: all.slice(from, until), has_more: next !== "", response_metadata: { next_cursor: next } };
}

// An answer that promises more than comes.
function cutOff(response, body) {
  const text = JSON.stringify(body);
  response.writeHead(200, { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) });
  response.write(text.slice(0, text.length / 2), () => response.socket.destroy());
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function read(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

function answer(response, status, body, headers = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(status, { "content-type": typeof body === "string" ? "text/plain" : "application/json; charset=utf-8", ...headers }).end(text);
}

if (process.argv[1] === import.meta.filename) {
  const double = await new SlackDouble().open(Number(process.env.PORT ?? 0));
  console.log(JSON.stringify({ url: double.url, api: `${double.url}/api/`, control: `${double.url}/control/` }));
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
}
