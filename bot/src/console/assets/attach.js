// Files for the next message: picked, dropped or pasted; uploaded at once with progress.
import { announce, csrf } from "./ui.js";

const LIMIT = 10 * 1024 * 1024;
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

export function attachments(form) {
  const list = document.getElementById("files");
  const picker = document.getElementById("picker");
  const button = document.getElementById("attach");
  const box = document.getElementById("composer-box");
  const text = document.getElementById("text");
  let held = [];
  button.hidden = false;

  const settle = () => { list.hidden = !list.children.length; };

  /** A line of the list with its button to take it away. */
  function line(name, remove) {
    const item = document.createElement("li");
    item.className = "file";
    const label = document.createElement("bdi");
    label.className = "name";
    label.textContent = name;
    label.title = name;
    const drop = document.createElement("button");
    drop.type = "button";
    drop.className = "icon-button";
    drop.setAttribute("aria-label", `Remove ${name}`);
    drop.textContent = "\u00d7";
    drop.onclick = () => {
      remove();
      item.remove();
      settle();
      text.focus();
    };
    item.append(label, drop);
    list.append(item);
    settle();
    return item;
  }

  /** Stays until it is taken away, so that the reason can be read in peace. */
  function refuse(item, reason) {
    item.className = "file bad";
    item.querySelector("progress")?.remove();
    const why = document.createElement("span");
    why.className = "why";
    why.textContent = reason;
    item.querySelector(".name").after(why);
    announce(`${item.querySelector(".name").textContent}: ${reason}`);
  }

  function ready(entry) {
    const item = entry.item;
    item.querySelector("progress")?.remove();
    if (!entry.picture) return;
    const picture = document.createElement("img");
    picture.src = `/attachments/${encodeURIComponent(entry.id)}`;
    picture.alt = "";
    item.prepend(picture);
  }

  function hold(entry) {
    held.push(entry);
    entry.item = line(entry.name, () => {
      entry.request?.abort();
      held = held.filter((other) => other !== entry);
    });
  }

  function add(file) {
    const name = file.name || "screenshot.png";
    if (file.size > LIMIT) {
      refuse(line(name, () => {}), "larger than 10 MB, please attach a smaller file");
      return;
    }
    const request = new XMLHttpRequest();
    const entry = { name, id: null, picture: PICTURES.includes(file.type), request };
    hold(entry);
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", `Uploading ${name}`);
    entry.item.querySelector(".name").after(bar);
    const fail = (reason) => {
      held = held.filter((other) => other !== entry);
      refuse(entry.item, reason);
    };
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) bar.value = event.loaded / event.total;
    };
    request.onload = () => {
      let body = {};
      try { body = JSON.parse(request.responseText); } catch { /* the sentence below stands in */ }
      if (request.status === 201) {
        entry.id = body.id;
        ready(entry);
        announce(`${name} is attached`);
      } else {
        fail(body.detail || "could not be uploaded, please try again");
      }
    };
    request.onerror = () => fail("could not be uploaded, is the connection up?");
    const data = new FormData();
    data.append("file", file, name);
    request.open("POST", "/attachments");
    request.setRequestHeader("x-csrf-token", csrf());
    request.setRequestHeader("accept", "application/json");
    request.send(data);
  }

  button.addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => {
    [...picker.files].forEach(add);
    picker.value = "";
    text.focus();
  });
  form.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files || [])];
    // Office programs put a picture of the text beside the text.
    if (!files.length || event.clipboardData.getData("text/plain")) return;
    event.preventDefault();
    files.forEach(add);
  });
  const zone = document.getElementById("chat");
  zone.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    box.classList.add("over");
  });
  zone.addEventListener("dragleave", (event) => {
    if (!zone.contains(event.relatedTarget)) box.classList.remove("over");
  });
  zone.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    box.classList.remove("over");
    [...event.dataTransfer.files].forEach(add);
    text.focus();
  });

  return {
    add,
    any: () => held.length > 0,
    busy: () => held.some((entry) => !entry.id),
    /** The uploaded files, which now belong to the message being sent. */
    take() {
      const taken = held;
      held = [];
      list.replaceChildren();
      settle();
      return taken;
    },
    /** Puts files back that were taken for a message nobody wanted. */
    giveBack(entries) {
      for (const entry of entries) {
        hold(entry);
        ready(entry);
      }
    },
  };
}
