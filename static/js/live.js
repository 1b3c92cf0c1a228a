// Renews what a page shows of the mirror while it is looked at. Without this script the page is as
// it was when it was loaded.
(() => {
  "use strict";
  const PAUSE_MS = 1000;
  // Times run, and what stalls fades, without an event.
  const ANYWAY_MS = 10000;
  const parts = document.querySelectorAll("[data-live]");
  if (!parts.length || !window.EventSource) return;
  let source = null;
  let timer = 0;
  let anyway = 0;
  let isRenewing = false;
  let isStale = false;

  async function renew() {
    timer = 0;
    isStale = false;
    isRenewing = true;
    try {
      const answer = await fetch("/mirror");
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of parts) {
          const fresh = page.getElementById(part.id);
          if (fresh) part.replaceChildren(...fresh.childNodes);
        }
      }
    } catch {
      // The node is away; the events come again when it is back.
    }
    isRenewing = false;
    if (isStale) renewSoon();
  }

  // What happens while the page is on its way may not be in it: it is asked for once more.
  function renewSoon() {
    isStale = true;
    if (!isRenewing) timer ||= setTimeout(renew, PAUSE_MS);
  }

  // A browser has few connections to one node: only the page that is looked at keeps one.
  function listen() {
    if (document.hidden) {
      source?.close();
      source = null;
      clearInterval(anyway);
    } else if (!source) {
      source = new EventSource("/mirror/events");
      for (const what of ["begun", "progressed", "landed", "failed", "state", "lost"]) {
        source.addEventListener(what, renewSoon);
      }
      anyway = setInterval(renewSoon, ANYWAY_MS);
    }
  }

  document.addEventListener("visibilitychange", listen);
  listen();
})();
