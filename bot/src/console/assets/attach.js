// Files for the next message: picked, dropped or pasted; uploaded at once with progress.
import { csrf, toast } from "./ui.js";

const LIMIT = 10 * 1024 * 1024;

export function attachments(form) {
  const list = document.getElementById("files");
  const picker = document.getElementById("picker");
  const button = document.getElementById("attach");
  const box = document.getElementById("composer-box");
  let held = [];
  button.hidden = false;

  function show(file) {
    const item = document.createElement("li");
    item.className = "file";
    const name = document.createElement("bdi");
    name.className = "name";
    name.textContent = file.name;
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", `Uploading ${file.name}`);
    const drop = document.createElement("button");
    drop.type = "button";
    drop.className = "icon-button";
    drop.setAttribute("aria-label", `Remove ${file.name}`);
    drop.textContent = "\u00d7";
    item.append(name, bar, drop);
    list.append(item);
    list.hidden = false;
    return { item, bar, drop };
  }

  function add(file) {
    if (file.size > LIMIT) return toast(`${file.name} is larger than 10 MB. Please attach a smaller file.`);
    const entry = { name: file.name || "screenshot.png", id: null };
    const { item, bar, drop } = show({ name: entry.name });
    held.push(entry);
    const request = new XMLHttpRequest();
    const remove = () => {
      request.abort();
      held = held.filter((other) => other !== entry);
      item.remove();
      list.hidden = !list.children.length;
    };
    drop.onclick = remove;
    request.upload.onprogress = (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; };
    request.onload = () => {
      let body = {};
      try { body = JSON.parse(request.responseText); } catch { /* the sentence below stands in */ }
      if (request.status === 201) {
        entry.id = body.id;
        bar.remove();
      } else {
        toast(body.detail || `${entry.name} could not be uploaded.`);
        remove();
      }
    };
    request.onerror = () => {
      toast(`${entry.name} could not be uploaded. Is the connection up?`);
      remove();
    };
    const data = new FormData();
    data.append("file", file, entry.name);
    request.open("POST", "/attachments");
    request.setRequestHeader("x-csrf-token", csrf());
    request.setRequestHeader("accept", "application/json");
    request.send(data);
  }

  button.addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => {
    [...picker.files].forEach(add);
    picker.value = "";
  });
  form.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files || [])];
    if (files.length) {
      event.preventDefault();
      files.forEach(add);
    }
  });
  const zone = document.getElementById("chat");
  zone.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    box.classList.add("over");
  });
  zone.addEventListener("dragleave", () => box.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    box.classList.remove("over");
    [...event.dataTransfer.files].forEach(add);
  });

  return {
    busy: () => held.some((entry) => !entry.id),
    /** The uploaded files, which now belong to the message being sent. */
    take() {
      const taken = held;
      held = [];
      list.replaceChildren();
      list.hidden = true;
      return taken;
    },
  };
}
