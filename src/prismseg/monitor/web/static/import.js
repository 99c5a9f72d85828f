import { RequestError, attempt, language, make, number, post, say, send, t } from "./api.js";
import { drawOutlines } from "./draw.js";
import { dropWhole, findWhole, keepWhole } from "./drafts.js";
import { isSamePage } from "./returned.js";
import { wallFormat } from "./time.js";

const field = (id) => document.getElementById(id);
const moment = wallFormat({ dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
let batch = null;

const invitation = field("chosen").textContent;
field("files").addEventListener("change", () => {
  field("chosen").textContent = [...field("files").files].map((file) => file.name).join(", ") || invitation;
});

field("send").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  const form = new FormData();
  for (const file of field("files").files) form.append("files", file);
  for (const name of ["low", "high"]) if (field(name).value !== "") form.append(name, field(name).value);
  const read = await attempt(() => send("/api/imports", form));
  button.disabled = false;
  if (!read) return;
  open(read);
  if (lost) await fillAgain(lost);
  keep();
});

/** Show the files that wait under a key. */
function open(read) {
  batch = read;
  field("check").hidden = false;
  field("questions").querySelectorAll("label").forEach((each) => each.remove());
  field("read").tBodies[0].replaceChildren(...read.files.map(row));
  show(read);
  field("check").scrollIntoView();
}

const cell = (k, name) => field("read").querySelector(`#file-${k} [data-cell=${name}]`);

function row(file, k) {
  const minute = make("input", { type: "number", step: "any", id: `minute-${k}`, value: file.minute ?? "", disabled: !file.ok });
  minute.setAttribute("aria-label", t("Minute of {name}", { name: file.name }));
  minute.addEventListener("change", update);
  const picture = file.picture ? make("canvas", { class: "thumbnail", width: 480, height: Math.round((480 * file.size[0]) / file.size[1]), role: "img" }) : "–";
  if (file.picture) picture.setAttribute("aria-label", t("Picture of {name} with the outlines of both soles", { name: file.name }));
  const cells = {
    order: "", picture, name: file.name, minute,
    time: file.time ? moment.format(new Date(file.time)) : t("unknown"),
    size: file.size ? `${file.size[1]} × ${file.size[0]}` : "–",
    span: file.span ? `${number(file.span[0])} – ${number(file.span[1])}` : "–", camera: file.camera ?? "–", remark: "",
  };
  const titles = [...field("read").tHead.rows[0].cells].map((each) => each.textContent); // a card has no head
  return make("tr", { role: "row", id: `file-${k}`, lang: language }, ...Object.entries(cells).map(([name, content], at) => make("td", { role: "cell", "data-cell": name, "data-title": titles[at] }, content)));
}

/** Show places, sides and what is left out, as the monitor answered. */
function show(preview) {
  batch.files = preview.files;
  preview.files.forEach((file, k) => {
    field(`file-${k}`).className = file.reason ? "bad" : "";
    cell(k, "order").textContent = file.order ?? "–";
    cell(k, "remark").textContent = file.reason ? t("Left out: {reason}", { reason: file.reason }) : file.soles;
    if (file.picture) draw(k, file).catch(() => {});
  });
  field("when").textContent = preview.test_dose_at
    ? t("Test dose by the camera's clock: {time}", { time: moment.format(new Date(preview.test_dose_at)) })
    : t("Time of day: unknown. Minutes alone are kept.");
  const box = field("questions");
  const answered = new Set([...box.querySelectorAll("input:checked")].map((each) => each.name));
  box.querySelectorAll("label").forEach((each) => each.remove());
  for (const [name, text] of Object.entries(preview.questions)) {
    box.append(make("label", { class: "inline" }, make("input", { type: "checkbox", name, required: true, checked: answered.has(name) }), ` ${text} ${t("Yes.")}`));
  }
  box.hidden = !Object.keys(preview.questions).length;
}

const pictures = new Map();
async function draw(k, file) {
  const key = `${batch.id}/${k}`;
  if (!pictures.has(key)) {
    const answer = await fetch(`/api/imports/${batch.id}/pictures/${k}.png`);
    if (!answer.ok) return;
    pictures.set(key, await createImageBitmap(await answer.blob()));
  }
  const canvas = cell(k, "picture").querySelector("canvas");
  const context = canvas.getContext("2d");
  context.drawImage(pictures.get(key), 0, 0, canvas.width, canvas.height);
  drawOutlines(context, file.outlines, file.size);
}

const stated = () => ({
  view: field("check").view.value,
  one_foot: field("check").one_foot.value || null,
  minutes: batch.files.map((file, k) => (file.ok && field(`minute-${k}`).value !== "" ? Number(field(`minute-${k}`).value) : null)),
});

// A lock, a restart and a reload cost nothing that was typed; a page that is opened for the next patient is empty.
let lost = null; // what was typed about files that are to be sent again

const confirmed = () => [...field("questions").querySelectorAll("input:checked")].map((each) => each.name);

function keep() {
  if (!batch) return;
  const minutes = batch.files.map((file, k) => field(`minute-${k}`).value);
  keepWhole(field("check"), { id: batch.id, ...stated(), names: batch.files.map((file) => file.name), typed: minutes, code: field("code").value, confirmed: confirmed() });
}
for (const kind of ["input", "change"]) field("check").addEventListener(kind, keep);

async function comeBack() {
  const kept = findWhole(field("check"));
  if (!kept) return;
  if (!isSamePage()) { dropWhole(field("check")); return; }
  try {
    const read = await post(`/api/imports/${kept.id}/preview`, { view: kept.view, one_foot: kept.one_foot, minutes: kept.minutes });
    open({ id: kept.id, ...read });
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    if (error.status !== 404) { say(error.message, "bad"); return; }
    lost = kept;
    say(t("The files are not waiting any more. Send them again: what you typed about them is filled in then."), "doubtful");
    return;
  }
  await fillAgain(kept);
}

/** Fill in what was typed before, by the names of the files. */
async function fillAgain(kept) {
  lost = null;
  const typed = new Map(kept.names.map((name, k) => [name, kept.typed[k]]));
  batch.files.forEach((file, k) => { if (file.ok && typed.has(file.name)) field(`minute-${k}`).value = typed.get(file.name); });
  field("check").view.value = kept.view;
  field("check").one_foot.value = kept.one_foot ?? "";
  field("code").value = kept.code;
  field("code").dispatchEvent(new Event("change"));
  await update();
  for (const each of field("questions").querySelectorAll("input")) each.checked = kept.confirmed.includes(each.name);
  say(t("What you typed before is here again. Look at it before you keep it."), "doubtful");
}

let asked = 0;
async function update() {
  if (!batch) return;
  const mine = ++asked;
  const preview = await attempt(() => post(`/api/imports/${batch.id}/preview`, stated()));
  if (preview && mine === asked) show(preview);
}
field("check").addEventListener("change", (event) => { if (["view", "one_foot"].includes(event.target.name)) update(); });

field("check").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  const made = await attempt(() => post(`/api/imports/${batch.id}`, { code: field("code").value.trim(), ...stated(), confirmed: confirmed() }));
  button.disabled = false;
  if (!made) return;
  dropWhole(field("check"));
  location.assign(`/sessions/${made.id}`);
});
await comeBack();
// Until now a click would have sent the form past this script.
document.querySelector("#send button").disabled = false;
