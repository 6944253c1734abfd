// The review desk: moving through the list, correcting with one key.
import { place } from "./live.js";
import { announce, hideToast, localise, send, sentence, toast, typing } from "./ui.js";

const rows = () => [...document.querySelectorAll("#rows .row")];
let at = -1;

function step(by) {
  const all = rows();
  if (!all.length) return;
  all[at]?.classList.remove("on");
  at = Math.max(0, Math.min(all.length - 1, at + by));
  all[at].classList.add("on");
  all[at].focus();
}

/** Sends a form and puts the page that comes back in place of this one. */
async function swap(form, button) {
  const body = new URLSearchParams(new FormData(form));
  if (button?.name) body.set(button.name, button.value);
  const reply = await send(form.action, { body }).catch(() => null);
  if (!reply) return toast("No connection. Please try again.");
  const type = reply.headers.get("content-type") || "";
  if (!type.includes("html")) return toast(await sentence(reply));
  // What was done leads elsewhere.
  if (reply.redirected && new URL(reply.url).pathname !== location.pathname) {
    return location.assign(reply.url);
  }
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  const next = page.getElementById("main");
  const main = document.getElementById("main");
  // Whoever works by keyboard stays where they were.
  const focus = main.contains(document.activeElement) && place(document.activeElement);
  main.replaceChildren(...next.childNodes);
  localise(document);
  if (focus) main.querySelector(focus)?.focus();
  hideToast();
  const note = document.querySelector(".notice");
  if (!note) return;
  // Said where the reader is, should the top of the page be out of sight.
  if (note.getBoundingClientRect().top < 0) toast(note.textContent.trim());
  else announce(note.textContent.trim());
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-swap]")) return;
  event.preventDefault();
  swap(event.target, event.submitter);
});

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("[data-auto]");
  if (form) swap(form);
  else if (event.target.closest?.("#filters") && event.target.matches("select")) event.target.form.requestSubmit();
});

document.addEventListener("keydown", (event) => {
  if (typing(event)) return;
  const key = event.key.toLowerCase();
  if (key === "j") step(1);
  else if (key === "k") step(-1);
  else if (key === "r" && document.getElementById("reply")) {
    event.preventDefault();
    document.getElementById("reply").focus();
  } else {
    const press = document.querySelector(`[data-key-press="${CSS.escape(key)}"]`);
    const focus = document.querySelector(`[data-key-focus="${CSS.escape(key)}"]`);
    if (press) {
      event.preventDefault();
      press.click();
    } else if (focus) {
      event.preventDefault();
      const field = focus.matches("select") ? focus : focus.querySelector("[aria-pressed=true]") || focus.querySelector("button");
      field.focus();
      field.showPicker?.();
    }
  }
});
