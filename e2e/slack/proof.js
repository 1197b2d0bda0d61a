// The vendor's own SDK against the double: what Bolt and the Web API client expect is what the double does. Nothing of hikeshi is here.
import { equal, holds, until } from "../checks.js";
import { load } from "../load.js";
import { SlackDouble } from "./double.js";

const bolt = load("@slack/bolt");
const { WebClient, ErrorCode } = load("@slack/web-api");

const quiet = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, getLevel: () => "error", setName() {} };
const BLOCKS = [
  { type: "section", text: { type: "mrkdwn", text: "承認をお願いします" } },
  { type: "actions", block_id: "acts", elements: [{ type: "button", action_id: "approve", text: { type: "plain_text", text: "承認へ進む" }, value: "emg_1" }] },
];
const MODAL = {
  type: "modal",
  callback_id: "approving",
  title: { type: "plain_text", text: "承認" },
  submit: { type: "plain_text", text: "承認する" },
  blocks: [{ type: "input", block_id: "judgement", label: { type: "plain_text", text: "判断" }, element: { type: "plain_text_input", action_id: "text", multiline: true } }],
};

export async function slackProof(checks) {
  const double = await new SlackDouble().open();
  const client = new WebClient(double.botToken, { slackApiUrl: `${double.url}/api/`, retryConfig: { retries: 0 }, logger: quiet });
  try {
    await checks.check("slack double: the Web API client posts, updates and finds a message again by its metadata", () => webApi(client));
    await checks.check("slack double: the Web API client understands its errors and its limits", () => errors(client, double));
    await checks.check("slack double: Bolt in Socket Mode receives a press, opens a view, takes its submission, and acks both", () => socketMode(double));
    await checks.check("slack double: Bolt reconnects when the connection is refreshed", () => refreshed(double));
    await checks.check("slack double: Bolt behind an address accepts its signature and refuses a forged one", () => signedRequests(double));
  } finally {
    await double.close();
  }
}

async function webApi(client) {
  equal((await client.auth.test()).team_id, "T0DOUBLE", "the team");
  const posted = await client.chat.postMessage({ channel: "emergency-deploy", text: "承認をお願いします", blocks: BLOCKS, metadata: { event_type: "hikeshi_post", event_payload: { key: "post/1" } } });
  await client.chat.postMessage({ channel: posted.channel, thread_ts: posted.ts, text: "返信", metadata: { event_type: "hikeshi_post", event_payload: { key: "post/2" } } });
  await client.chat.update({ channel: posted.channel, ts: posted.ts, text: "承認済み", blocks: BLOCKS.slice(0, 1) });
  const history = await client.conversations.history({ channel: posted.channel, include_all_metadata: true });
  equal(history.messages.length, 1, "replies are not in the history");
  equal(history.messages[0].metadata.event_payload.key, "post/1", "the metadata survive an update");
  equal(history.messages[0].text, "承認済み", "the text");
  const replies = await client.conversations.replies({ channel: posted.channel, ts: posted.ts, include_all_metadata: true });
  equal(replies.messages.map((message) => message.metadata?.event_payload.key), ["post/1", "post/2"], "root and reply");
  const pages = [];
  for await (const page of client.paginate("conversations.list", { limit: 2 })) pages.push(page.channels.length);
  equal(pages, [2, 1], "pages of channels");
  equal((await client.usergroups.list()).usergroups.map((group) => group.handle), ["cto", "dev-lead"], "groups");
  equal((await client.users.lookupByEmail({ email: "sato@example.jp" })).user.id, "U0SATO", "by e-mail");
  equal((await client.users.info({ user: "U0SATO" })).user.name, "sato", "by id");
  const direct = await client.chat.postMessage({ channel: "U0SATO", text: "呼び出し", blocks: BLOCKS });
  equal(direct.channel, "D0SATO", "a user's id opens the direct message with them");
  await client.chat.update({ channel: direct.channel, ts: direct.ts, text: "引き受け済み" });
  equal((await client.chat.postMessage({ channel: "U0SATO", text: "次" })).channel, direct.channel, "and the same one later");
}

async function errors(client, double) {
  const error = async (work) => work().then(() => "no error", (thrown) => thrown.data?.error ?? thrown.code);
  equal(await error(() => client.chat.postMessage({ channel: "nowhere", text: "x" })), "channel_not_found", "a channel that is not there");
  equal(await error(() => client.chat.postMessage({ channel: "elsewhere", text: "x" })), "not_in_channel", "a channel without us");
  equal(await error(() => client.chat.postMessage({ channel: "incidents", text: "あ".repeat(40_001) })), "msg_too_long", "a long text");
  equal(await error(() => client.chat.postMessage({ channel: "incidents", text: "x", blocks: [{ type: "header", text: { type: "plain_text", text: "長".repeat(151) } }] })), "invalid_blocks", "a long header");
  equal(await error(() => new WebClient("xoxb-wrong", { slackApiUrl: `${double.url}/api/`, logger: quiet }).auth.test()), "invalid_auth", "a wrong token");
  await double.control("fail", { method: "chat.postMessage", status: 429, retry_after: 7 });
  const strict = new WebClient(double.botToken, { slackApiUrl: `${double.url}/api/`, rejectRateLimitedCalls: true, logger: quiet });
  const limited = await strict.chat.postMessage({ channel: "incidents", text: "x" }).catch((thrown) => thrown);
  equal([limited.code, limited.retryAfter], [ErrorCode.RateLimitedError, 7], "the vendor's client reads Retry-After");
}

async function socketMode(double) {
  const app = new bolt.App({ token: double.botToken, appToken: double.appToken, socketMode: true, logger: quiet, clientOptions: { slackApiUrl: `${double.url}/api/` } });
  const seen = [];
  app.action("approve", async ({ ack, body, action, client }) => {
    await ack();
    seen.push([body.user.id, action.value]);
    await client.views.open({ trigger_id: body.trigger_id, view: MODAL });
  });
  app.view("approving", async ({ ack, view }) => {
    const said = view.state.values.judgement.text.value;
    seen.push(said);
    await (said ? ack() : ack({ response_action: "errors", errors: { judgement: "書いてください" } }));
  });
  await app.start();
  try {
    const posted = await app.client.chat.postMessage({ channel: "C0INCIDENTS", text: "x", blocks: BLOCKS });
    const pressed = await double.control("press", { user: "sato", action_id: "approve", channel: "incidents", ts: posted.ts });
    equal([pressed.acked, pressed.payload], [true, {}], "the press is acked, with nothing to show");
    await until("the view is open", 3_000, () => double.views.size === 1);
    const empty = await double.control("submit", { user: "sato", values: {} });
    equal(empty.payload?.response_action, "errors", "an error in the view comes back in the ack");
    const full = await double.control("submit", { user: "sato", values: { judgement: "止血が先です" } });
    equal(full.acked, true, "the submission is acked");
    equal(seen, [["U0SATO", "emg_1"], null, "止血が先です"], "what Bolt saw");
    equal(double.views.size, 0, "the view is closed");
  } finally {
    await app.stop();
  }
}

async function refreshed(double) {
  const app = new bolt.App({ token: double.botToken, appToken: double.appToken, socketMode: true, logger: quiet, clientOptions: { slackApiUrl: `${double.url}/api/` } });
  let events = 0;
  app.event("app_mention", async () => {
    events += 1;
  });
  await app.start();
  try {
    const opened = () => double.calls.filter((call) => call.method === "apps.connections.open").length;
    const before = opened();
    await double.control("refresh", {});
    await until("Bolt opened another connection", 10_000, () => double.sockets.clients.size === 1 && opened() > before);
    await until("an event arrives on it", 5_000, async () => {
      await double.control("event", { event: { type: "app_mention", user: "U0SATO", text: "x", channel: "C0INCIDENTS", ts: double.ts() } });
      return events > 0;
    });
  } finally {
    await app.stop();
  }
}

async function signedRequests(double) {
  const app = new bolt.App({ token: double.botToken, signingSecret: double.signingSecret, logger: quiet, clientOptions: { slackApiUrl: `${double.url}/api/` } });
  const seen = [];
  app.action("approve", async ({ ack, body }) => {
    await ack();
    seen.push(body.user.id);
  });
  const server = await app.start(0);
  try {
    const address = `http://127.0.0.1:${server.address().port}/slack/events`;
    await double.control("requests", { actions: address, events: address });
    const posted = await app.client.chat.postMessage({ channel: "C0INCIDENTS", text: "x", blocks: BLOCKS });
    const pressed = await double.control("press", { user: "mori", action_id: "approve", channel: "incidents", ts: posted.ts });
    equal([pressed.acked, seen], [true, ["U0MORI"]], "a signed press");
    double.signingSecret = "another secret";
    const forged = await double.control("press", { user: "mori", action_id: "approve", channel: "incidents", ts: posted.ts });
    holds(forged.status === 401 && seen.length === 1, `a forged press: ${JSON.stringify(forged)}`);
  } finally {
    double.signingSecret = "double-signing-secret";
    await double.control("requests", {});
    await app.stop();
  }
}
