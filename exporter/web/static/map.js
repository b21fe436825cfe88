// The map: outline, regions and targets as shapes whose form and colour say the state; red is drawn last.
// Places come once from map.json, states as one digit each in data attributes of the <svg>.
const SVG = "http://www.w3.org/2000/svg";
const STATES = ["down", "low", "up", "unknown"]; // the digit is the index: outcome.State
const ORDER = [2, 3, 1, 0]; // drawn first to last
const FULL = { x: 94.2, y: -7.3, width: 47.6, height: 19.4 }; // longitude, minus latitude
const CLOSEST = 0.35; // degrees wide at most zoomed
const REACH_PX = 12;
const LABELS_AT_MOST = 16; // regions that are up get a name only on a map with few of them

let svg = null;
let places = { targets: [], regions: [] };
let version = "";
let view = { ...FULL };
let drawn = "";
let choose = () => {};

const element = (name, attributes = {}, parent = null) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
};
// Text cannot be measured in degrees before it is drawn; a canvas measures it in pixels.
const pen = document.createElement("canvas").getContext("2d");
function widthOf(name) {
  pen.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(name).width + 2;
}

const degreesPerPixel = () => Math.max(view.width / (svg.clientWidth || 1), view.height / (svg.clientHeight || 1));

// One shape per state, as path data around a place; r is in degrees.
function shape(state, x, y, r) {
  switch (state) {
    case 0: return `M${x - r * .9} ${y - r * .9}h${r * 1.8}v${r * 1.8}h${-r * 1.8}z`;
    case 1: return `M${x} ${y - r * 1.2}L${x + r * 1.15} ${y + r * .85}H${x - r * 1.15}z`;
    default: return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
  }
}

async function drawOutline(layer) {
  const answer = await fetch("static/indonesia-outline.geojson");
  if (!answer.ok) return;
  for (const country of (await answer.json()).features) {
    const polygons = country.geometry.coordinates;
    const path = polygons.map((rings) => rings.map((ring) => "M" + ring.map(([x, y]) => `${x} ${-y}`).join("L") + "z").join("")).join("");
    element("path", { d: path, class: country.properties.name === "Indonesia" ? "home" : "abroad" }, layer);
  }
}

let loading = null;

// Several drawings may wait for the same places; they are fetched once.
function loadPlaces() {
  const wanted = svg.dataset.layout;
  if (wanted === version) return true;
  loading ??= fetch("map.json", { cache: "no-cache" }).then(async (answer) => {
    if (!answer.ok) return false;
    places = await answer.json();
    version = wanted;
    return true;
  }).finally(() => { loading = null; });
  return loading;
}

export async function drawMap() {
  if (!svg || !svg.isConnected) return;
  try {
    if (!await loadPlaces()) return;
  } catch {
    return; // the page says that the connection is lost
  }
  const { targets, regions } = svg.dataset;
  const scale = degreesPerPixel();
  const size = scale * (svg.clientWidth < 480 ? .75 : 1); // a phone is held closer
  const chosen = new URLSearchParams(location.search).get("region");
  const picture = [version, targets, regions, scale.toFixed(5), view.x.toFixed(4), view.y.toFixed(4), chosen].join("|");
  if (picture === drawn || targets.length !== places.targets.length || regions.length !== places.regions.length) return;
  drawn = picture;
  const dots = svg.querySelector(".dots");
  const focused = document.activeElement?.closest?.("#map a")?.getAttribute("data-choose");
  dots.replaceChildren();
  // A target that its region's shape covers, in the same state, would only blur it; closer up it comes out.
  const shapes = ORDER.map(() => []);
  places.regions.forEach(([, , longitude, latitude], index) => shapes[Number(regions[index])].push([longitude, latitude]));
  const covered = (state, x, y) => shapes[state].some(([rx, ry]) => Math.hypot(rx - x, ry - y) < 8 * size);
  const many = places.targets.length > 1500;
  const boxes = places.regions.map(([, , x, latitude]) => [x - 7 * scale, -latitude - 7 * scale, x + 7 * scale, -latitude + 7 * scale]);
  const labels = [];
  for (const state of ORDER) {
    places.regions.forEach(([id, name, longitude, latitude], index) => {
      if (Number(regions[index]) !== state) return;
      const link = element("a", { href: `?region=${encodeURIComponent(id)}`, "data-choose": `?region=${encodeURIComponent(id)}`, class: `region${chosen === id ? " chosen" : ""}`, "aria-label": `${name}: ${STATES[state].toUpperCase()}` }, dots);
      element("path", { class: `shape ${STATES[state]}`, d: shape(state, longitude, -latitude, 7 * size) }, link);
      element("title", {}, link).textContent = `${name}: ${STATES[state].toUpperCase()}`;
      if (state !== 2 || places.regions.length <= LABELS_AT_MOST) labels.unshift([name, longitude, -latitude]);
    });
    const radius = (many ? 2.2 : state === 2 ? 3.4 : 4.4) * size;
    let path = "";
    for (let index = 0; index < targets.length; index++) {
      const [, , longitude, latitude] = places.targets[index];
      if (targets.charCodeAt(index) - 48 === state && !covered(state, longitude, latitude)) path += shape(state, longitude, -latitude, radius);
    }
    if (path) element("path", { class: `shape ${STATES[state]}${many ? " many" : ""}`, d: path, "aria-hidden": "true" }, dots);
  }
  if (svg.clientWidth > 480 || view.width < FULL.width * .7) {
    for (const [name, x, y] of labels) { // worst first: a name that finds no free side is left out
      const width = widthOf(name) * scale;
      const height = 15 * scale;
      const sides = [["start", x + 10 * scale, 0], ["end", x - 10 * scale, 0], ["middle", x, 16 * scale], ["middle", x, -16 * scale]];
      const boxOf = ([anchor, at, down]) => {
        const left = anchor === "start" ? at : anchor === "end" ? at - width : at - width / 2;
        return [left, y + down - height / 2, left + width, y + down + height / 2];
      };
      const side = sides.find((candidate) => {
        const box = boxOf(candidate);
        return box[0] >= view.x && box[2] <= view.x + view.width && box[1] >= view.y && box[3] <= view.y + view.height
          && !boxes.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1]);
      });
      if (!side) continue;
      boxes.push(boxOf(side));
      element("text", { x: side[1], y: y + side[2] + 4 * scale, "text-anchor": side[0], "font-size": 12 * scale, "stroke-width": 3.5 * scale, "aria-hidden": "true" }, dots).textContent = name;
    }
  }
  if (focused) dots.querySelector(`[data-choose="${CSS.escape(focused)}"]`)?.focus();
}

// ---- looking closer -----------------------------------------------------------------------------------------------

function look(next) {
  const width = Math.min(FULL.width, Math.max(CLOSEST, next.width));
  const height = width * FULL.height / FULL.width;
  const x = Math.min(Math.max(next.x, FULL.x), FULL.x + FULL.width - width);
  const y = Math.min(Math.max(next.y, FULL.y), FULL.y + FULL.height - height);
  view = { x, y, width, height };
  svg.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
  svg.classList.toggle("zoomed", width < FULL.width * .99);
  try { sessionStorage.setItem("map", JSON.stringify(view)); } catch { /* private window */ }
  drawMap();
}

// The buttons look closer at what is chosen, else at the middle.
function middle() {
  const query = new URLSearchParams(location.search);
  const find = (kind, name) => places[kind].find(([id]) => id === query.get(name));
  const chosen = find("targets", "target") ?? find("regions", "region");
  return chosen ? { x: chosen[2], y: -chosen[3] } : { x: view.x + view.width / 2, y: view.y + view.height / 2 };
}

function zoom(factor, place = middle()) {
  const width = view.width * factor;
  const ratio = Math.min(FULL.width, Math.max(CLOSEST, width)) / view.width;
  look({ x: place.x - (place.x - view.x) * ratio, y: place.y - (place.y - view.y) * ratio, width });
}

function placeOf(event) {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  return { x: point.x, y: point.y };
}

function nearest(event) {
  const { x, y } = placeOf(event);
  const reach = REACH_PX * degreesPerPixel();
  let best = null;
  let distance = reach;
  places.targets.forEach(([, , longitude, latitude], index) => {
    const away = Math.hypot(longitude - x, -latitude - y);
    if (away < distance) [best, distance] = [index, away];
  });
  return best;
}

function listen() {
  const pointers = new Map();
  let moved = false;
  svg.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, event);
    moved = false;
  });
  svg.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return hint(event);
    if (view.width >= FULL.width * .99 && pointers.size < 2) return;
    if (Math.hypot(event.clientX - last.clientX, event.clientY - last.clientY) < 3 && !moved) return;
    moved = true;
    if (pointers.size === 2) {
      const other = [...pointers.entries()].find(([id]) => id !== event.pointerId)[1];
      const before = Math.hypot(last.clientX - other.clientX, last.clientY - other.clientY);
      const after = Math.hypot(event.clientX - other.clientX, event.clientY - other.clientY);
      if (after > 10) zoom(before / after, placeOf(other));
    } else {
      svg.setPointerCapture(event.pointerId);
      const scale = degreesPerPixel();
      look({ ...view, x: view.x - (event.clientX - last.clientX) * scale, y: view.y - (event.clientY - last.clientY) * scale });
    }
    pointers.set(event.pointerId, event);
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
    svg.addEventListener(name, (event) => {
      pointers.delete(event.pointerId);
      document.getElementById("tip").hidden = true;
    });
  }
  svg.addEventListener("click", (event) => {
    if (moved) { // the end of a drag is no choice
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const index = nearest(event);
    // A region's shape is larger: a target under the finger is meant only where it is really close.
    if (index === null || event.target.closest("a")) return;
    choose(`?target=${encodeURIComponent(places.targets[index][0])}`);
  }, true);
  svg.addEventListener("dblclick", (event) => zoom(.5, placeOf(event)));
  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && view.width >= FULL.width * .99) return; // the page scrolls
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : .8, placeOf(event));
  }, { passive: false });
  document.addEventListener("click", (event) => {
    const kind = event.target.closest?.("[data-zoom]")?.dataset.zoom;
    if (kind === "in") zoom(.5);
    if (kind === "out") zoom(2);
    if (kind === "all") look(FULL);
  });
}

function hint(event) {
  const tip = document.getElementById("tip");
  const index = event.pointerType === "mouse" && !event.target.closest("a") ? nearest(event) : null;
  svg.classList.toggle("pointing", index !== null);
  tip.hidden = index === null;
  if (index === null) return;
  const box = svg.getBoundingClientRect();
  const state = STATES[Number(svg.dataset.targets[index])] ?? "unknown";
  tip.textContent = `${places.targets[index][1]}: ${state.toUpperCase()}`;
  tip.style.top = `${event.clientY - box.top + 14}px`;
  tip.style.left = `${Math.max(0, Math.min(event.clientX - box.left + 12, box.width - tip.offsetWidth - 4))}px`;
}

export function startMap(onChoose) {
  svg = document.getElementById("map");
  if (!svg) return;
  choose = onChoose;
  const outline = element("g", { class: "outline", "aria-hidden": "true" }, svg);
  element("g", { class: "dots" }, svg);
  drawOutline(outline).catch(() => {}); // without it the dots still stand in their places
  let saved = null;
  try { saved = JSON.parse(sessionStorage.getItem("map")); } catch { /* nothing kept */ }
  listen();
  look(saved && Number.isFinite(saved.width) ? saved : FULL);
  new ResizeObserver(() => drawMap()).observe(svg);
}
