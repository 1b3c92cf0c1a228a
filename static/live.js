// Renews what a page shows of the mirror while it is looked at. Without this script the page is as
// it was when it was loaded.
(() => {
  "use strict";
  const PAUSE_MS = 1000;
  const parts = document.querySelectorAll("[data-live]");
  if (!parts.length || !window.EventSource) return;
  let source = null;
  let timer = 0;

  async function renew() {
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
    timer = 0;
  }

  function renewSoon() {
    timer ||= setTimeout(renew, PAUSE_MS);
  }

  // A browser has few connections to one node: only the page that is looked at keeps one.
  function listen() {
    if (document.hidden) {
      source?.close();
      source = null;
    } else if (!source) {
      source = new EventSource("/mirror/events");
      for (const what of ["begun", "progressed", "landed", "failed", "state", "lost"]) {
        source.addEventListener(what, renewSoon);
      }
    }
  }

  document.addEventListener("visibilitychange", listen);
  listen();
})();
