// A recorded session, played: commands to jump to, and a search over what was typed and what was printed.
(() => {
  "use strict";
  const BYTES_MAX = 64 << 20, HITS_MAX = 50, AROUND = 40;
  const box = document.getElementById("replay");
  if (!box) return;
  const screen = box.querySelector(".screen"), message = box.querySelector(".message"), hits = box.querySelector(".hits");
  const speed = box.querySelector("#speed"), find = box.querySelector("#find");
  let player = null, cast = "", markers = [], printed = [];

  const load = (src) => new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = src; script.onload = done; script.onerror = failed;
    document.head.append(script);
  });

  // The whole recording, as long as a browser can hold it.
  async function fetched() {
    const answer = await fetch(box.dataset.cast);
    if (!answer.ok) throw new Error(String(answer.status));
    const reader = answer.body.getReader(), decoder = new TextDecoder();
    let text = "", bytes = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      bytes += value.length;
      if (bytes > BYTES_MAX) { await reader.cancel(); return null; }
      text += decoder.decode(value, { stream: true });
    }
  }

  // Times in an asciicast of version 3 are since the event before.
  function read(text) {
    let at = 0, line = "", begun = 0;
    const plain = (data) => data.replace(/\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-Z\\-_]|[\x00-\x08\x0b\x0c\x0e-\x1f]/g, "");
    for (const row of text.split("\n").slice(1)) {
      if (!row) continue;
      const [after, code, data] = JSON.parse(row);
      at += after;
      if (code === "m") markers.push([at, data]);
      if (code !== "o") continue;
      for (const part of plain(data).split(/(\n)/)) {
        if (part === "\n") { if (line.trim()) printed.push([begun, line]); line = ""; } else if (part) { if (!line) begun = at; line += part; }
      }
    }
    if (line.trim()) printed.push([begun, line]);
  }

  async function show(from, playing) {
    player?.dispose();
    screen.replaceChildren();
    player = window.AsciinemaPlayer.create({ data: cast }, screen, { fit: "width", controls: true, speed: Number(speed.value), startAt: from, markers, preload: true, poster: from ? undefined : "npt:0:1" });
    if (playing) await player.play();
  }
  async function jump(at) {
    await player.seek(at);
    await player.play();
    screen.scrollIntoView({ block: "nearest" });
  }

  function search() {
    const wanted = find.value.trim().toLowerCase();
    hits.replaceChildren();
    for (const row of document.querySelectorAll("#commands li")) row.hidden = Boolean(wanted) && !row.textContent.toLowerCase().includes(wanted);
    if (!wanted) { message.textContent = ""; return; }
    const found = [...markers, ...printed].filter(([, text]) => text.toLowerCase().includes(wanted)).sort((a, b) => a[0] - b[0]);
    message.textContent = found.length ? `${box.dataset.found}: ${found.length}` : box.dataset.none;
    for (const [at, text] of found.slice(0, HITS_MAX)) {
      const row = document.createElement("li"), button = document.createElement("button"), words = document.createElement("span");
      button.type = "button"; button.className = "button quiet"; button.textContent = `${Math.floor(at / 60)}:${String(Math.floor(at % 60)).padStart(2, "0")}`;
      button.onclick = () => jump(at);
      const place = text.toLowerCase().indexOf(wanted);
      words.textContent = text.slice(Math.max(0, place - AROUND), place + wanted.length + AROUND);
      row.append(button, words);
      hits.append(row);
    }
  }

  async function begin() {
    cast = await fetched();
    if (cast === null) { message.textContent = box.dataset.large; return; }
    read(cast);
    const style = document.createElement("link");
    style.rel = "stylesheet"; style.href = box.dataset.style;
    document.head.append(style);
    await load(box.dataset.player);
    await show(0, false);
    box.querySelector(".replaybar").hidden = false;
    speed.onchange = async () => show(await player.getCurrentTime(), true);
    find.oninput = search;
    for (const row of document.querySelectorAll("#commands li")) {
      const marker = markers.find(([, label]) => label.startsWith(`${row.dataset.number}: `));
      const button = row.querySelector(".jump");
      if (!marker) continue;
      button.hidden = false;
      button.onclick = () => jump(marker[0]);
    }
    box.dataset.ready = "1";
  }
  begin().catch((error) => { console.error(error); message.textContent = box.dataset.failed; });
})();
