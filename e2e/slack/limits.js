// What Slack documents of Block Kit beside its types: lengths and counts. Lengths are characters as JavaScript counts them.
const MOST = { header: 150, section: 3_000, field: 2_000, context: 10, actions: 25, button: 75, value: 2_000, id: 255, fields: 10 };

// The first thing that is wrong, as a sentence; null when nothing is.
export function wrongBlocks(blocks, most) {
  if (!Array.isArray(blocks)) return "blocks must be a list";
  if (blocks.length > most) return `${blocks.length} blocks; at most ${most}`;
  const ids = blocks.map((block) => block.block_id).filter(Boolean);
  if (new Set(ids).size !== ids.length) return "a block_id is there twice";
  for (const [at, block] of blocks.entries()) {
    const wrong = wrongBlock(block);
    if (wrong) return `block ${at} (${block.type}): ${wrong}`;
  }
  return null;
}

function wrongBlock(block) {
  if ((block.block_id ?? "").length > MOST.id) return "block_id too long";
  switch (block.type) {
    case "header":
      return text(block.text, MOST.header, "plain_text");
    case "section": {
      if (!block.text && !block.fields) return "neither text nor fields";
      if ((block.fields ?? []).length > MOST.fields) return "too many fields";
      return (block.text && text(block.text, MOST.section)) || first(block.fields, (field) => text(field, MOST.field));
    }
    case "context":
      return block.elements.length > MOST.context ? "too many elements" : first(block.elements, (element) => text(element, MOST.section));
    case "actions":
      return block.elements.length > MOST.actions ? "too many elements" : first(block.elements, button);
    case "divider":
      return null;
    case "input":
      return text(block.label, MOST.field, "plain_text") || (block.element?.type === "plain_text_input" ? null : "not a text field");
    default:
      return "a kind of block that this double does not know";
  }
}

function button(element) {
  if (element.type !== "button") return "not a button";
  if (!element.action_id || element.action_id.length > MOST.id) return "action_id";
  if ((element.value ?? "").length > MOST.value) return "value too long";
  if (element.url && element.url.length > 3_000) return "url too long";
  return text(element.text, MOST.button, "plain_text");
}

function text(given, most, kind) {
  if (typeof given?.text !== "string" || given.text.length === 0) return "an empty text";
  if (!["plain_text", "mrkdwn"].includes(given.type) || (kind && given.type !== kind)) return `a text of type ${given.type}`;
  return given.text.length > most ? `${given.text.length} characters; at most ${most}` : null;
}

const first = (list, ask) => (list ?? []).map(ask).find(Boolean) ?? null;
