// The vendor's published examples of one webhook event, one JSON document a line.
import { load } from "../load.js";

const all = load("@octokit/webhooks-examples");
const list = Array.isArray(all) ? all : all.default;
for (const example of list.find((one) => one.name === process.argv[2]).examples) console.log(JSON.stringify(example));
