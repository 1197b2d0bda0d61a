// A witnessed terminal, live: draws what comes, checks the chain of the recording, and signs with this device's own key what was shown.
// The key is made here, cannot leave the browser, and the server never sees it.
(() => {
  "use strict";
  // A device that is not heard for a second and a half does not count; the server speaks every second.
  const LOOK_MS = 500, SIGN_MS = 2000, SILENT_MS = 3000, CONNECT_MS = 8000, RETRY_MS = 1000, RETRY_MAX_MS = 5000;
  const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const utf8 = new TextEncoder();

  function start(box) {
    if (box.dataset.started) return;
    box.dataset.started = "1";
    const gate = box.querySelector(".gate"), counts = box.querySelector(".counts"), screen = box.querySelector(".screen");
    const { emergency, session, person } = box.dataset;
    let heardAt = 0, dispatch = null, socket = null, live = null, retry = RETRY_MS, over = false, decoder = null;
    let keys = null, bound = false, broken = false, ready = [], signed = null, signedAt = 0;
    // The chain: the block under way, its frames so far, the head before it, and the last head that was on screen.
    let block = 0, prev = null, parts = [], last = null, shown = null, queue = Promise.resolve();
    // The first block of the stretch that was on screen without a break: hidden, or newly drawn, another begins.
    // `turn`: what waits for a frame of an earlier stretch does not belong to this one.
    let from = null, turn = 0;
    const broke = () => { from = null; shown = null; signed = null; turn++; };

    // ---- drawing: the player shows what it is told; it needs no recording
    const driver = ({ dispatch: tell }) => ({
      init: () => { dispatch = tell; ready.forEach((draw) => draw()); ready = []; glass(last); },
      play: () => { dispatch = tell; },
      stop: () => {},
    });
    const draw = (act) => { if (dispatch) act(); else ready.push(act); };
    const load = (src) => new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = src; script.onload = done; script.onerror = failed;
      document.head.append(script);
    });
    async function player() {
      const style = document.createElement("link");
      style.rel = "stylesheet"; style.href = box.dataset.style;
      document.head.append(style);
      if (!window.AsciinemaPlayer) await load(box.dataset.player);
      window.AsciinemaPlayer.create(driver, screen, { autoPlay: true, fit: "width", controls: false, cols: 80, rows: 24 });
    }

    // ---- frames: varint µs, kind, varint length, payload
    function frames(bytes, each) {
      let at = 0;
      const varint = () => { let value = 0, factor = 1, byte; do { byte = bytes[at++]; value += (byte & 127) * factor; factor *= 128; } while (byte & 128); return value; };
      while (at < bytes.length) {
        varint();
        const kind = String.fromCharCode(bytes[at++]), length = varint();
        each(kind, bytes.subarray(at, at + length));
        at += length;
      }
    }
    function show(bytes) {
      frames(bytes, (kind, payload) => {
        if (kind === "o") { const text = decoder.decode(payload, { stream: true }); draw(() => dispatch("output", text)); }
        else if (kind === "r") {
          let at = 0;
          const side = () => { let value = 0, factor = 1, byte; do { byte = payload[at++]; value += (byte & 127) * factor; factor *= 128; } while (byte & 128); return value; };
          const cols = side(), rows = side();
          draw(() => dispatch("resize", { cols, rows }));
        }
      });
    }

    // ---- the chain, and what this device signs
    async function seal(text) {
      const header = JSON.parse(text), bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of parts) { bytes.set(part, at); at += part.length; }
      parts = [];
      const same = header.block === block && (header.prev ?? null) === prev && hex(await crypto.subtle.digest("SHA-256", bytes)) === header.frames;
      prev = hex(await crypto.subtle.digest("SHA-256", utf8.encode(text)));
      block = header.block + 1;
      if (!same) { broken = true; say(); return; }
      last = { block: header.block, head: prev };
      glass(last);
    }
    // What is drawn is on the glass after the next frame; a hidden page draws none.
    function glass(head) {
      if (document.hidden || !head || !dispatch) return;
      const mine = turn;
      requestAnimationFrame(() => requestAnimationFrame(() => { if (mine !== turn || document.hidden || broken) return; from ??= head.block; shown = { ...head, from }; look(); }));
    }
    async function ack() {
      if (!keys || !shown || broken) return null;
      const { from, block, head } = shown, at = new Date(Math.floor(Date.now() / 1000) * 1000).toISOString().replace(".000Z", "Z");
      const message = utf8.encode(`hikeshi-ack-v1\n${emergency}\n${session}\n${person}\n${from}\n${block}\n${head}\n${at}\n`);
      const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, keys.privateKey, message);
      return { person, from, block, head, shown_at: at, signature: hex(signature) };
    }
    // What is on screen is signed when it has changed, and again after a while; that the page is in front is said each time.
    let looking = false, again = false;
    async function look() {
      if (!bound || socket?.readyState !== WebSocket.OPEN) return;
      if (looking) { again = true; return; }
      looking = true;
      try {
        const due = !document.hidden && shown && (shown.head !== signed || Date.now() - signedAt >= SIGN_MS), mine = turn;
        const word = due ? await ack() : null;
        // Signing took a moment: the page may have gone behind another one. Where nothing is drawn, nobody looks.
        const visible = !document.hidden && dispatch !== null && !broken, still = word && visible && mine === turn;
        if (still) { signed = word.head; signedAt = Date.now(); }
        socket.send(JSON.stringify({ say: "look", visible, ...(still ? { ack: word } : {}) }));
      } finally {
        looking = false;
        if (again) { again = false; look(); }
      }
    }
    async function bind() {
      if (box.dataset.joined !== "true") return;
      if (!window.crypto?.subtle) { tell("bad", box.dataset.insecure); return; }
      keys ??= await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
      const key = hex(await crypto.subtle.exportKey("raw", keys.publicKey));
      socket.send(JSON.stringify({ say: "bind", key }));
    }

    // ---- what is said beside the screen
    const tell = (mode, text) => { counts.className = "counts state " + mode; counts.textContent = text; };
    function say() {
      if (broken) tell("bad", box.dataset.broken);
      else if (over) tell("", box.dataset.over);
      else if (bound) tell(document.hidden ? "bad" : "ok", document.hidden ? box.dataset.hidden : box.dataset.bound);
      else tell("", box.dataset.only);
    }
    function held(words) {
      gate.className = "gate " + (words.length ? "held" : "open");
      gate.querySelector(".word").textContent = words.length ? box.dataset.held : box.dataset.open;
      gate.querySelector(".why").textContent = words.join(" ");
    }

    // ---- the connection
    const heard = {
      screen(word) {
        decoder = new TextDecoder(word.encoding);
        block = word.block; prev = word.prev ?? null; parts = []; broken = false; last = null; broke();
        draw(() => { dispatch("reset", { size: { cols: word.columns, rows: word.rows }, init: undefined, theme: null }); dispatch("playing"); dispatch("output", word.state); });
      },
      sealed: (word) => seal(word.header),
      gate: (word) => held(word.words),
      // The page itself says so too when it is loaded again; this is at once.
      outside({ paths, words }) {
        const flag = document.getElementById("outside");
        if (!flag) return;
        flag.hidden = paths.length === 0;
        if (paths.length) flag.querySelector(".words").textContent = words;
      },
      bound() { bound = true; say(); look(); },
      not_bound(word) { bound = false; tell("bad", word.words.join(" ")); },
      replaced() { bound = false; tell("bad", box.dataset.replaced); },
      over() { over = true; bound = false; held([]); gate.hidden = true; say(); },
    };
    function connect() {
      const url = new URL(box.dataset.stream, location.href);
      url.protocol = url.protocol.replace("http", "ws");
      const mine = (socket = new WebSocket(url));
      live = mine;
      socket.binaryType = "arraybuffer";
      heardAt = Date.now();
      socket.onopen = () => { retry = RETRY_MS; box.classList.remove("stale"); bind(); };
      socket.onmessage = ({ data }) => {
        heardAt = Date.now();
        queue = queue.then(() => {
          // What a connection said that is gone by now is old.
          if (mine !== live) return;
          if (typeof data === "string") { const word = JSON.parse(data); return heard[word.say]?.(word); }
          const bytes = new Uint8Array(data, 1);
          parts.push(bytes);
          show(bytes);
        }).catch((error) => { console.error(error); broken = true; say(); });
      };
      socket.onclose = lost;
    }
    function lost() {
      if (over) return;
      live = null;
      bound = false; box.classList.add("stale");
      gate.className = "gate"; gate.querySelector(".word").textContent = box.dataset.unknown; gate.querySelector(".why").textContent = "";
      tell("bad", box.dataset.cut);
      setTimeout(connect, retry * (0.7 + Math.random() * 0.6));
      retry = Math.min(retry * 2, RETRY_MAX_MS);
    }
    // A connection that only falls silent says no goodbye, and one that is being made may wait for a network that is gone.
    function watchdog() {
      const limit = { [WebSocket.OPEN]: SILENT_MS, [WebSocket.CONNECTING]: CONNECT_MS }[socket?.readyState];
      if (over || !limit || Date.now() - heardAt < limit) return;
      socket.onopen = socket.onclose = socket.onmessage = null;
      socket.close();
      lost();
    }
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) broke(); else glass(last);
      if (bound) say();
      look();
    });
    setInterval(() => { watchdog(); look(); }, LOOK_MS);
    player().then(connect, (error) => { console.error(error); tell("bad", box.dataset.cut); });
  }

  const find = () => { const box = document.getElementById("terminal"); if (box) start(box); };
  find();
  document.addEventListener("morphed", find);
})();
