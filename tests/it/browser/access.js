// What everybody needs of a page, as a list of what is wrong with it.
const wrong = [];
const shown = (at) => at.checkVisibility({ visibilityProperty: true, opacityProperty: true });
const brief = (at) => at.outerHTML.replace(/\s+/g, " ").slice(0, 110);
const words = (at) => (at?.textContent || "").trim();

// --- Structure
const count = (css, what) => {
  const n = [...document.querySelectorAll(css)].filter((at) => at.checkVisibility()).length;
  if (n !== 1) wrong.push(`${n} of ${what}`);
};
count("h1", "h1");
count("main", "main");
count("body > header", "header");
if (!document.documentElement.lang) wrong.push("no language");
if (!document.title.trim()) wrong.push("no title");
if (!document.querySelector("a.skip[href='#main']")) wrong.push("no skip link");
const ids = [...document.querySelectorAll("[id]")].map((at) => at.id);
for (const id of new Set(ids)) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`id ${id} twice`);
let level = 0;
for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
  if (!heading.checkVisibility() || heading.closest(".prose")) continue;
  const own = Number(heading.tagName[1]);
  if (level && own > level + 1) wrong.push(`h${level} is followed by ${brief(heading)}`);
  level = own;
}
const landmarks = [...document.querySelectorAll("nav, aside, [role=region], [role=search]")]
  .filter((at) => at.checkVisibility());
for (const at of landmarks) {
  if (!at.getAttribute("aria-label") && !at.getAttribute("aria-labelledby") && at.getAttribute("role") !== "search")
    wrong.push(`unnamed landmark ${brief(at)}`);
}

// --- Names
function nameOf(at) {
  const by = at.getAttribute("aria-labelledby");
  if (by) return by.split(/\s+/).map((id) => words(document.getElementById(id))).join(" ").trim();
  const label = at.getAttribute("aria-label");
  if (label?.trim()) return label.trim();
  if (at.labels?.length) return [...at.labels].map(words).join(" ").trim();
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName)) return "";
  const pictures = [...at.querySelectorAll("img[alt]")].map((img) => img.alt).join(" ");
  return `${words(at)} ${pictures}`.trim();
}
for (const at of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")) {
  if (at.checkVisibility() && !nameOf(at)) wrong.push(`no name: ${brief(at)}`);
}
for (const at of document.querySelectorAll("img:not([alt])")) wrong.push(`no alt: ${brief(at)}`);
for (const at of document.querySelectorAll("table")) if (!at.querySelector("th")) wrong.push(`no th: ${brief(at)}`);

// --- Contrast
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function rgba(colour) {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
}
const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
function ground(at) {
  const layers = [];
  for (let node = at; node; node = node.parentElement) {
    const colour = rgba(getComputedStyle(node).backgroundColor);
    if (colour[3] > 0) layers.push(colour);
    if (colour[3] === 1) break;
  }
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
}
function light([r, g, b]) {
  const part = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
}
function opacity(at) {
  let all = 1;
  for (let node = at; node; node = node.parentElement) all *= Number(getComputedStyle(node).opacity);
  return all;
}
function check(at, colour, what) {
  const below = ground(at);
  const [r, g, b, a] = rgba(colour);
  const ink = over([r, g, b, a * opacity(at)], below);
  const [dark, bright] = [light(ink), light(below)].sort((x, y) => x - y);
  const ratio = (bright + 0.05) / (dark + 0.05);
  if (ratio < 4.5) wrong.push(`${ratio.toFixed(2)} : 1 for ${what} in ${brief(at)}`);
}
const seen = new Set();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const at = walker.currentNode.parentElement;
  if (seen.has(at) || !walker.currentNode.data.trim() || at.closest("script, style, noscript, template, option, .sr, :disabled")) continue;
  seen.add(at);
  const box = at.getBoundingClientRect();
  if (!shown(at) || box.width < 2 || box.height < 2) continue;
  check(at, getComputedStyle(at).color, `"${walker.currentNode.data.trim().slice(0, 30)}"`);
}
for (const at of document.querySelectorAll("input[placeholder], textarea[placeholder]")) {
  if (shown(at)) check(at, getComputedStyle(at, "::placeholder").color, "the placeholder");
}
return [...new Set(wrong)];
