// The reading panel: an article opens beside the conversation at the cited passage.
import { fragment, toast } from "./ui.js";

const chat = document.getElementById("chat");
const body = document.getElementById("panel-body");
let opener = null;

export const isReading = () => chat.classList.contains("reading");

export async function openArticle(link) {
  const reply = await fetch(link.href, { headers: { "x-fragment": "1" } }).catch(() => null);
  if (!reply) return toast("No connection. Please try again.");
  if (!reply.ok) return toast("This article cannot be opened any more.");
  body.replaceChildren(fragment(await reply.text()));
  document.getElementById("panel-open").href = link.href;
  chat.classList.add("reading");
  opener?.setAttribute("aria-expanded", "false");
  opener = link;
  link.setAttribute("aria-expanded", "true");
  const cited = body.querySelector(".cited");
  // A passage near the beginning is seen together with the title.
  const near = !cited || cited.offsetTop < body.clientHeight / 2;
  body.scrollTop = near ? 0 : cited.offsetTop - 16;
  // The part that scrolls has the focus, so that arrow keys move the article.
  body.focus({ preventScroll: true });
}

/** Closes the panel; the focus goes back to what opened it. */
export function closeArticle() {
  chat.classList.remove("reading");
  opener?.setAttribute("aria-expanded", "false");
  (opener?.isConnected ? opener : document.getElementById("text")).focus();
  opener = null;
}

document.getElementById("panel-close").addEventListener("click", closeArticle);
