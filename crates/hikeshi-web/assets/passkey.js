// Passkeys: the two ceremonies. Signing in by one-time link needs none of this.
(() => {
  "use strict";
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  async function ask(url, body, token) {
    const headers = { "content-type": "application/json" };
    if (token) headers["x-hikeshi-token"] = token;
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    const given = await answer.json();
    if (!answer.ok) throw new Error([given.what, given.next].filter(Boolean).join(" "));
    return given;
  }
  function run(form, ceremony) {
    if (!form) return;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const message = form.querySelector(".message"), button = form.querySelector("button");
      message.textContent = "";
      button.disabled = true;
      try { location.href = (await ceremony(form)).to; }
      catch (error) { message.textContent = error instanceof DOMException ? form.dataset.failed : error.message || form.dataset.failed; button.disabled = false; }
    });
  }
  run(document.getElementById("passkey-add"), async (form) => {
    const token = form.dataset.token;
    const { ceremony, options } = await ask("/passkey/register/start", {}, token);
    const key = options.publicKey;
    key.challenge = bytes(key.challenge);
    key.user.id = bytes(key.user.id);
    key.excludeCredentials = (key.excludeCredentials || []).map((known) => ({ ...known, id: bytes(known.id) }));
    const made = await navigator.credentials.create({ publicKey: key });
    const credential = { id: made.id, rawId: text(made.rawId), type: made.type, extensions: made.getClientExtensionResults(),
      response: { attestationObject: text(made.response.attestationObject), clientDataJSON: text(made.response.clientDataJSON), transports: made.response.getTransports?.() } };
    return ask("/passkey/register/finish", { ceremony, label: form.elements.label.value, credential }, token);
  });
  run(document.getElementById("passkey-signin"), async (form) => {
    const { ceremony, options } = await ask("/passkey/signin/start", { handle: form.elements.handle.value.trim() });
    const key = options.publicKey;
    key.challenge = bytes(key.challenge);
    key.allowCredentials = (key.allowCredentials || []).map((known) => ({ ...known, id: bytes(known.id) }));
    const got = await navigator.credentials.get({ publicKey: key });
    const part = got.response;
    const credential = { id: got.id, rawId: text(got.rawId), type: got.type, extensions: got.getClientExtensionResults(),
      response: { authenticatorData: text(part.authenticatorData), clientDataJSON: text(part.clientDataJSON), signature: text(part.signature), userHandle: part.userHandle ? text(part.userHandle) : null } };
    return ask("/passkey/signin/finish", { ceremony, next: form.dataset.next, credential });
  });
  // Approving: the challenge is bound to the digest of the plan, so the form goes only after the authenticator has signed it. The page may have
  // been renewed since it was loaded, so this listens at the document.
  document.addEventListener("submit", async (event) => {
    const form = event.target, parts = form.elements;
    if (!parts.assertion || !parts.challenge || parts.assertion.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const button = form.querySelector("button");
    let message = form.querySelector(".message");
    if (!message) {
      message = Object.assign(document.createElement("p"), { className: "message" });
      message.setAttribute("role", "alert");
      button.after(message);
    }
    message.textContent = "";
    button.disabled = true;
    try {
      const allowCredentials = parts.credentials.value.split(" ").map((id) => ({ type: "public-key", id: bytes(id) }));
      const got = await navigator.credentials.get({ publicKey: { challenge: bytes(parts.challenge.value), rpId: parts.site.value, allowCredentials, userVerification: "required", timeout: 120000 } });
      const part = got.response;
      parts.assertion.value = JSON.stringify({ credential_id: text(got.rawId), authenticator_data: text(part.authenticatorData), client_data: text(part.clientDataJSON), signature: text(part.signature) });
      HTMLFormElement.prototype.submit.call(form);
    } catch {
      message.textContent = parts.failed.value;
      button.disabled = false;
    }
  }, true);
})();
