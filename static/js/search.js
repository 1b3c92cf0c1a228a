// Results while somebody types: the part of /q/ is asked for and shown below the field, what comes
// first at once. The address is always one that can be shared. Without this script the form does it.
const PAUSE_MS = 120;
const SAY_MS = 600;

const field = document.querySelector("[data-search]");
const results = document.getElementById("results");
const found = document.getElementById("found");
// What the front page shows while nobody looks for anything.
const front = document.getElementById("front");
let asking = null;
let pause = 0;
let saying = 0;
let last = -PAUSE_MS;
// The words whose results are shown or on their way; none after a failure.
let asked = field?.value ?? "";

// What holds back and in which order stays; the page does not.
function address(words) {
  const query = new URLSearchParams(location.pathname === "/q/" ? location.search : "");
  query.set("v", words);
  query.delete("p");
  query.delete("part");
  return `/q/?${query}`;
}

// Told when somebody rests, or each letter would be followed by a sentence.
function say(text) {
  clearTimeout(saying);
  saying = setTimeout(() => { found.textContent = text; }, SAY_MS);
}

function show(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const isOpen = results.querySelector("details.narrow")?.open;
  results.replaceChildren(...document.importNode(page.body, true).childNodes);
  const narrow = results.querySelector("details.narrow");
  if (narrow && isOpen) narrow.open = true;
  results.hidden = false;
  if (front) front.hidden = true;
  return results.querySelector("[data-said]");
}

function keep(words, about) {
  const here = address(words);
  if (about) {
    const [, node] = document.title.split(/ · (?=[^·]*$)/);
    document.title = node ? `${about.dataset.title} · ${node}` : about.dataset.title;
  }
  // Going back from the results leads to the front page.
  if (location.pathname === "/q/") history.replaceState(null, "", here);
  else history.pushState(null, "", here);
}

async function ask() {
  clearTimeout(pause);
  pause = 0;
  last = performance.now();
  const words = field.value;
  if (words === asked) return;
  asked = words;
  asking?.abort();
  const mine = asking = new AbortController();
  results.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(`${address(words)}&part=1`, { signal: mine.signal });
    if (!answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine !== asking) return;
      asked = null;
      say(page.querySelector("main p")?.textContent ?? found.dataset.away);
      return;
    }
    let text = "";
    let about = null;
    const decoder = new TextDecoder();
    const reader = answer.body?.getReader();
    while (reader) {
      const { done, value } = await reader.read();
      text += decoder.decode(value, { stream: !done });
      if (done || mine !== asking) break;
      // The first rows, while the others are on their way.
      if (text.includes("</tr>")) about = show(text.slice(0, text.lastIndexOf("</tr>") + 5));
    }
    if (!reader) text = await answer.text();
    if (mine !== asking) return;
    about = show(text);
    keep(words, about);
    say(about?.dataset.said ?? "");
  } catch (error) {
    if (mine !== asking) return;
    asked = null;
    say(found.dataset.away);
  } finally {
    if (mine === asking) results.removeAttribute("aria-busy");
  }
}

// The first letter is looked for at once, the following ones when the hands rest for a moment.
function typed(event) {
  if (event.isComposing) return;
  clearTimeout(pause);
  const rest = performance.now() - last;
  pause = setTimeout(ask, rest > PAUSE_MS * 2 ? 0 : PAUSE_MS);
}

const hits = () => [...results.querySelectorAll("a.hit")];

function move(event) {
  const isField = event.target === field;
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.isComposing) return;
  // Nothing has the focus, and nothing was scrolled: down leads to the first hit.
  const isAbove = event.target === document.body && scrollY === 0 && event.key === "ArrowDown";
  if (!isField && !isAbove && !results.contains(event.target)) return;
  if (!isField && event.key === "Escape") {
    field.focus();
    field.select();
    event.preventDefault();
    return;
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || /^(SELECT|INPUT|TEXTAREA)$/.test(event.target.tagName) && !isField) return;
  const all = hits();
  // From a button of a row, the hit is that of the row.
  const row = event.target.closest("tr, li");
  const at = isField || isAbove ? -1 : all.findIndex((hit) => hit === event.target || row?.contains(hit));
  if (isField && step < 0) return;
  const next = all[at + step];
  if (next) next.focus();
  else if (step < 0) field.focus();
  else return;
  event.preventDefault();
}

if (field && results && found) {
  field.addEventListener("input", typed);
  field.addEventListener("compositionend", typed);
  document.addEventListener("keydown", move);
  addEventListener("popstate", () => location.reload());
  // What was typed before the script was there.
  if (field.value !== field.defaultValue) typed({});
}
