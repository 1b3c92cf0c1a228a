// Sends files while the page shows how far each is. Without this script a plain form does it.
import { chosen, dropped } from "./chosen.js";
import { Upload } from "./upload.js";
import { Words } from "./words.js";

// Several small files gain by company, large ones share the line.
const AT_ONCE = 3;
// Rows of those that wait; the rest is counted.
const ROWS_MAX = 100;
const SHOWN_EVERY_MS = 250;

const form = document.getElementById("bring");
if (form) begin();

function begin() {
  const words = new Words(document.getElementById("bring-words"));
  const at = (id) => document.getElementById(id);
  const uploads = [];
  const rows = new Map();
  let shown = 0;

  for (const part of form.querySelectorAll("[data-plain]")) part.hidden = true;
  for (const part of form.querySelectorAll("[data-scripted]")) part.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  // A button that opens the browser's own window.
  function chooser(what, input) {
    const button = form.querySelector(`[data-choose="${what}"]`);
    const take = () => {
      if (input.files.length) add(chosen(input));
      input.value = "";
    };
    input.addEventListener("change", take);
    // Somebody was quicker than this script.
    take();
    button.addEventListener("click", () => input.click());
    button.hidden = false;
  }

  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    form.classList.add("is-over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) form.classList.remove("is-over");
  });
  document.addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    form.classList.remove("is-over");
    add(await dropped(event.dataTransfer));
  });

  function add({ files, leftOut }) {
    const where = { token: form.elements.token?.value, folder: form.elements.folder?.value.trim() };
    for (const { file, path } of files) uploads.push(new Upload(file, path, where, onChange));
    if (leftOut) say(words.fill("leftOut", { count: words.number(leftOut) }));
    if (files.length) at("sending").hidden = false;
    next();
  }

  function onChange(upload) {
    if (upload.isOver) {
      if (upload.state === "done") show(upload.receipt);
      next();
    }
    showSoon(upload.isOver);
  }

  function next() {
    const active = uploads.filter((upload) => ["sending", "broken"].includes(upload.state)).length;
    const waiting = uploads.filter((upload) => upload.state === "waiting");
    for (const upload of waiting.slice(0, Math.max(0, AT_ONCE - active))) upload.start();
    showSoon(true);
  }

  let timer = 0;
  function showSoon(isNow) {
    if (isNow) shown = 0;
    const pause = Math.max(0, SHOWN_EVERY_MS - (performance.now() - shown));
    timer ||= setTimeout(showAll, shown ? pause : 0);
  }

  function showAll() {
    timer = 0;
    shown = performance.now();
    const here = uploads.filter((upload) => !["done", "cancelled"].includes(upload.state));
    // What moves or needs a hand first, then so many of those that wait.
    const listed = here.filter((upload) => upload.state !== "waiting");
    listed.push(...here.filter((upload) => upload.state === "waiting").slice(0, ROWS_MAX));
    for (const [upload, row] of rows) {
      if (!listed.includes(upload)) {
        row.remove();
        rows.delete(upload);
      }
    }
    for (const upload of listed) showRow(upload);
    const more = here.length - listed.length;
    at("sending-more").hidden = !more;
    at("sending-more").textContent = more ? `+ ${words.number(more)}` : "";
    showTotal(here.length);
    if (here.some((upload) => upload.state === "broken")) setTimeout(() => showSoon(false), 1000);
  }

  function showTotal(left) {
    const all = uploads.filter((upload) => upload.state !== "cancelled");
    const size = all.reduce((sum, upload) => sum + upload.size, 0);
    const sent = all.reduce((sum, upload) => sum + upload.sent, 0);
    const done = all.filter((upload) => upload.state === "done").length;
    const values = { done: words.number(done), count: words.number(all.length) };
    at("sending-total").textContent = words.fill("total", { ...values, sent: words.size(sent), size: words.size(size) });
    at("sending-bar").value = size ? sent / size : 0;
    if (!left && all.length && !at("sending").hidden) say(words.fill("allHere"));
    at("sending").hidden = !left;
  }

  function showRow(upload) {
    let row = rows.get(upload);
    if (!row) {
      row = at("sending-row").content.firstElementChild.cloneNode(true);
      row.querySelector("[data-name]").textContent = upload.path;
      const bar = row.querySelector("[data-bar]");
      bar.setAttribute("aria-label", upload.path);
      for (const button of row.querySelectorAll("[data-do]")) {
        const name = document.createElement("span");
        name.className = "unseen";
        name.textContent = ` ${upload.path}`;
        button.append(name);
        button.addEventListener("click", () => act(upload, button.dataset.do));
      }
      rows.set(upload, row);
      at("sending-rows").append(row);
    }
    const { state } = upload;
    row.querySelector("[data-bar]").value = upload.size ? upload.sent / upload.size : 0;
    row.querySelector("[data-state]").textContent = told(upload);
    row.classList.toggle("is-bad", state === "failed");
    const offered = { pause: ["sending", "broken", "waiting"], resume: ["paused"], retry: ["failed"] };
    for (const [what, states] of Object.entries(offered)) {
      row.querySelector(`[data-do="${what}"]`).hidden = !states.includes(state);
    }
  }

  function act(upload, what) {
    if (what === "pause") upload.pause();
    else if (what === "cancel") upload.cancel();
    else upload.retry();
    next();
  }

  function told(upload) {
    switch (upload.state) {
      case "paused": return words.fill("paused");
      case "failed": return upload.why === "unreadable" ? words.fill("unreadable") : words.why(upload.why);
      case "broken": {
        const left = Math.max(0, upload.again - Date.now()) / 1000;
        return words.fill("waits", { time: words.lasting(left) });
      }
      case "sending": {
        if (upload.sent >= upload.size) return words.fill("finishing");
        const left = upload.speed ? words.lasting((upload.size - upload.sent) / upload.speed) : "…";
        const values = { sent: words.size(upload.sent), size: words.size(upload.size), left };
        return words.fill("progress", { ...values, speed: `${words.size(upload.speed)}/s` });
      }
      default: return words.fill("waiting");
    }
  }

  function show(receipt) {
    const row = at("receipt-row").content.firstElementChild.cloneNode(true);
    const set = (name, text) => { row.querySelector(`[data-${name}]`).textContent = text; };
    set("name", receipt.name);
    set("blake3", receipt.blake3);
    set("code", receipt.code);
    set("size", words.size(receipt.size_bytes));
    set("at", words.when(receipt.at));
    at("receipt-rows").append(row);
    at("receipts").hidden = false;
  }

  function say(text) {
    at("bring-status").textContent = text;
  }

  at("print").addEventListener("click", () => window.print());
  at("cancel-all").addEventListener("click", () => {
    for (const upload of uploads) if (!upload.isOver) upload.cancel();
  });
  // The network is back: no need to wait for the next attempt.
  window.addEventListener("online", () => {
    for (const upload of uploads) if (upload.state === "broken") upload.start();
  });
  window.addEventListener("beforeunload", (event) => {
    if (uploads.some((upload) => ["sending", "broken", "waiting"].includes(upload.state))) event.preventDefault();
  });

  chooser("files", at("files"));
  const folder = document.createElement("input");
  if ("webkitdirectory" in folder) chooser("folder", Object.assign(folder, { type: "file", webkitdirectory: true }));
}
