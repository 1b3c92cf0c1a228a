// Renews what changes by itself while a page is looked at: elements with an id and
// data-live="TOPIC …" get the content that the same address gives now. The node tells by /live which
// topics changed. Without this script, and where there is no such element, the page stays as it is.
const PAUSE_MS = 1000;
// Times run on without an event.
const ANYWAY_MS = 30000;
const TOPICS = ["near", "transfers", "loot", "news", "inbox"];
const AWAY_MIN_MS = 2000;
const AWAY_MAX_MS = 60000;
// Where the node has no place for a stream, the page asks now and then, and for a place less often.
const CROWDED_MS = 60000;

const status = document.querySelector("[data-live-status]");
const stale = new Set();
// Parts that were in use when something new came: they wait until they are not.
const held = new Set();
let source = null;
let pause = 0;
let again = 0;
let wait = AWAY_MIN_MS;
let isRenewing = false;
let wasAway = false;

const parts = () => [...document.querySelectorAll("[data-live][id]")];
const topics = (part) => part.dataset.live.split(" ");

function say(text) {
  if (status && status.textContent !== text) status.textContent = text;
}

// Something new is there for it, and it may be shown now.
function isDue(part, wanted) {
  const isStale = held.has(part.id) || topics(part).some((topic) => wanted.has(topic));
  return isStale && !part.closest("[hidden]");
}

// Nothing is taken from under the hands or the eyes of who uses it.
function isInUse(part) {
  const selection = getSelection();
  return part.contains(document.activeElement)
    || part.querySelector("details[open]:not([data-opened]), dialog[open]")
    || (selection && !selection.isCollapsed && part.contains(selection.anchorNode));
}

function replace(part, fresh) {
  const [x, y] = [scrollX, scrollY];
  part.replaceChildren(...document.importNode(fresh, true).childNodes);
  for (const button of part.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
  scrollTo(x, y);
  part.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
}

// What the page said when it came, to tell what is new from what a script changed here.
const said = new WeakMap();

function renewFrom(page, wanted) {
  for (const part of parts().filter((part) => isDue(part, wanted))) {
    held.delete(part.id);
    const fresh = page.getElementById(part.id);
    if (!fresh || (said.get(part) ?? part.innerHTML) === fresh.innerHTML) continue;
    if (isInUse(part)) {
      held.add(part.id);
      continue;
    }
    said.set(part, fresh.innerHTML);
    replace(part, fresh);
  }
}

async function renew() {
  pause = 0;
  const wanted = new Set(stale);
  stale.clear();
  isRenewing = true;
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout?.(20000) });
    if (!answer.ok) throw new Error(answer.statusText);
    renewFrom(new DOMParser().parseFromString(await answer.text(), "text/html"), wanted);
  } catch {
    // The node is away; all is asked for again when it is back.
    held.clear();
  }
  isRenewing = false;
  renewSoon();
}

// What happens while the page is on its way may not be in it: it is asked for once more.
function renewSoon(changed = []) {
  changed.forEach((topic) => stale.add(topic));
  if (!stale.size && !held.size || isRenewing || document.hidden) return;
  // While all of it is in use, the node is not asked for what cannot be shown.
  const isWanted = parts().some((part) => isDue(part, stale) && !isInUse(part));
  if (isWanted) pause ||= setTimeout(renew, PAUSE_MS);
}

function lost() {
  const isRefused = source?.readyState === EventSource.CLOSED;
  close();
  // Many pages must not come back in the same moment.
  const shortly = (ms) => ms * (0.75 + Math.random() / 2);
  if (isRefused) {
    renewSoon(TOPICS);
    again = setTimeout(open, shortly(CROWDED_MS));
    return;
  }
  if (wasAway) say(status?.dataset.away ?? "");
  wasAway = true;
  again = setTimeout(open, shortly(wait));
  wait = Math.min(wait * 2, AWAY_MAX_MS);
}

function open() {
  clearTimeout(again);
  if (source || document.hidden) return;
  source = new EventSource("/live");
  source.onerror = lost;
  source.addEventListener("hello", () => {
    say("");
    wait = AWAY_MIN_MS;
    if (wasAway) renewSoon(TOPICS);
    wasAway = false;
  });
  for (const topic of TOPICS) source.addEventListener(topic, () => renewSoon([topic]));
}

function close() {
  source?.close();
  source = null;
  clearTimeout(again);
}

// A browser has few connections to one node: only the page that is looked at keeps one.
function look() {
  if (document.hidden) {
    close();
    clearTimeout(pause);
    pause = 0;
  } else {
    renewSoon(TOPICS);
    open();
  }
}

if (parts().length && window.EventSource) {
  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted) look(); });
  // Whether somebody still uses a part is looked up here, without asking the node.
  setInterval(renewSoon, PAUSE_MS);
  setInterval(() => renewSoon(["near", "transfers"]), ANYWAY_MS);
  open();
}
