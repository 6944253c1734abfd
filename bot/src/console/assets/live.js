// Keeps an open page true: what others do appears in it. Only the parts that changed are put
// in place of the old ones; focus, scrolling and what is being typed stay as they are.
import { announce, localise } from "./ui.js";

const AGAIN = 5000;
const live = () => document.querySelector("[data-live]");

/** How the same control is found on another version of the page. */
export function place(at) {
  if (at.id) return `#${CSS.escape(at.id)}`;
  if (at.name) return `[name="${CSS.escape(at.name)}"][value="${CSS.escape(at.value)}"]`;
  if (at.hasAttribute("href")) return `a[href="${CSS.escape(at.getAttribute("href"))}"]`;
  const form = at.closest("form")?.getAttribute("action");
  return form ? `form[action="${CSS.escape(form)}"] ${at.localName}` : "";
}

/** Whether a reader is in the middle of something here that would be lost. */
function inUse(part) {
  const selection = getSelection();
  if (!selection.isCollapsed && part.contains(selection.anchorNode)) return true;
  if (part.querySelector("details[open]")) return true;
  const fields = part.querySelectorAll("input:not([type=hidden]), textarea");
  return [...fields].some((f) => f.value !== f.defaultValue || f.checked !== f.defaultChecked);
}

function replace(old, fresh) {
  const focus = old.contains(document.activeElement) && place(document.activeElement);
  old.replaceWith(fresh);
  if (focus) fresh.querySelector(focus)?.focus({ preventScroll: true });
}

const times = (part) => [...part.querySelectorAll("time")];

/** Whether both say the same, but for how long ago something was. */
function same(old, fresh) {
  const [a, b] = [old, fresh].map((part) => {
    const copy = part.cloneNode(true);
    for (const time of times(copy)) time.textContent = "";
    return copy;
  });
  return a.isEqualNode(b);
}

function grow(old, fresh) {
  const now = times(fresh);
  times(old).forEach((time, n) => { time.textContent = now[n].textContent; });
}

/** Takes over the named parts of `next` that differ, and the parts of those that have some. */
function merge(now, next) {
  const part = (node, name) => node.querySelector(`:scope > [data-part="${name}"]`);
  for (const old of [...now.children].filter((node) => node.dataset.part)) {
    if (!part(next, old.dataset.part) && !inUse(old)) old.remove();
  }
  let before = null;
  for (const fresh of [...next.children].filter((node) => node.dataset.part)) {
    const { part: name, parts, keep } = fresh.dataset;
    const old = part(now, name);
    if (!old) {
      if (before) before.after(fresh);
      else now.prepend(fresh);
    } else if (parts !== undefined) merge(old, fresh);
    else if (same(old, fresh)) grow(old, fresh);
    else if (keep === undefined && !inUse(old)) replace(old, fresh);
    before = part(now, name);
  }
}

async function renew() {
  const now = live();
  const url = new URL(location.href);
  // What was said after the last act was said then.
  url.searchParams.delete("said");
  const reply = await fetch(url, { redirect: "manual" }).catch(() => null);
  if (!reply?.ok) return;
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  const next = page.querySelector("[data-live]");
  // The reader's own act may have been faster.
  if (!next || live() !== now) return;
  localise(next);
  const { news } = now.dataset;
  merge(now, next);
  Object.assign(now.dataset, next.dataset);
  if (next.dataset.news !== news) announce(next.dataset.news);
}

let turn = Promise.resolve();
const refresh = () => { turn = turn.then(renew); };

// --- When to look ------------------------------------------------------------------

let events = null;
let timer = null;

function stop() {
  events?.close();
  events = null;
  clearInterval(timer);
  clearTimeout(timer);
}

function start() {
  stop();
  const page = live();
  // A page that nobody looks at holds no connection; browsers have few.
  if (!page || document.hidden) return;
  if (page.dataset.every) {
    timer = setInterval(refresh, Number(page.dataset.every));
    return;
  }
  events = new EventSource(`${page.dataset.events}?seen=${encodeURIComponent(page.dataset.mark)}`);
  events.addEventListener("changed", (event) => {
    if (JSON.parse(event.data).mark !== live()?.dataset.mark) refresh();
  });
  events.onerror = () => {
    // A broken stream is taken up again by the browser itself, a refused one is not.
    if (events?.readyState === EventSource.CLOSED) timer = setTimeout(resume, AGAIN);
  };
}

/** Listens again, unless there is nothing to be seen here any more. */
async function resume() {
  const reply = await fetch(location.href, { redirect: "manual" }).catch(() => null);
  if (!reply || reply.status >= 500) timer = setTimeout(resume, AGAIN);
  else if (reply.ok) start();
}

document.addEventListener("visibilitychange", () => {
  start();
  if (live()?.dataset.every && !document.hidden) refresh();
});
addEventListener("pagehide", stop);
addEventListener("pageshow", start);
