// What the vendor publishes, read out of its own SDK, which is generated from its API description: which fields an order may have, which are
// required, and which words a document for a call may hold.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { load } from "../load.js";

const lib = dirname(load.resolve("twilio"));
const source = (...path) => readFileSync(join(lib, ...path), "utf8");

// The `create` of a resource: what it requires, and what it takes.
function order(file) {
  const text = source("rest", "api", "v2010", "account", file);
  const create = text.slice(text.lastIndexOf("instance.create = function"));
  const body = create.slice(0, create.indexOf("operationVersion.create("));
  const taken = [...body.matchAll(/data\["(\w+)"\]/g)].map((match) => match[1]);
  const required = [...body.matchAll(/params\["(\w+)"\] === null/g)].map((match) => match[1][0].toUpperCase() + match[1].slice(1));
  if (!taken.includes("StatusCallback") || !required.includes("To")) throw new Error(`${file} is not read as it was`);
  return { taken: new Set(taken), required };
}

// Attributes of a word of TwiML, and the values of a type.
const typings = source("twiml", "VoiceResponse.d.ts");
const attributes = (name) => {
  const begin = typings.indexOf(`interface ${name}Attributes {`);
  if (begin < 0) return new Set();
  return new Set([...typings.slice(begin, typings.indexOf("}", begin)).matchAll(/^\s*(?:"?)([\w-]+)(?:"?)\?:/gm)].map((match) => match[1]));
};
const values = (type) => {
  const begin = typings.indexOf(`type ${type} =`);
  return new Set([...typings.slice(begin, typings.indexOf(";", begin)).matchAll(/"([^"]+)"/g)].map((match) => match[1]));
};

export const published = () => ({
  orders: { Messages: order("message.js"), Calls: order("call.js") },
  verbs: { Say: attributes("Say"), Gather: attributes("Gather"), Pause: attributes("Pause"), Hangup: new Set(), Redirect: attributes("Redirect") },
  voices: values("SayVoice"),
  languages: values("SayLanguage"),
});
