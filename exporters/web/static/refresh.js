"use strict";
// Fetches the page again every 30 s and swaps what it says. Never moves the focus, says when it was last updated,
// can be paused, and goes red when the agent no longer answers. Without scripts the page is simply as old as it says.
(() => {
  const EVERY = 30000;
  const bar = document.getElementById("refresh");
  const said = document.getElementById("refresh-said");
  const button = document.getElementById("refresh-pause");
  const aloud = document.getElementById("refresh-aloud");
  let etag = null;
  let paused = false;
  let timer = null;

  // Swapping would lose a selection under the reader's hand: wait, and say so.
  const busy = () => !document.getSelection().isCollapsed;

  const show = (words, state) => {
    said.textContent = words;
    bar.className = "refresh " + state;
  };

  const swap = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const before = document.title;
    const main = document.getElementById("main");
    const open = new Set([...main.querySelectorAll("details[open] > summary")].map((found) => found.textContent));
    const focused = main.contains(document.activeElement) ? document.activeElement : null;
    main.replaceChildren(...fresh.getElementById("main").childNodes);
    for (const found of main.querySelectorAll("details > summary")) {
      if (open.has(found.textContent)) found.parentElement.open = true;
    }
    if (focused) {
      const same = [...main.querySelectorAll(focused.tagName)].find((found) => found.textContent === focused.textContent);
      (same || main).focus({ preventScroll: true });
    }
    document.title = fresh.title;
    if (before !== fresh.title) aloud.textContent = fresh.title;
    document.getElementById("refresh-at").replaceWith(fresh.getElementById("refresh-at"));
  };

  const stamp = (when) => {
    const at = document.getElementById("refresh-at");
    const now = new Date(when || Date.now());
    at.dateTime = now.toISOString();
    at.textContent = now.toLocaleTimeString("en-GB", { timeZone: "Europe/London", timeZoneName: "short" });
  };

  const refresh = async () => {
    if (busy()) {
      show("Updates wait while text is selected. This page is from", "paused");
    } else {
      try {
        const headers = etag ? { "If-None-Match": etag } : {};
        const answer = await fetch(location.href, { headers, cache: "no-store", signal: AbortSignal.timeout(10000) });
        if (answer.status === 304) stamp(answer.headers.get("date"));
        else if (answer.ok) { etag = answer.headers.get("etag"); swap(await answer.text()); }
        else throw new Error(String(answer.status));
        if (!paused) show("Updated", "");
      } catch {
        show("No answer from the agent. This page is from", "failing");
      }
    }
    if (!paused) timer = setTimeout(refresh, EVERY);
  };

  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? "Resume updates" : "Pause updates";
    clearTimeout(timer);
    if (paused) show("Updates paused. This page is from", "paused");
    else refresh();
  });

  button.hidden = false;
  timer = setTimeout(refresh, EVERY);
})();
