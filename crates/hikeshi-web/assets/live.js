// Follows the ledger: news by server-sent events with a watchdog, polling when they do not come through, and a page that
// changes under the reader without losing what they typed. A page that may be old says so.
(() => {
  "use strict";
  const bar = document.getElementById("live");
  if (!bar) return;
  const STALE_MS = 6000, REFRESH_MS = 30000, POLL_MS = 4000;
  const state = bar.querySelector(".state"), clock = bar.querySelector(".clock");
  let source = null, size = Number(bar.dataset.size), heard = 0, shown = bar.dataset.clock, failures = 0, retry = 0, loading = false, again = false, loaded = Date.now();

  const say = (mode, text) => {
    if (bar.dataset.mode !== mode) {
      bar.dataset.mode = mode;
      bar.className = "live " + mode;
      document.body.classList.toggle("cut", mode === "cut");
      state.textContent = text;
    }
    if (clock.textContent !== shown) clock.textContent = shown;
  };
  const fresh = () => { heard = Date.now(); failures = 0; say("fresh", bar.dataset.fresh); };
  const cut = () => say("cut", bar.dataset.cut);

  // ---- the page itself: takes over what changed, keeps what the reader is in
  const KEEP = new Set(["key", "form_token"]);
  const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");
  function morph(from, to) {
    if (from.isEqualNode(to)) return;
    if (from.nodeType !== 1) { if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue; return; }
    if (from.nodeName === "INPUT" && from.type === "hidden" && KEEP.has(from.name)) return;
    // A part that a script of its own keeps up to date: only what it is told may change.
    if (from.dataset.keep !== undefined && to.dataset.keep !== undefined) { for (const name of Object.keys(to.dataset)) from.dataset[name] = to.dataset[name]; return; }
    for (const { name, value } of [...to.attributes]) if (from.getAttribute(name) !== value && name !== "open") from.setAttribute(name, value);
    for (const { name } of [...from.attributes]) if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
    if (from.nodeName === "TEXTAREA" || from.nodeName === "SELECT") return;
    const atEnd = from.nodeName === "PRE" && from.scrollTop + from.clientHeight >= from.scrollHeight - 8;
    let old = from.firstChild;
    for (const next of [...to.childNodes]) {
      if (next.id) {
        const known = [...from.children].find((child) => child.id === next.id);
        if (known && known !== old) from.insertBefore(known, old);
        if (known) old = known;
      }
      if (old && same(old, next)) { const following = old.nextSibling; morph(old, next); old = following; }
      else from.insertBefore(document.importNode(next, true), old);
    }
    while (old) { const following = old.nextSibling; if (!busy(old)) old.remove(); old = following; }
    if (atEnd) from.scrollTop = from.scrollHeight;
  }
  // Something is being typed there: it stays until the page is left.
  const busy = (node) => node.nodeType === 1 && (node.contains(document.activeElement) && document.activeElement !== document.body
    || [...node.querySelectorAll("input:not([type=hidden]),textarea")].some((field) => field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue));

  async function load() {
    if (loading) { again = true; return; }
    loading = true;
    try {
      const url = new URL(location.href);
      url.searchParams.delete("receipt"); url.searchParams.delete("again");
      const answer = await fetch(url, { headers: { accept: "text/html" }, signal: AbortSignal.timeout(8000) });
      if (answer.redirected && new URL(answer.url).pathname === "/signin") { location.href = answer.url; return; }
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.getElementById("main"), live = page.getElementById("live");
      if (next && live) {
        for (const id of ["receipt", "refused"]) { const kept = document.getElementById(id); if (kept) next.prepend(document.importNode(kept, true)); }
        morph(document.getElementById("main"), next);
        size = Math.max(size, Number(live.dataset.size)); shown = live.dataset.clock; loaded = Date.now();
        heard = Date.now(); say(bar.dataset.mode || "fresh", state.textContent);
        document.dispatchEvent(new Event("morphed"));
      }
    } catch { failures += 1; }
    finally { loading = false; if (again) { again = false; load(); } }
  }

  // ---- news
  function connect() {
    if (source) source.close();
    source = new EventSource("/live");
    source.addEventListener("tip", (event) => { fresh(); retry = 0; if (Number(event.data) > size) { size = Number(event.data); load(); } });
    source.addEventListener("beat", (event) => { const at = new Date(event.data); if (!Number.isNaN(+at)) shown = local(at); fresh(); });
    source.onerror = () => { source.close(); source = null; later(); };
  }
  // In the workspace's zone, as every other time on the page.
  const local = (at) => at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZone: bar.dataset.zone });
  let waiting = 0;
  function later() {
    if (waiting) return;
    retry += 1;
    const wait = Math.min(500 * 2 ** Math.min(retry, 4), 5000) * (0.7 + Math.random() * 0.6);
    waiting = setTimeout(() => { waiting = 0; connect(); }, wait);
  }
  setInterval(() => {
    const silent = Date.now() - heard;
    if (silent > STALE_MS) {
      cut();
      if (source) { source.close(); source = null; later(); }
      if (retry >= 3 && Date.now() - loaded > POLL_MS && !loading) load().then(() => { if (Date.now() - heard < 1000) say("fresh", bar.dataset.fresh); });
    } else if (Date.now() - loaded > REFRESH_MS && !document.hidden && !loading) { loaded = Date.now(); load(); }
    if (document.getElementById("live-output") && Date.now() - loaded > 2000 && !loading && !document.hidden) load();
  }, 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { beat(); if (Date.now() - heard > STALE_MS) { cut(); later(); } else load(); } });
  addEventListener("online", () => later());
  addEventListener("offline", cut);
  heard = Date.now(); say("connecting", bar.dataset.connecting); connect();

  // ---- a form is sent once
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(() => { delete form.dataset.sent; }, 4000);
  });
  if (location.hash === "#bar") document.querySelector("#bar details")?.setAttribute("open", "");

  // ---- the witness: heard of every few seconds, while the page is in view
  async function beat() {
    const form = document.getElementById("beat");
    if (!form || document.hidden) return;
    const presence = document.getElementById("presence");
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: AbortSignal.timeout(4000) });
      if (answer.status === 409 && !presence.classList.contains("bad")) load();
      else if (!answer.ok && answer.status !== 409) throw new Error(String(answer.status));
      else if (answer.ok && presence.classList.contains("bad")) load();
    } catch {
      presence.className = "presence bad";
      const big = presence.querySelector(".big");
      if (big) big.textContent = presence.dataset.failed;
    }
  }
  if (document.getElementById("beat")) { beat(); setInterval(beat, 5000); }
})();
