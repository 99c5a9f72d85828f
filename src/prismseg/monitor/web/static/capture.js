// One capture: outline and its correction, evidence and doubt, remarks.
import { Z95, attempt, get, make, mayWrite, number, patch, post, say, send, t } from "./api.js";
import { drawOutlines, drawScale } from "./draw.js";
import { autosave, fill } from "./fields.js";
import { onKey } from "./keys.js";
import { headPaper } from "./standing.js";
import { hearTime, wallTime } from "./time.js";

const field = (id) => document.getElementById(id);
let state = JSON.parse(field("state").textContent);
hearTime(state.now, true);
const mine = Number(document.querySelector('meta[name="number"]').content);
const root = `/api/sessions/${state.id}/captures/${mine}`;
const canvas = field("editor");
const context = canvas.getContext("2d");
const here = () => state.captures.find((each) => each.number === mine);

const size = here().size;
const factor = Math.max(2, Math.round(960 / size[1]));
canvas.width = size[1] * factor;
canvas.height = size[0] * factor;
canvas.style.aspectRatio = `${size[1]} / ${size[0]}`;
const mask = new OffscreenCanvas(size[1], size[0]);
const strokes = mask.getContext("2d", { willReadFrequently: true });
let picture = null, outlines = null, overlay = null, shown = "outline", tool = "brush", editing = false, drawing = false, drawn = false;
let pointer = [size[1] / 2, size[0] / 2];

async function bitmap(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(path);
  return createImageBitmap(await answer.blob());
}

async function load() {
  const version = here().mask?.id ?? "none";
  picture ??= await bitmap(`${root}/picture.png`);
  const found = await bitmap(`${root}/mask.png?of=${version}`);
  strokes.globalCompositeOperation = "copy";
  strokes.drawImage(found, 0, 0);
  // White is sole; black becomes see-through, so that the mask can be laid over the picture.
  const pixels = strokes.getImageData(0, 0, size[1], size[0]);
  for (let k = 0; k < pixels.data.length; k += 4) pixels.data[k + 3] = pixels.data[k] > 127 ? 255 : 0;
  strokes.putImageData(pixels, 0, 0);
  outlines = (await attempt(() => get(`${root}/outlines?of=${version}`)))?.outlines ?? {};
  drawn = false;
  showOrigin();
  paint();
}

function paint() {
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  if (overlay) { context.imageSmoothingEnabled = true; context.drawImage(overlay, 0, 0, canvas.width, canvas.height); }
  if (drawing || drawn) {
    context.save();
    context.globalAlpha = 0.45;
    context.imageSmoothingEnabled = false;
    context.drawImage(mask, 0, 0, canvas.width, canvas.height);
    context.restore();
  } else if (shown === "outline" || overlay) {
    drawOutlines(context, outlines ?? {}, size);
  }
  if (editing && (document.activeElement === canvas || drawing)) {
    context.strokeStyle = "#fff";
    context.lineWidth = 2;
    context.beginPath();
    context.arc(pointer[0] * factor, pointer[1] * factor, Number(field("size").value) * factor, 0, 2 * Math.PI);
    context.stroke();
  }
}

function stroke(from, to) {
  strokes.globalCompositeOperation = tool === "brush" ? "source-over" : "destination-out";
  strokes.strokeStyle = strokes.fillStyle = "#fff";
  strokes.lineCap = "round";
  strokes.lineWidth = 2 * Number(field("size").value);
  strokes.beginPath();
  strokes.moveTo(...from);
  strokes.lineTo(to[0] + 0.01, to[1]);
  strokes.stroke();
  drawn = true;
}

const place = (event) => {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * size[1], ((event.clientY - box.top) / box.height) * size[0]];
};
canvas.addEventListener("pointerdown", (event) => {
  if (!editing || !event.isPrimary || event.button !== 0) return; // a finger that scrolls draws nothing
  canvas.setPointerCapture(event.pointerId);
  drawing = true;
  pointer = place(event);
  stroke(pointer, pointer);
  paint();
});
canvas.addEventListener("pointermove", (event) => {
  if (!editing) return;
  const next = place(event);
  if (drawing) stroke(pointer, next);
  pointer = next;
  paint();
});
for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => { if (drawing) { drawing = false; keep(); } });

let keyboardStroke = 0;
canvas.addEventListener("keydown", (event) => {
  if (!editing) return;
  const step = event.shiftKey ? 8 : 2;
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  if (moves[event.key]) {
    event.preventDefault();
    pointer = [Math.min(size[1], Math.max(0, pointer[0] + moves[event.key][0])), Math.min(size[0], Math.max(0, pointer[1] + moves[event.key][1]))];
    paint();
  } else if (event.key === " ") {
    event.preventDefault();
    stroke(pointer, pointer);
    paint();
    clearTimeout(keyboardStroke);
    keyboardStroke = setTimeout(keep, 700);
  }
});

let keeping = Promise.resolve();
function keep() {
  keeping = keeping.then(async () => {
    const flat = new OffscreenCanvas(size[1], size[0]);
    const on = flat.getContext("2d");
    on.fillStyle = "#000";
    on.fillRect(0, 0, size[1], size[0]);
    on.drawImage(mask, 0, 0);
    const body = await flat.convertToBlob({ type: "image/png" });
    const made = await attempt(() => send(`${root}/mask?before=${here().mask?.id ?? ""}`, body, "image/png"));
    if (made) say(t("The outline is saved."));
    await take(made ?? (await get(`/api/sessions/${state.id}`)));
  });
  return keeping;
}

async function take(made) {
  if (!made) return;
  state = made;
  show();
  await load();
}

function showOrigin() {
  const { mask } = here();
  if (outlines === null) return; // they are on their way
  const empty = !Object.values(outlines).some((lines) => lines.length);
  field("origin").textContent = !mask || (mask.origin === "automatic" && empty) ? t("no outline found")
    : mask.origin === "edited" ? t("edited by {name}, {time}", { name: mask.edited_by, time: wallTime(mask.edited_at) })
    : mask.origin === "imported" ? t("imported outline") : t("automatic outline");
  field("origin").classList.toggle("edited", mask?.origin === "edited");
}

function edit(on) {
  editing = on;
  field("tools").hidden = !on;
  field("edit").setAttribute("aria-pressed", String(on));
  field("edit").textContent = on ? t("Done") : t("Correct the outline");
  canvas.classList.toggle("editing", on);
  const label = canvas.getAttribute("aria-label");
  canvas.setAttribute("aria-label", canvas.dataset.editing);
  canvas.dataset.editing = label;
  canvas.setAttribute("role", on ? "application" : "img");
  canvas.tabIndex = on ? 0 : -1;
  paint();
}

function show() {
  const each = here();
  headPaper(state);
  field("minute").textContent = each.minute === null ? "" : `${number(each.minute, 1)} min`;
  showOrigin();
  // A closed session is locked.
  const locked = state.closed_at !== null || !mayWrite;
  field("edit").disabled = locked;
  for (const entry of field("remarks").elements) entry.disabled = locked;
  field("undo").disabled = !each.mask?.can_undo;
  field("redo").disabled = !each.mask?.can_redo;
  field("remarks-on").replaceChildren(
    ...each.reason.map((text) => make("p", { class: "notice bad" }, text)),
    ...each.cautions.map((text) => make("p", { class: "notice doubtful" }, text)));
  const cell = (side, region) => {
    const values = each.values?.[side]?.[region];
    if (!values || values.mean.value === null) return "–";
    const delta = values.delta.value === null ? "" : t("change {delta}", { delta: number(values.delta.value, 1, true) });
    return make("span", {}, `${number(values.mean.value, 1)} ± ${number(Z95 * values.mean.error, 1)}`, make("br"), make("small", {}, delta));
  };
  field("values").tBodies[0].replaceChildren(...state.regions.map((region) => make("tr", {},
    make("th", { scope: "row" }, region.title), make("td", { class: "number" }, cell("left", region.name)), make("td", { class: "number" }, cell("right", region.name)))));
  fill(field("remarks"), each.remarks);
}

function choose(name) {
  tool = name;
  for (const each of ["brush", "erase"]) field(each).setAttribute("aria-pressed", String(each === name));
}
async function reveal(name) {
  shown = name;
  for (const each of ["outline", "evidence", "doubt"]) field(each).setAttribute("aria-pressed", String(each === name));
  overlay = null;
  field("explained").textContent = "";
  if (name !== "outline") {
    const answer = await attempt(async () => {
      const found = await fetch(`${root}/explanation/${name}.png`);
      if (!found.ok) { say((await found.json()).error, "bad"); return null; }
      return createImageBitmap(await found.blob());
    });
    overlay = answer ?? null;
    field("explained").textContent = overlay === null ? "" : name === "evidence"
      ? t("Bright: where the network's layers find evidence of a sole (mean of their activation maps).")
      : t("Bright: where the network is unsure whether there is sole.");
  }
  paint();
}
field("brush").addEventListener("click", () => choose("brush"));
field("erase").addEventListener("click", () => choose("erase"));
for (const name of ["outline", "evidence", "doubt"]) field(name).addEventListener("click", () => reveal(name));
field("undo").addEventListener("click", async () => take(await attempt(() => post(`${root}/mask/undo`))));
field("redo").addEventListener("click", async () => take(await attempt(() => post(`${root}/mask/redo`))));
field("size").addEventListener("input", paint);
canvas.addEventListener("focus", paint);
canvas.addEventListener("blur", paint);
field("edit").addEventListener("click", () => edit(!editing));
for (const [key, button, control] of [["z", "undo", true], ["y", "redo", true], ["b", "brush", false], ["e", "erase", false]]) {
  onKey(key, () => { if (editing) field(button).click(); }, { control });
}
autosave(field("remarks"), field("saved"), async (changed) => { state = await patch(`${root}/remarks`, changed); show(); });

drawScale(field("scale"));
show();
await load();
document.documentElement.dataset.ready = "yes";
