// One file on its way to the node, by tus 1.0. A broken connection is waited for, and goes on where
// the node says; a page that was loaded again goes on too, once the same file is chosen.
const TUS = { "Tus-Resumable": "1.0.0" };
// So much goes in one request: less is lost where something between us breaks, or counts.
const PART_BYTES = 64 * 1024 * 1024;
const PAUSES_S = [1, 2, 4, 8, 15, 30];
// Words of the node with which it is no use to try again by oneself.
const FINAL = ["closed", "too-large", "inbox-full", "no-space", "in-the-way", "too-much"];

// `btoa` knows bytes only.
function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

export class Upload {
  // `where`: { token, folder }; `changed` is called at each change.
  constructor(file, path, where, changed) {
    Object.assign(this, { file, path, where, changed });
    this.size = file.size;
    this.sent = 0;
    this.speed = 0;
    this.tries = 0;
    this.turn = 0;
    this.state = "waiting";
    this.why = "";
    this.again = 0;
    this.receipt = null;
    this.url = this.remembered();
  }

  // Begins, or goes on.
  start() {
    clearTimeout(this.timer);
    this.turn += 1;
    const { turn } = this;
    this.enter("sending");
    // Who was paused and goes on has a turn of its own: the old one may still be waiting.
    const isMine = () => this.turn === turn && this.state === "sending";
    this.bring(isMine).catch((error) => isMine() && this.failed(error));
  }

  pause() {
    clearTimeout(this.timer);
    this.enter("paused");
    this.request?.abort();
  }

  retry() {
    this.tries = 0;
    this.enter("waiting");
  }

  cancel() {
    clearTimeout(this.timer);
    this.enter("cancelled");
    this.request?.abort();
    if (this.url) fetch(this.url, { method: "DELETE", headers: TUS }).catch(() => {});
    this.remember(null);
  }

  get isOver() {
    return ["done", "failed", "cancelled"].includes(this.state);
  }

  enter(state, why = "") {
    this.state = state;
    this.why = why;
    if (state !== "sending") this.speed = 0;
    this.changed(this);
  }

  async bring(isMine) {
    if (this.url && !(await this.ask())) this.url = null;
    if (!this.url && isMine()) await this.create();
    while (this.sent < this.size && isMine()) await this.part();
    if (!isMine()) return;
    const answer = await fetch(this.url, { headers: { Accept: "application/json" } });
    const told = answer.ok ? await answer.json() : {};
    if (!told.receipt) throw { word: answer.headers.get("Boucan-Why") ?? "unfinished" };
    this.receipt = told.receipt;
    this.remember(null);
    this.enter("done");
  }

  async create() {
    const pairs = { relativePath: this.path, filename: this.file.name, folder: this.where.folder };
    if (this.file.lastModified) pairs.modified = String(Math.floor(this.file.lastModified / 1000));
    const metadata = Object.entries(pairs).filter(([, value]) => value);
    const headers = {
      ...TUS,
      "Upload-Length": String(this.size),
      "Upload-Metadata": metadata.map(([key, value]) => `${key} ${base64(value)}`).join(","),
    };
    if (this.where.token) headers["X-Boucan-Token"] = this.where.token;
    const answer = await fetch("/up/", { method: "POST", headers });
    if (answer.status !== 201) throw { status: answer.status, word: answer.headers.get("Boucan-Why") };
    this.url = answer.headers.get("Location");
    this.sent = 0;
    this.remember(this.url);
  }

  // Where it goes on; false if the node knows nothing of it any more.
  async ask() {
    const answer = await fetch(this.url, { method: "HEAD", headers: TUS });
    if (answer.status === 404) return false;
    if (!answer.ok) throw { status: answer.status, word: answer.headers.get("Boucan-Why") };
    this.sent = Number(answer.headers.get("Upload-Offset"));
    return true;
  }

  // Only XMLHttpRequest tells how much has gone.
  part() {
    const from = this.sent;
    const began = performance.now();
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      this.request = request;
      request.open("PATCH", this.url);
      request.setRequestHeader("Tus-Resumable", "1.0.0");
      request.setRequestHeader("Upload-Offset", String(from));
      request.setRequestHeader("Content-Type", "application/offset+octet-stream");
      request.upload.onprogress = (event) => {
        this.sent = from + event.loaded;
        this.speed = (event.loaded * 1000) / Math.max(1, performance.now() - began);
        this.changed(this);
      };
      request.onload = () => {
        if (request.status !== 204) {
          failed({ status: request.status, word: request.getResponseHeader("Boucan-Why") });
          return;
        }
        this.sent = Number(request.getResponseHeader("Upload-Offset"));
        this.tries = 0;
        done();
      };
      request.onerror = () => {
        // What was only handed to the system may be lost: the node says where it goes on.
        if (this.sent >= Math.min(this.size, from + PART_BYTES)) this.sent = from;
        failed({});
      };
      request.onabort = () => failed({});
      request.send(this.file.slice(from, from + PART_BYTES));
    });
  }

  async failed(error) {
    const refused = error.word && (FINAL.includes(error.word) || error.word.startsWith("name"));
    if (refused) return this.enter("failed", error.word);
    if (error.status === 403 || error.status === 400) return this.enter("failed", error.word ?? "other");
    if (!(await this.isReadable())) return this.enter("failed", "unreadable");
    const pause = PAUSES_S[Math.min(this.tries, PAUSES_S.length - 1)];
    this.tries += 1;
    this.again = Date.now() + pause * 1000;
    this.enter("broken", error.word ?? "");
    this.timer = setTimeout(() => this.start(), pause * 1000);
  }

  // A file that was changed or taken away since it was chosen cannot be read.
  async isReadable() {
    try {
      await this.file.slice(0, 1).arrayBuffer();
      return true;
    } catch {
      return false;
    }
  }

  get key() {
    const { token, folder } = this.where;
    return ["boucan-up", token ?? "", folder ?? "", this.path, this.size, this.file.lastModified].join("\n");
  }

  // For this tab only: others may use this browser.
  remembered() {
    try {
      return sessionStorage.getItem(this.key);
    } catch {
      return null;
    }
  }

  remember(url) {
    try {
      if (url) sessionStorage.setItem(this.key, url);
      else sessionStorage.removeItem(this.key);
    } catch {
      // Not allowed: then a page that is loaded again begins again.
    }
  }
}
