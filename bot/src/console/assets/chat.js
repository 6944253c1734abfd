// The conversation: sending, live events, the list beside it. What is shown of it is in
// stream.js, files in attach.js, buttons and forms in forms.js, the reading panel in source.js.
import { announce, fragment, send, sentence, toast, typing } from "./ui.js";
import {
  filedNote, showDraft, showMessage, showPending, showTicket, showTyping, shown, toEnd,
} from "./stream.js";
import { attachments } from "./attach.js";
import { act, closeTicketForm, fileTicket, openTicketForm, reopen } from "./forms.js";
import { closeArticle, isReading, openArticle } from "./source.js";

const chat = document.getElementById("chat");
const form = document.getElementById("composer");
const text = document.getElementById("text");
const side = document.getElementById("side");
const files = attachments(form);
const LONGEST = Number(text.dataset.longest);
let conversation = chat.dataset.conversation;
let after = Number(chat.dataset.after || 0);
let events = null;

// --- Live events -------------------------------------------------------------------

const lost = document.getElementById("connection");
let away = null;

/** A short gap is nobody's concern: the stream is renewed now and then. */
function isAway() {
  away ??= setTimeout(() => { lost.hidden = false; }, 1500);
}

function isBack() {
  clearTimeout(away);
  away = null;
  lost.hidden = true;
}

function listen() {
  events?.close();
  if (!conversation) return;
  const own = new EventSource(`/chat/${encodeURIComponent(conversation)}/events?after=${after}`);
  events = own;
  own.onopen = isBack;
  own.onerror = () => {
    isAway();
    // A broken stream is taken up again by the browser itself, a refused one is not.
    if (own.readyState === EventSource.CLOSED) setTimeout(resume, 3000);
  };
  own.addEventListener("message", (e) => onMessage(JSON.parse(e.data)));
  own.addEventListener("draft", (e) => showDraft(JSON.parse(e.data)));
  own.addEventListener("typing", () => showTyping());
  own.addEventListener("ticket", (e) => showTicket(JSON.parse(e.data)));
}

/** Listens again, unless the session has ended meanwhile. */
async function resume() {
  const reply = await fetch("/chat/list", { redirect: "manual" }).catch(() => null);
  const out = reply && (reply.type === "opaqueredirect" || reply.status === 401);
  if (!out) return listen();
  const link = document.createElement("a");
  link.href = "/sign-in";
  link.textContent = "Sign in again";
  lost.replaceChildren("You are signed out here. ", link);
  lost.hidden = false;
}

function onMessage({ seq, html, waiting }) {
  if (seq <= after) return;
  after = seq;
  if (!showMessage(html, waiting)) refreshSide();
}

function entitle(title) {
  document.getElementById("thread-title").firstElementChild.textContent = title;
  document.getElementById("rename-title").value = title;
  document.title = `${title} · Firstline`;
}

async function refreshSide() {
  const reply = await fetch(`/chat/list?current=${encodeURIComponent(conversation)}`).catch(() => null);
  if (!reply?.ok) return;
  const list = document.getElementById("conversations");
  const focused = list.contains(document.activeElement) && document.activeElement.getAttribute("href");
  list.replaceChildren(fragment(await reply.text()));
  if (focused) list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  const title = list.querySelector("[aria-current] .title")?.textContent;
  if (title && !document.getElementById("rename").open) entitle(title);
}

// --- Sending -----------------------------------------------------------------------

const problem = document.getElementById("problem");

/** Says beside the field why something was not sent, until it is changed. */
function complain(words, ...more) {
  problem.replaceChildren(words, ...more);
  problem.hidden = false;
}

const calm = () => { problem.hidden = true; };

/** Whether more characters than are taken; counted as the server counts. */
function tooLong(words) {
  const rest = words.trim();
  if (rest.length <= LONGEST) return false;
  let count = 0;
  for (const _ of rest) if (++count > LONGEST) return true;
  return false;
}

const count = (n) => n.toLocaleString("en");

function complainOfLength() {
  const attach = document.createElement("button");
  attach.type = "button";
  attach.className = "button small";
  attach.textContent = "Attach it as a file";
  attach.onclick = () => {
    files.add(new File([text.value], "message.txt", { type: "text/plain" }));
    text.value = "";
    calm();
    text.focus();
  };
  const length = count(text.value.trim().length);
  complain(`This message has ${length} characters; at most ${count(LONGEST)} are taken. Shorten it, or `, attach);
}

function begin(id) {
  conversation = id;
  chat.dataset.conversation = id;
  document.getElementById("rename-form").action = `/chat/${id}/title`;
  history.pushState(null, "", `/chat/${id}`);
  refreshSide();
  listen();
}

async function deliver(words, held, eventId, node) {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const body = new URLSearchParams({ text: words, event_id: eventId, time_zone: timeZone ?? "" });
  if (conversation) body.set("conversation", conversation);
  for (const file of held) body.append("attachment", file.id);
  let why = "No connection.";
  try {
    const reply = await send("/chat", { body, headers: { accept: "application/json" } });
    if (reply.ok) {
      const { conversation_id: id, request_id: request } = await reply.json();
      node.dataset.sent = request;
      node.querySelector(".meta").textContent = "Sent";
      // The live event may have been faster.
      if (shown(request)) node.remove();
      if (!conversation) begin(id);
      return;
    }
    why = await sentence(reply);
    if (reply.status === 413 || reply.status === 422) {
      // Sending the same again would not help: it goes back to be changed.
      node.remove();
      text.value = text.value ? `${words}\n${text.value}` : words;
      files.giveBack(held);
      complain(why);
      return;
    }
  } catch { /* falls through to the retry below */ }
  node.classList.remove("pending");
  node.classList.add("failed");
  const meta = node.querySelector(".meta");
  meta.textContent = `${why} `;
  const again = document.createElement("button");
  again.className = "button small";
  again.type = "button";
  again.textContent = "Send again";
  again.onclick = () => {
    node.classList.remove("failed");
    node.classList.add("pending");
    meta.textContent = "Sending ...";
    text.focus();
    // The same event id: if the first try did arrive, nothing is said twice.
    say(words, held, eventId, node);
  };
  meta.append(again);
  toEnd();
  announce(why);
}

let first = Promise.resolve();

/** Until the first message has made the conversation, the next ones wait for it. */
function say(...message) {
  if (conversation) return deliver(...message);
  first = first.then(() => deliver(...message));
  return first;
}

function submit(words) {
  if (files.busy()) return complain("A file is still being uploaded. Send when it is there.");
  if (tooLong(words)) return complainOfLength();
  if (!words.trim() && !files.any()) return;
  const held = files.take();
  calm();
  if (words === text.value) text.value = "";
  document.getElementById("welcome")?.remove();
  const node = showPending(words, held.map((f) => f.name));
  say(words, held, crypto.randomUUID?.() || `${Date.now()}-${Math.random()}`, node);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  text.focus();
  submit(text.value);
});
text.addEventListener("input", calm);
text.addEventListener("paste", (event) => {
  const pasted = event.clipboardData?.getData("text/plain") || "";
  if (pasted.length <= LONGEST * 5) return;
  // No field is the place for that much: browsers stand still over it.
  event.preventDefault();
  files.add(new File([pasted], "pasted.txt", { type: "text/plain" }));
  complain(`That is more than a message can hold, so it is attached as a file. At most ${count(LONGEST)} characters are taken.`);
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

// --- What is pressed -------------------------------------------------------------------

async function rename(at) {
  const reply = await send(at.action, {
    body: new URLSearchParams(new FormData(at)),
    headers: { accept: "application/json" },
  }).catch(() => null);
  if (!reply) return toast("No connection. Please try again.");
  if (!reply.ok) return toast(await sentence(reply));
  const box = document.getElementById("rename");
  box.open = false;
  box.querySelector("summary").focus();
  await refreshSide();
  announce("Renamed");
}

document.addEventListener("submit", async (event) => {
  const at = event.target;
  if (at.matches("[data-example]")) {
    event.preventDefault();
    text.focus();
    submit(at.querySelector("button").value);
  } else if (at.matches("[data-act]")) {
    event.preventDefault();
    await act(at);
  } else if (at.matches("[data-ticket-form]")) {
    event.preventDefault();
    const before = after;
    // The live event may be faster than the reply to the form.
    await fileTicket(at, filedNote(), () => { if (after === before) showTyping(); });
  } else if (at.matches("[data-reopen]")) {
    event.preventDefault();
    await reopen(at);
  } else if (at.matches("#rename-form")) {
    event.preventDefault();
    await rename(at);
  }
});

const sideButton = document.querySelector("[data-side]");

function openSide(open) {
  side.classList.toggle("open", open);
  sideButton.setAttribute("aria-expanded", String(open));
  if (open) side.querySelector("a").focus();
}

document.addEventListener("click", (event) => {
  const at = event.target.closest("[data-article], [data-form], [data-form-close], [data-side]");
  if (at !== sideButton && !side.contains(event.target)) openSide(false);
  if (!at || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (at === sideButton) openSide(!side.classList.contains("open"));
  else if (at.hasAttribute("data-article")) openArticle(at);
  else if (at.hasAttribute("data-form-close")) closeTicketForm(at);
  else openTicketForm(at);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
    if (side.classList.contains("open")) {
      openSide(false);
      sideButton.focus();
    } else if (isReading()) closeArticle();
  }
  if (typing(event)) return;
  if (event.key === "n") location.href = "/";
});
document.getElementById("rename").addEventListener("toggle", (event) => {
  if (event.target.open) document.getElementById("rename-title").select();
});
window.addEventListener("popstate", () => {
  // A link within the page, such as the one past the menu, comes here as well.
  if (location.pathname !== (conversation ? `/chat/${conversation}` : "/")) location.reload();
});

document.querySelector("[data-nojs-wait]")?.remove();
toEnd();
if (chat.dataset.waiting) showTyping();
listen();
