// What is shown of a conversation: messages, drafts, tickets, the sign of typing, and where
// the reader stands in it.
import { announce, fragment } from "./ui.js";

const stream = document.getElementById("stream");
const scroll = document.getElementById("scroll");
const icons = document.getElementById("icons").content;

const icon = (name) => icons.querySelector(`[data-name="${name}"]`).firstElementChild.cloneNode(true);
const nearEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 140;
export const toEnd = () => { scroll.scrollTop = scroll.scrollHeight; };
const isAtTop = (node) =>
  Math.abs(node.getBoundingClientRect().top - scroll.getBoundingClientRect().top) < 40;
/** The end, but never so far that the start of a long answer is gone. */
const follow = (node) => {
  toEnd();
  if (node.getBoundingClientRect().top < scroll.getBoundingClientRect().top) node.scrollIntoView();
};

/** A message as the server wrote it; whether it is the reader's own. */
export function showMessage(html, waiting) {
  const draft = stream.querySelector(".message.draft");
  // A long draft is followed by its start, so its end may be out of sight.
  const stay = nearEnd() || (draft && isAtTop(draft));
  const node = fragment(html).querySelector(".message");
  const mine = node.dataset.author === "mine";
  if (mine) {
    pendingOf(node.dataset.request)?.remove();
    stream.append(node);
    if (waiting) showTyping();
  } else {
    hideTyping();
    draft?.remove();
    if (!draft) node.classList.add("fresh");
    stream.append(node);
  }
  // A typing sign stays below what has been said.
  const sign = document.getElementById("typing");
  if (sign) stream.append(sign);
  if (stay) follow(node);
  return mine;
}

export function showDraft({ request_id: request, html }) {
  let draft = stream.querySelector(".message.draft");
  const stay = nearEnd();
  hideTyping();
  if (!draft) {
    draft = bubble("draft");
    // Read out once, when it is whole.
    draft.setAttribute("aria-live", "off");
    stream.append(draft);
  }
  draft.dataset.request = request;
  draft.querySelector(".prose").replaceChildren(fragment(html));
  if (stay) follow(draft);
}

export function showTicket({ key, html }) {
  for (const card of document.querySelectorAll(`[data-ticket-card="${CSS.escape(key)}"]`)) {
    const next = fragment(html).firstElementChild;
    if (card.textContent === next.textContent) continue;
    const status = next.querySelector(".chip");
    if (card.querySelector(".chip")?.textContent !== status?.textContent) {
      status?.classList.add("changed");
      announce(`${key} is now ${status?.textContent}`);
    }
    card.replaceWith(next);
  }
}

function bubble(kind) {
  const node = document.createElement("div");
  node.className = `message ${kind}`;
  const face = document.createElement("span");
  face.className = "avatar bot";
  face.append(icon("bot"));
  const body = document.createElement("div");
  body.innerHTML = '<div class="meta"><b>Firstline</b></div><div class="bubble"><div class="prose"></div></div>';
  node.append(face, body);
  return node;
}

export function showTyping() {
  if (document.getElementById("typing") || stream.querySelector(".draft")) return;
  const stay = nearEnd();
  const node = bubble("waiting");
  node.id = "typing";
  node.querySelector(".prose").innerHTML =
    '<span class="typing" aria-hidden="true"><i></i><i></i><i></i></span><span class="sr">Firstline is writing</span>';
  stream.append(node);
  if (stay) toEnd();
}

const hideTyping = () => document.getElementById("typing")?.remove();

export function showPending(words, names) {
  const node = document.createElement("div");
  node.className = "message mine pending fresh";
  const body = document.createElement("div");
  const box = document.createElement("div");
  box.className = "bubble";
  box.dir = "auto";
  box.textContent = words || names.join(", ");
  const meta = document.createElement("div");
  meta.className = "meta";
  meta.textContent = "Sending ...";
  body.append(box, meta);
  node.append(body);
  stream.append(node);
  toEnd();
  return node;
}

/** The bubble standing in for the message of this request. */
function pendingOf(request) {
  const all = [...stream.querySelectorAll(".message.pending, .message.failed")];
  return all.find((n) => n.dataset.sent === request)
    || all.find((n) => n.classList.contains("pending") && !n.dataset.sent);
}

/** Whether the message of this request came back from the server. */
export const shown = (request) =>
  stream.querySelector(`.message[data-seq][data-author="mine"][data-request="${CSS.escape(request)}"]`) !== null;

export function filedNote() {
  const note = document.createElement("p");
  note.className = "done";
  note.append(icon("check"), "Thanks, the ticket is being filed.");
  return note;
}
