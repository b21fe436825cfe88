// Keeps a page fresh: asks for its changing part, lays it over what is there, and says how old the data is.
// The map is map.js; everything that can be said in HTML is said by the server.
import { drawMap, startMap } from "./map.js";

const LOST_AFTER_SECONDS = 8;
const ANSWER_WITHIN_MS = 8000;
const words = document.body.dataset;
const live = () => document.getElementById("live");
const now = () => performance.now() / 1000;

let receivedAt = now();
let ageThen = Number(live()?.dataset.age ?? 0);
let timer = 0;
let running = null;

// ---- laying the new part over the old one ---------------------------------------------------------------------------

const keyOf = (node) => node.nodeType === 1 ? (node.dataset?.key ?? (node.id || null)) : null;

function sameAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    // A reader opened it; the map was zoomed: both are the reader's, not the server's.
    if (!fresh.hasAttribute(name) && !(name === "open" && old.localName === "details")) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) === value || (old.hasAttribute("data-keep") && (name === "viewBox" || name === "hidden"))) continue;
    old.setAttribute(name, value);
  }
}

function lay(old, fresh) {
  if (old.nodeType === 3) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  const before = old.className;
  sameAttributes(old, fresh);
  if (old.localName === "tr" || old.localName === "li") {
    if (typeof before === "string" && before.replace(" flash", "") !== fresh.className) old.classList.add("flash");
  }
  if (!old.hasAttribute("data-keep")) layChildren(old, fresh);
}

function layChildren(old, fresh) {
  const keyed = new Map();
  for (const child of old.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const key = keyOf(child);
    let match = key !== null ? keyed.get(key) ?? null : place;
    // Something without a key went away before this one: the next of its kind is meant.
    while (key === null && match && (keyOf(match) !== null || match.nodeName !== child.nodeName)) match = match.nextSibling;
    if (match && match.nodeName === child.nodeName) {
      if (match === place) place = place.nextSibling;
      else old.insertBefore(match, place);
      lay(match, child);
    } else {
      old.insertBefore(child, place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

// ---- asking -------------------------------------------------------------------------------------------------------

async function ask() {
  clearTimeout(timer);
  running?.abort();
  const mine = running = new AbortController();
  const limit = setTimeout(() => mine.abort(), ANSWER_WITHIN_MS);
  try {
    const url = new URL(location.href);
    url.hash = "";
    url.searchParams.set("live", "1");
    const answer = await fetch(url, { signal: mine.signal, cache: "no-store" });
    if (answer.status === 401) return location.reload(); // the browser asks for the password
    if (!answer.ok && answer.status !== 404 && answer.status !== 400) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
    if (!fresh) throw new Error("no answer of ours");
    receivedAt = now();
    ageThen = Number(fresh.dataset.age);
    lay(live(), fresh);
    drawMap();
  } catch (error) {
    if (mine !== running) return; // a newer question took over
  } finally {
    clearTimeout(limit);
  }
  if (mine !== running) return;
  tick();
  if (!document.hidden) timer = setTimeout(ask, Number(live().dataset.poll) * 1000);
}

// ---- how old it is --------------------------------------------------------------------------------------------------

function span(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} ${words.s}`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} ${words.min}`;
  return `${Math.floor(seconds / 3600)} ${words.h}`;
}

function tick() {
  const silent = now() - receivedAt;
  const age = ageThen + silent;
  document.getElementById("age").textContent = words.old.replace("{age}", span(age));
  const lost = document.getElementById("lost");
  const isLost = silent > LOST_AFTER_SECONDS + Number(live().dataset.poll);
  const isLate = !isLost && age > LOST_AFTER_SECONDS + Number(live().dataset.poll);
  document.body.classList.toggle("stale", isLost || isLate);
  const text = isLost ? words.lost.replace("{age}", span(silent)) : isLate ? words.late.replace("{age}", span(age)) : "";
  if (lost.textContent !== text) lost.textContent = text;
  lost.hidden = text === "";
}

// ---- what people do ---------------------------------------------------------------------------------------------------

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto]");
  if (form && event.target.localName === "select") form.requestSubmit();
});

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-action]");
  if (!form) return;
  event.preventDefault();
  const result = form.closest(".action").querySelector("output");
  const button = form.querySelector("button");
  const say = (text, kind) => { result.className = kind; result.textContent = text; };
  button.disabled = true;
  say(words.working, "");
  try {
    const answer = await fetch(form.action, { method: "POST", headers: { Accept: "application/json" } });
    const content = await answer.json();
    if (answer.ok) say(content.message, "good");
    else if (content.mistakes) say(content.message, "bad");
    else say(words.refused.replace("{why}", content.message), "bad");
    form.closest("details").open = false;
  } catch {
    say(words.failed, "bad");
  } finally {
    button.disabled = false;
    ask();
  }
});

// Choosing a region or target on the map is an address of its own: it can be sent, and a reload keeps it.
function choose(query) {
  history.replaceState(null, "", query || "./");
  ask();
}
document.addEventListener("click", (event) => {
  const choice = event.target.closest?.("[data-choose]");
  if (!choice || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(choice.dataset.choose);
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else ask();
});
window.addEventListener("online", ask);

document.querySelector(".menu [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
startMap(choose);
setInterval(tick, 1000);
timer = setTimeout(ask, Number(live().dataset.poll) * 1000);
