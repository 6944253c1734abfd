// Under an answer: its buttons and the ticket form.
import { announce, fragment, send, sentence, toast } from "./ui.js";

/** Sends a form; what came back, or null after telling why not. */
async function post(at) {
  const buttons = [...at.querySelectorAll("button")];
  for (const button of buttons) button.disabled = true;
  try {
    const reply = await send(at.action, {
      body: new URLSearchParams(new FormData(at)),
      headers: { accept: "application/json" },
    });
    if (reply.ok) return await reply.json();
    toast(await sentence(reply));
  } catch {
    toast("No connection. Please try again.");
  }
  for (const button of buttons) button.disabled = false;
  buttons[0]?.focus();
  return null;
}

const toComposer = () => document.getElementById("text").focus();

/** One of the buttons under an answer. */
export async function act(at) {
  const done = await post(at);
  if (!done) return;
  const next = fragment(done.html).firstElementChild;
  const message = at.closest(".message");
  at.closest(".actions").replaceWith(next);
  // A form opened before has no button to belong to any more.
  if (!next.querySelector("[data-form]")) message?.querySelector("[data-form-target]")?.replaceChildren();
  const following = next.querySelector("button, a");
  if (following) following.focus();
  else toComposer();
  announce(next.querySelector(".done")?.textContent || "Done");
}

/** The ticket form; calls `accepted` once the ticket is on its way. */
export async function fileTicket(at, note, accepted) {
  const message = at.closest(".message");
  if (!(await post(at))) return;
  at.replaceWith(note);
  // It is filed: the same button would file it again.
  message?.querySelector("[data-form]")?.remove();
  announce(note.textContent);
  toComposer();
  accepted();
}

/** "Not solved" on a ticket's card; the card changes by the live event that follows. */
export async function reopen(at) {
  const button = at.querySelector("button");
  button.disabled = true;
  const reply = await send(at.action, { body: new URLSearchParams(new FormData(at)) }).catch(() => null);
  if (reply?.ok) return toComposer();
  button.disabled = false;
  toast(reply ? await sentence(reply) : "No connection. Please try again.");
}

async function openForm(url, slot, keep) {
  const reply = await fetch(url).catch(() => null);
  if (!reply) return toast("No connection. Please try again.");
  if (!reply.ok) return toast(await sentence(reply));
  slot.replaceChildren(fragment(await reply.text()));
  for (const [name, value] of keep || []) {
    const field = slot.querySelector(`[name="${CSS.escape(name)}"]`);
    if (field && value) field.value = value;
  }
  if (keep) slot.querySelector("[name=kind]:checked")?.focus();
  else slot.querySelector("[name=summary]")?.focus({ preventScroll: true });
  slot.scrollIntoView({ block: "nearest", behavior: "smooth" });
}

/** The form of the request a "file a ticket" link belongs to. */
export const openTicketForm = (link) =>
  openForm(link.dataset.form, link.closest(".message").querySelector("[data-form-target]"));

/** Puts the form away; the focus goes back to the button that opened it. */
export function closeTicketForm(at) {
  const message = at.closest(".message");
  at.closest("[data-ticket-form]").remove();
  const link = message?.querySelector("[data-form]");
  if (link) link.focus();
  else toComposer();
}

// Another kind has other fields; what was written into the common ones stays.
document.addEventListener("change", (event) => {
  const at = event.target;
  const box = at.closest?.("[data-ticket-form]");
  if (!box || at.name !== "kind") return;
  const keep = [...new FormData(box)].filter(
    ([name]) => ["summary", "system"].includes(name) || name.startsWith("field."),
  );
  const url = new URL(box.dataset.refill, location.href);
  url.searchParams.set("kind", at.value);
  const slot = document.createElement("div");
  slot.dataset.formSlot = "";
  box.replaceWith(slot);
  openForm(url, slot, keep);
});
