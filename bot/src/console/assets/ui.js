// Shared by every page: theme, dialogs, menus, times, requests that change something.

export const csrf = () => document.body.dataset.csrf || "";

/** Sends a change with the session's token; the server refuses it otherwise. */
export function send(url, options = {}) {
  const headers = { "x-csrf-token": csrf(), ...(options.headers || {}) };
  return fetch(url, { method: "POST", ...options, headers });
}

/** The sentence a failed reply carries, or one of our own. */
export async function sentence(response) {
  const type = response.headers.get("content-type") || "";
  if (type.includes("json")) {
    const body = await response.json().catch(() => ({}));
    if (body.detail) return body.detail;
  }
  return "That did not work. Please try again.";
}

/** Says something to those who listen instead of look. */
export function announce(text) {
  const box = document.getElementById("announce");
  // The same words again would be no change, so nothing would be said.
  box.textContent = "";
  requestAnimationFrame(() => { box.textContent = text; });
}

/** HTML from the server as nodes. */
export function fragment(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  localise(box.content);
  return box.content;
}

export const hideToast = () => document.querySelector(".toast")?.remove();

let toastTimer;
export function toast(text) {
  hideToast();
  const box = document.createElement("div");
  box.className = "toast";
  box.textContent = text;
  document.body.append(box);
  announce(text);
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => box.remove(), 6000);
}

/** Whether a key press belongs to a field or carries a modifier, so is no shortcut. */
export function typing(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  if (document.querySelector("dialog[open]")) return true;
  const at = event.target;
  return at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName));
}

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Times come in UTC; their titles are shown in the reader's own zone. */
export function localise(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.title = clock.format(at);
  }
}

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
}

document.addEventListener("click", (event) => {
  const at = event.target.closest("[data-theme-toggle], [data-open]");
  if (at?.hasAttribute("data-theme-toggle")) toggleTheme();
  if (at?.dataset.open) document.getElementById(at.dataset.open)?.showModal();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
  if (typing(event)) return;
  if (event.key === "?") {
    event.preventDefault();
    document.getElementById("shortcuts")?.showModal();
  }
  if (event.key === "/") {
    const field = document.querySelector("#text, #q, #reply");
    if (field) {
      event.preventDefault();
      field.focus();
    }
  }
});

// A form that is under way is not sent again by a second, impatient press. On the window, after
// every script that sends a form in its own way.
addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent !== undefined) event.preventDefault();
  form.dataset.sent = "";
});
// Whoever comes back to the page may send it once more.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

localise(document);
