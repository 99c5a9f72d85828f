// One session: live picture, clock, captures, curves, observations, details.
import { attempt, get, language, make, mayWrite, number, patch, post, say, t } from "./api.js";
import { showCaptures } from "./captures.js";
import { plusMinus, showChange, showFlagWords } from "./changes.js";
import { setUpCountdown } from "./countdown.js";
import { Curves } from "./curves.js";
import { confirmed } from "./dialogs.js";
import { setUpDose } from "./dose.js";
import { drawOutlines, drawScale } from "./draw.js";
import { autosave, fill, hasUnsaved } from "./fields.js";
import { showFlags } from "./flags.js";
import { onKey } from "./keys.js";
import { watch } from "./live.js";
import { setUpReminder } from "./reminder.js";
import { headPaper, saySigned } from "./standing.js";
import { hearTime, wallTime } from "./time.js";

const field = (id) => document.getElementById(id);
let state = JSON.parse(field("state").textContent);
hearTime(state.now, true);
const root = `/api/sessions/${state.id}`;
let busy = false;
let live = null;
const curves = new Curves(field("plot"), field("plot-difference"));
const tick = setUpCountdown(root, JSON.parse(field("schedule").textContent), () => state, take);

for (const region of state.regions) field("region").append(make("option", { value: region.name }, region.title));
field("region").addEventListener("change", showCurves);

function take(made) {
  if (!made || made.revision < state.revision) return;
  state = made;
  hearTime(state.now);
  show();
}

const PHASES = { running: () => t("running"), closed: () => t("closed"), imported: () => t("imported") };

function show() {
  field("code").textContent = state.code;
  field("code").classList.toggle("long", state.code.length > 16);
  headPaper(state);
  document.title = `${state.code} – prismseg`;
  const open = state.state === "running", acts = open && mayWrite;
  field("phase").textContent = PHASES[state.state]() + (state.state === "imported" && state.closed_at !== null ? `, ${t("closed")}` : "");
  field("phase").className = `badge ${state.state}`;
  field("camera").hidden = !acts || state.has_camera;
  field("camera-where").textContent = !state.camera_with ? t("The camera is not with this session.")
    : state.camera_with.code === null ? t("The camera is with a session of another ward.") : t("The camera is with session {code}.", { code: state.camera_with.code });
  field("capture").hidden = field("dose").hidden = !acts;
  field("lights").hidden = !open;
  field("capture").disabled = !acts || !state.has_camera || busy;
  field("dose").textContent = state.test_dose_at ? t("Correct the time of the dose") : t("Test dose given");
  field("dose").classList.toggle("accent", !state.test_dose_at);
  field("dose").classList.toggle("big", !state.test_dose_at);
  live?.check();
  showLast();
  const locked = state.closed_at !== null;
  for (const form of ["details", "view", "remarks"]) for (const each of field(form).elements) each.disabled = locked || !mayWrite;
  field("sign").hidden = !mayWrite || !locked || state.signed_at !== null;
  field("signed").textContent = saySigned(state, wallTime(state.signed_at ?? state.now));
  field("close").hidden = !mayWrite;
  field("close").textContent = locked ? t("Open the session again") : t("Close the session");
  showBlocked();
  showChanges();
  showCurves();
  showFlags(field("flags"), state.flags);
  showCaptures(field("captures"), root, state, askRemoval);
  showRemarks();
  fill(field("details"), state.details);
  field("d-bmi").textContent = state.bmi === null ? "–" : number(state.bmi, 1);
  field("view").view.value = state.view;
  tick();
}

/** In place of the live picture, a session that is not running shows its last capture. */
function showLast() {
  drawLast().catch(() => { field("live-title").textContent = t("The monitor does not answer"); });
}

async function drawLast() {
  const last = state.captures.at(-1);
  field("live-title").textContent = state.state === "running" ? "" : last ? t("Capture {number}", { number: last.number }) : t("The session is closed.");
  if (state.state === "running" || !last) return;
  const folder = `${root}/captures/${last.number}`;
  const picture = await createImageBitmap(await (await fetch(`${folder}/picture.png`)).blob());
  const { outlines } = await get(`${folder}/outlines`);
  const context = field("picture").getContext("2d");
  context.drawImage(picture, 0, 0, context.canvas.width, context.canvas.height);
  drawOutlines(context, outlines, last.size);
}

function showBlocked() {
  const changed = state.captures.some((each) => each.measured && !each.comparable);
  let text = "";
  if (state.dosed && !state.has_baseline) text = t("No baseline was measured before the test dose: changes cannot be shown.");
  else if (!state.has_baseline) text = t("Take a baseline before the test dose.");
  else if (changed) text = t("The camera or its settings were changed during the session: no change is shown between the one and the other.");
  field("blocked").textContent = text;
  field("blocked").hidden = !text;
}

/** What is never below the fold: the last change of each whole sole with its trend, and the flags in words. */
function showChanges() {
  const last = state.has_baseline ? state.captures.filter((each) => each.measured).at(-1) : undefined;
  for (const side of ["left", "right"]) showChange(field(`change-${side}`), side, last ? last.values[side][state.regions[0].name] : null);
  field("last-minute").textContent = last ? `${number(last.minute, 1)} min` : "";
  showFlagWords(field("flag-words"), state.flags);
}

function showCurves() {
  const region = field("region").value;
  curves.show(state.captures, region, 30);
  const last = state.has_baseline ? state.captures.filter((each) => each.measured).at(-1) : undefined;
  for (const side of ["left", "right"]) field(`region-${side}`).textContent = last ? `${plusMinus(last.values[side][region].delta)} °C` : "–";
  field("last-difference").textContent = last ? `${plusMinus(last.differences[region])} °C` : "–";
}

/** Pain and cold test belong to the last capture; what is typed for the one before is saved there first. */
function showRemarks() {
  const form = field("remarks");
  const last = state.captures.at(-1);
  field("at-capture").hidden = !last;
  if (!last) return;
  const mine = Number(form.dataset.number ?? 0);
  const moves = mine !== last.number && !hasUnsaved(form);
  const shown = moves ? last : state.captures.find((each) => each.number === mine) ?? last;
  form.dataset.number = shown.number;
  form.dataset.key = `remarks of ${shown.number}`;
  field("remarks-title").textContent = t("Pain and cold test at capture {number}", { number: shown.number });
  fill(form, shown.remarks, { anew: moves });
}
field("remarks").addEventListener("stored", showRemarks);

async function capture() {
  if (busy || field("capture").disabled) return;
  busy = true;
  field("capture").disabled = true;
  field("capture").setAttribute("aria-busy", "true");
  // One key for all attempts: a request whose answer was lost captures once.
  const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const made = await attempt(() => post(`${root}/captures`, { key }));
  busy = false;
  field("capture").removeAttribute("aria-busy");
  if (made) {
    take(made.session);
    const mine = made.session.captures.find((each) => each.number === made.number);
    if (mine?.measured) say(t("Capture {number} is saved.", { number: made.number }));
    else say(t("Capture {number} is saved, but has no numbers: {reason}", { number: made.number, reason: mine?.reason.join(" ") ?? "" }), "doubtful");
  }
  field("capture").disabled = state.state !== "running" || !state.has_camera;
  field("capture").focus();
}
field("capture").addEventListener("click", capture);
onKey("c", capture);
setUpDose(root, () => state, take);
setUpReminder();

field("bring").addEventListener("click", async () => {
  take(await attempt(() => post(`${root}/camera`)));
  live.check();
});

async function askRemoval(number) {
  field("reason").value = "";
  field("removal-title").textContent = t("Exclude capture {number}?", { number });
  if (!(await confirmed(field("removal")))) return;
  take(await attempt(() => post(`${root}/captures/${number}/removal`, { reason: field("reason").value })));
}

field("close").addEventListener("click", async () => {
  const closed = state.closed_at === null;
  field("reopen-reason").value = "";
  if (!(await confirmed(field(closed ? "close-dialog" : "reopen-dialog")))) return;
  take(await attempt(() => post(`${root}/closing`, { closed, reason: field("reopen-reason").value })));
});
field("sign").addEventListener("click", async () => {
  const typed = field("sign-name"); // where nobody is logged in
  if (typed) typed.value = "";
  if (await confirmed(field("sign-dialog"))) take(await attempt(() => post(`${root}/signature`, typed ? { name: typed.value } : {})));
});
field("view").addEventListener("change", async (event) => {
  const chosen = event.target.value;
  if (await confirmed(field("view-dialog"))) take(await attempt(() => patch(`${root}/view`, { view: chosen })));
  // What was refused must not look chosen.
  field("view").view.value = state.view;
  live.again();
});
autosave(field("details"), field("saved"), async (changed) => take(await patch(`${root}/details`, { changed })));
field("d-code").addEventListener("change", async () => {
  const code = field("d-code").value.trim();
  const found = code ? await get(`/api/codes?code=${encodeURIComponent(code)}&session=${state.id}`).catch(() => null) : null;
  for (const text of found?.warnings ?? []) say(text, "doubtful");
});
autosave(field("remarks"), field("remarks-saved"), async (changed) => take(await patch(`${root}/captures/${field("remarks").dataset.number}/remarks`, changed)));

// A barcode that is scanned here is a patient's: it is compared, and stands in no field in which the cursor happens to be.
addEventListener("scan", ({ detail }) => {
  const field = document.activeElement, code = detail.trim();
  if (/^(INPUT|TEXTAREA)$/.test(field.tagName) && field.value.endsWith(detail)) {
    field.value = field.value.slice(0, -detail.length);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (code === state.code) say(t("The barcode is that of this session."));
  else say(t("The barcode says {code}, and this session is of {own}. Is it the right patient?", { code, own: state.code }), "bad");
});

// Another window may change the session: its revision comes with every live picture.
let fetching = false;
let jumped = 0;
let fault = "";
async function hear(header) {
  if (header.clock_jump && header.clock_jump !== jumped) {
    jumped = header.clock_jump;
    say(header.clock_notice, "doubtful");
  }
  if (header.trail_fault && !fault) say(t("The audit file cannot be written. Captures are saved, but call IT: {reason}", { reason: header.trail_fault }), "bad");
  fault = header.trail_fault;
  if (header.revision <= state.revision || fetching) return;
  fetching = true;
  take(await attempt(() => get(root)));
  fetching = false;
}

// A closed session shows no live picture: who lies before the camera now may be somebody else.
live = watch(state.id, () => ({ view: state.view, feet: state.details.one_foot ?? "both" }), hear, () => state.state === "running");
drawScale(field("scale"));
show();
document.documentElement.dataset.ready = language;
