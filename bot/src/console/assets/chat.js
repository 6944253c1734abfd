// The conversation: sending, live events, sources, forms. Files are in attach.js.
import { announce, localise, send, sentence, toast, typing } from "./ui.js";
import { attachments } from "./attach.js";

const chat = document.getElementById("chat");
const stream = document.getElementById("stream");
const scroll = document.getElementById("scroll");
const form = document.getElementById("composer");
const text = document.getElementById("text");
const icons = document.getElementById("icons").content;
const files = attachments(form);
let conversation = chat.dataset.conversation;
let after = Number(chat.dataset.after || 0);
let events = null;

const icon = (name) => icons.querySelector(`[data-name="${name}"]`).firstElementChild.cloneNode(true);
const fragment = (html) => {
  const box = document.createElement("template");
  box.innerHTML = html;
  localise(box.content);
  return box.content;
};
const nearEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 140;
const toEnd = () => { scroll.scrollTop = scroll.scrollHeight; };

// --- Live events -------------------------------------------------------------------

function listen() {
  events?.close();
  if (!conversation) return;
  events = new EventSource(`/chat/${encodeURIComponent(conversation)}/events?after=${after}`);
  const lost = document.getElementById("connection");
  events.onopen = () => { lost.hidden = true; };
  events.onerror = () => {
    lost.hidden = false;
    // A refused stream is not retried by the browser; a broken one is, by itself.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  };
  events.addEventListener("message", (e) => onMessage(JSON.parse(e.data)));
  events.addEventListener("draft", (e) => onDraft(JSON.parse(e.data)));
  events.addEventListener("typing", () => showTyping());
  events.addEventListener("ticket", (e) => onTicket(JSON.parse(e.data)));
}

function onMessage({ seq, html }) {
  if (seq <= after) return;
  after = seq;
  const stay = nearEnd();
  const node = fragment(html).querySelector(".message");
  if (node.dataset.author === "mine") {
    stream.querySelector(".message.pending")?.remove();
    stream.append(node);
    showTyping();
  } else {
    const draft = stream.querySelector(".message.draft");
    hideTyping();
    if (draft) draft.replaceWith(node);
    else {
      node.classList.add("fresh");
      stream.append(node);
    }
    refreshSide();
  }
  // A typing sign stays below what has been said.
  const waiting = document.getElementById("typing");
  if (waiting) stream.append(waiting);
  if (stay) toEnd();
}

function onDraft({ request_id: request, html }) {
  const stay = nearEnd();
  hideTyping();
  let draft = stream.querySelector(".message.draft");
  if (!draft) {
    draft = bubble("draft");
    stream.append(draft);
  }
  draft.dataset.request = request;
  draft.querySelector(".prose").replaceChildren(fragment(html));
  if (stay) toEnd();
}

function onTicket({ key, html }) {
  for (const card of document.querySelectorAll(`[data-ticket-card="${CSS.escape(key)}"]`)) {
    const next = fragment(html).firstElementChild;
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

function showTyping() {
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

async function refreshSide() {
  const reply = await fetch(`/chat/list?current=${encodeURIComponent(conversation)}`);
  if (!reply.ok) return;
  const list = document.getElementById("conversations");
  list.replaceChildren(fragment(await reply.text()));
  const title = list.querySelector("[aria-current] .title")?.textContent;
  if (title) {
    document.getElementById("thread-title").textContent = title;
    document.title = `${title} · Firstline`;
  }
}

// --- Sending -----------------------------------------------------------------------

function showPending(words, names) {
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

async function say(words, held, eventId, node) {
  const body = new URLSearchParams({ text: words, event_id: eventId });
  if (conversation) body.set("conversation", conversation);
  for (const file of held) body.append("attachment", file.id);
  let problem = "No connection.";
  try {
    const reply = await send("/chat", { body, headers: { accept: "application/json" } });
    if (reply.ok) {
      const { conversation_id: id } = await reply.json();
      if (node.isConnected) node.querySelector(".meta").textContent = "Sent";
      if (!conversation) {
        conversation = id;
        history.pushState(null, "", `/chat/${id}`);
        refreshSide();
        listen();
      }
      return;
    }
    problem = await sentence(reply);
  } catch { /* falls through to the retry below */ }
  node.classList.remove("pending");
  node.classList.add("failed");
  const meta = node.querySelector(".meta");
  meta.textContent = `${problem} `;
  const again = document.createElement("button");
  again.className = "button small";
  again.type = "button";
  again.textContent = "Send again";
  again.onclick = () => {
    node.classList.remove("failed");
    node.classList.add("pending");
    meta.textContent = "Sending ...";
    // The same event id: if the first try did arrive, nothing is said twice.
    say(words, held, eventId, node);
  };
  meta.append(again);
  announce(problem);
}

function submit(words) {
  if (files.busy()) return toast("A file is still being uploaded.");
  const held = files.take();
  if (!words.trim() && !held.length) return;
  document.getElementById("welcome")?.remove();
  const node = showPending(words, held.map((f) => f.name));
  say(words, held, crypto.randomUUID?.() || `${Date.now()}-${Math.random()}`, node);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const words = text.value;
  if (files.busy()) return toast("A file is still being uploaded.");
  text.value = "";
  text.focus();
  submit(words);
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
document.addEventListener("submit", async (event) => {
  const at = event.target;
  if (at.matches("[data-example]")) {
    event.preventDefault();
    submit(at.querySelector("button").value);
  } else if (at.matches("[data-act]")) {
    event.preventDefault();
    await act(at);
  } else if (at.matches("[data-ticket-form]")) {
    event.preventDefault();
    await fileTicket(at);
  }
});

// --- Buttons and the ticket form ------------------------------------------------------

async function post(at) {
  for (const button of at.querySelectorAll("button")) button.disabled = true;
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
  for (const button of at.querySelectorAll("button")) button.disabled = false;
  return null;
}

async function act(at) {
  const done = await post(at);
  if (!done) return;
  const box = at.closest(".actions");
  const next = fragment(done.html).firstElementChild;
  box.replaceWith(next);
  announce(next.querySelector(".done")?.textContent || "Done");
}

async function fileTicket(at) {
  const done = await post(at);
  if (!done) return;
  const note = document.createElement("p");
  note.className = "done";
  note.setAttribute("role", "status");
  note.append(icon("check"), "Thanks, the ticket is being filed.");
  at.replaceWith(note);
  showTyping();
}

async function openForm(url, slot, keep) {
  const reply = await fetch(url);
  if (!reply.ok) return toast(await sentence(reply));
  slot.replaceChildren(fragment(await reply.text()));
  for (const [name, value] of keep || []) {
    const field = slot.querySelector(`[name="${CSS.escape(name)}"]`);
    if (field && value) field.value = value;
  }
  slot.scrollIntoView({ block: "nearest", behavior: "smooth" });
  if (!keep) slot.querySelector("[name=summary]")?.focus();
  else slot.querySelector("[name=kind]:checked")?.focus();
}

document.addEventListener("change", (event) => {
  const at = event.target;
  const box = at.closest?.("[data-ticket-form]");
  if (!box || at.name !== "kind") return;
  const data = new FormData(box);
  const keep = ["summary", "system"].map((name) => [name, data.get(name)]);
  const url = new URL(box.dataset.refill, location.href);
  url.searchParams.set("kind", at.value);
  const slot = document.createElement("div");
  slot.dataset.formSlot = "";
  box.replaceWith(slot);
  openForm(url, slot, keep);
});

// --- Sources -------------------------------------------------------------------------

const panel = document.getElementById("panel");
let opener = null;

async function openArticle(link) {
  const reply = await fetch(link.href, { headers: { "x-fragment": "1" } });
  if (!reply.ok) return toast("This article cannot be opened any more.");
  const body = document.getElementById("panel-body");
  body.replaceChildren(fragment(await reply.text()));
  document.getElementById("panel-open").href = link.href;
  chat.classList.add("reading");
  opener?.setAttribute("aria-expanded", "false");
  opener = link;
  link.setAttribute("aria-expanded", "true");
  const cited = body.querySelector(".cited");
  body.scrollTop = cited ? cited.offsetTop - body.offsetTop - 16 : 0;
  panel.focus({ preventScroll: true });
}

function closeArticle() {
  chat.classList.remove("reading");
  opener?.setAttribute("aria-expanded", "false");
  opener?.focus();
  opener = null;
}

document.getElementById("panel-close").addEventListener("click", closeArticle);
document.addEventListener("click", (event) => {
  const side = document.getElementById("side");
  const at = event.target.closest("[data-article], [data-form], [data-form-close], [data-side]");
  if (!at?.hasAttribute("data-side") && !side.contains(event.target)) side.classList.remove("open");
  if (!at || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (at.hasAttribute("data-article")) openArticle(at);
  else if (at.hasAttribute("data-side")) side.classList.toggle("open");
  else if (at.hasAttribute("data-form-close")) at.closest("[data-ticket-form]").remove();
  else openForm(at.dataset.form, at.closest(".message").querySelector("[data-form-target]"));
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    document.getElementById("side").classList.remove("open");
    if (chat.classList.contains("reading")) closeArticle();
  }
  if (typing(event)) return;
  if (event.key === "n") location.href = "/";
});
window.addEventListener("popstate", () => location.reload());

document.querySelector("[data-nojs-wait]")?.remove();
toEnd();
if (chat.dataset.waiting) showTyping();
listen();
