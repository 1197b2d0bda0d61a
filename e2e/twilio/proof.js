// The vendor's own SDK against the double: what it sends is what the double takes, what it expects back is what the double says, and what the
// double signs is what it accepts. Nothing of hikeshi is here.
import { createServer } from "node:http";

import { equal, holds, until } from "../checks.js";
import { load } from "../load.js";
import { TwilioDouble } from "./double.js";

const twilio = load("twilio");

// The SDK with another way out: every address of the vendor's becomes the double's.
const through = (double) => ({
  request: async ({ method, uri, username, password, data }) => {
    const url = uri.replace("https://api.twilio.com", double.url);
    const body = new URLSearchParams();
    for (const [name, value] of Object.entries(data ?? {})) for (const one of [value].flat()) body.append(name, one);
    const headers = { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`, "content-type": "application/x-www-form-urlencoded" };
    const response = await fetch(url, { method: method.toUpperCase(), headers, ...(method.toLowerCase() === "post" ? { body } : {}) });
    return { statusCode: response.status, body: await response.json(), headers: Object.fromEntries(response.headers) };
  },
});

// Where the double calls back: whether the SDK accepts its signature, and what came.
async function listener(token, answer) {
  const seen = [];
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part)).on("end", () => {
      const fields = Object.fromEntries(new URLSearchParams(Buffer.concat(parts).toString()));
      const url = `http://127.0.0.1:${server.address().port}${request.url}`;
      seen.push({ at: request.url, fields, valid: twilio.validateRequest(token, request.headers["x-twilio-signature"], url, fields) });
      response.writeHead(200, { "content-type": "text/xml" }).end(answer(request.url));
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { seen, url: `http://127.0.0.1:${server.address().port}`, close: () => new Promise((done) => server.close(done)) };
}

export async function twilioProof(checks) {
  const double = await new TwilioDouble().open();
  const client = twilio(double.account, double.token, { httpClient: through(double) });
  try {
    await checks.check("twilio double: the SDK sends a message, reads it again, and accepts the signature of what is reported", () => messages(client, double));
    await checks.check("twilio double: the SDK makes a call; its own document is spoken, a key comes back, and how it ended", () => calls(client, double));
    await checks.check("twilio double: the SDK understands its errors", () => errors(client, double));
    await checks.check("twilio double: nothing was sent or said that is not published", () => equal(double.violations, [], "violations"));
  } finally {
    await double.close();
  }
}

async function messages(client, double) {
  const listening = await listener(double.token, () => "");
  try {
    await double.control("phone", { number: "+819011112222", message: "undelivered 30003" });
    const sent = await client.messages.create({ to: "+819011112222", from: "+815012345678", body: "予約が止まった", statusCallback: `${listening.url}/status?a=1` });
    equal([sent.status, sent.numSegments, sent.errorCode], ["queued", "1", null], "as it was taken");
    await until("both reports", 5_000, () => listening.seen.length === 2);
    equal(listening.seen.map(({ fields, valid }) => [fields.MessageStatus, fields.ErrorCode, valid]), [["sent", undefined, true], ["undelivered", "30003", true]], "reports");
    equal((await client.messages(sent.sid).fetch()).status, "undelivered", "as it is now");
  } finally {
    await listening.close();
  }
}

async function calls(client, double) {
  const asks = new twilio.twiml.VoiceResponse();
  asks.gather({ input: ["dtmf"], numDigits: 1, action: "http://nowhere.invalid/" }).say({ language: "ja-JP", voice: "Polly.Mizuki" }, "1番を押してください <&>");
  const ends = new twilio.twiml.VoiceResponse();
  ends.say({ language: "ja-JP", voice: "Polly.Mizuki" }, "受け付けました");
  ends.hangup();
  let url = "";
  const listening = await listener(double.token, (at) => (at === "/voice" ? asks.toString().replace("http://nowhere.invalid/", `${url}/key`) : ends.toString()));
  url = listening.url;
  try {
    await double.control("phone", { number: "+819011113333", keys: ["1"] });
    await client.calls.create({ to: "+819011113333", from: "+815012345678", url: `${url}/voice`, statusCallback: `${url}/status`, statusCallbackEvent: ["answered", "completed"] });
    await until("it has ended", 5_000, () => listening.seen.some(({ fields }) => fields.CallStatus === "completed"));
    equal(listening.seen.map(({ at, fields, valid }) => [at, fields.CallStatus, fields.Digits, valid]), [["/status", "in-progress", undefined, true], ["/voice", "in-progress", undefined, true], ["/key", "in-progress", "1", true], ["/status", "completed", undefined, true]], "what came");
    equal(double.spoken.map(({ text }) => text), ["1番を押してください <&>", "受け付けました"], "what was said");
  } finally {
    await listening.close();
  }
}

async function errors(client, double) {
  const error = async (work) => work().then(() => "no error", (thrown) => [thrown.status, thrown.code]);
  const whole = { to: "+819011112222", from: "+815012345678", body: "x" };
  equal(await error(() => client.messages.create({ ...whole, to: "090-1234" })), [400, 21211], "a number that is none");
  equal(await error(() => client.messages.create({ ...whole, body: "あ".repeat(1_601) })), [400, 21617], "a long message");
  equal(await error(() => client.calls.create({ to: whole.to, from: whole.from })), [400, 21205], "a call without words");
  const stranger = twilio(double.account, "wrong", { httpClient: through(double) });
  equal(await error(() => stranger.messages.create(whole)), [401, 20003], "a wrong token");
  await double.control("fail", { call: "Messages", status: 429, code: 20429, message: "Too Many Requests" });
  equal(await error(() => client.messages.create(whole)), [429, 20429], "too many");
  holds((await client.messages.create(whole)).sid.startsWith("SM"), "and then again");
}
