// One session: live picture, clock, captures, curves, observations, details.
import { Z95, attempt, get, language, make, number, patch, post, say, t } from "./api.js";
import { Curves } from "./curves.js";
import { confirmed } from "./dialogs.js";
import { setUpDose } from "./dose.js";
import { drawOutlines, drawScale } from "./draw.js";
import { autosave, fill } from "./fields.js";
import { onKey } from "./keys.js";
import { watch } from "./live.js";
import { hearTime, monitorTime } from "./time.js";

const field = (id) => document.getElementById(id);
const schedule = JSON.parse(field("schedule").textContent);
let state = JSON.parse(field("state").textContent);
hearTime(state.now, true);
const root = `/api/sessions/${state.id}`;
let busy = false;
let live = null;
const curves = new Curves(field("plot"), field("plot-difference"));

for (const region of state.regions) field("region").append(make("option", { value: region.name }, region.title));
field("region").addEventListener("change", showCurves);

function take(made) {
  if (!made || made.revision < state.revision) return;
  state = made;
  hearTime(state.now);
  show();
}

function show() {
  field("code").textContent = state.code;
  document.title = `${state.code} – prismseg`;
  const open = state.state === "running";
  field("camera").hidden = !open || state.has_camera;
  field("camera-where").textContent = state.camera_with ? t("The camera is with session {code}.", { code: state.camera_with.code }) : t("The camera is not with this session.");
  field("capture").disabled = !open || !state.has_camera || busy;
  field("dose").textContent = state.test_dose_at ? t("Correct the time of the dose") : t("Test dose given");
  field("dose").classList.toggle("accent", !state.test_dose_at);
  field("dose").classList.toggle("big", !state.test_dose_at);
  field("dose").disabled = !open;
  live?.check();
  showLast();
  for (const each of [...field("details").elements, ...field("view").elements]) each.disabled = !open;
  field("sign").hidden = open || state.signed_at !== null;
  field("signed").textContent = state.signed_at === null ? "" : t("Signed by {name}, {time}", { name: state.signed_by, time: new Date(state.signed_at).toLocaleString(language) });
  field("close").hidden = state.state === "imported";
  field("close").textContent = open ? t("Close the session") : t("Open the session again");
  showBlocked();
  showCurves();
  showFlags();
  showCaptures();
  fill(field("details"), state.details);
  field("d-bmi").textContent = state.bmi === null ? "–" : number(state.bmi, 1);
  field("view").view.value = state.view;
  tick();
}

/** In place of the live picture, a closed session shows its last capture. */
async function showLast() {
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

function showCurves() {
  const region = field("region").value;
  curves.show(state.captures, region, 30);
  const last = state.captures.filter((each) => each.measured).at(-1);
  const known = last && state.has_baseline;
  for (const side of ["left", "right"]) field(`last-${side}`).textContent = known ? `${change(last, side, region)} °C` : "–";
  field("last-difference").textContent = known ? `${pm(last.differences[region])} °C` : "–";
  field("last-minute").textContent = known ? `${number(last.minute, 1)} min` : "";
}

const change = (capture, side, region) => pm(capture.values[side][region].delta);

function pm(each) {
  return each.value === null ? "–" : `${number(each.value, 1, true)} ± ${number(Z95 * each.error, 1)}`;
}

function showFlags() {
  const quality = state.flags.filter((flag) => flag.name === "quality");
  const items = state.flags.filter((flag) => flag.name !== "quality").map((flag) => {
    const facts = make("dl");
    for (const [name, value] of [[t("Value"), flag.value], [t("Threshold"), flag.threshold], [t("Source"), flag.source]]) {
      if (value) facts.append(make("dt", {}, name), make("dd", {}, value));
    }
    const where = flag.side === "left" ? t("left") : flag.side === "right" ? t("right") : "";
    return make("li", { class: `level-${flag.level}`, "data-flag": flag.name },
      make("h3", {}, where ? `${flag.title} – ${where}` : flag.title), make("p", {}, flag.sentence), facts, make("p", { class: "caveat" }, flag.caveat));
  });
  if (quality.length) {
    const open = field("flags").querySelector("[data-flag=quality] details")?.open ?? false;
    const lines = quality.map((flag) => make("p", {}, `${flag.minutes.map((minute) => number(minute, 1)).join(", ")} min: ${flag.sentence}`));
    items.push(make("li", { class: "level-notice", "data-flag": "quality" },
      make("details", { open }, make("summary", {}, `${quality[0].title} (${quality.length})`), ...lines,
        make("p", { class: "quiet-text" }, `${t("Source")}: ${quality[0].source}`), make("p", { class: "caveat" }, quality[0].caveat))));
  }
  if (!items.length) items.push(make("li", {}, t("Nothing to observe yet.")));
  field("flags").replaceChildren(...items);
}

function showCaptures() {
  const items = state.captures.map((each) => {
    const minute = each.minute === null ? "" : state.dosed ? `${number(each.minute, 1)} min` : t("baseline");
    const means = each.measured
      ? make("p", { class: "means" }, ...["right", "left"].map((side) => make("span", {}, make("span", { class: `side-${side}` }, side === "left" ? t("L") : t("R")), ` ${mean(each, side)} °C`)))
      : make("p", { class: "notice bad" }, each.reason.join(" "));
    const out = make("button", { type: "button" }, t("Exclude"));
    out.addEventListener("click", () => askRemoval(each.number));
    out.setAttribute("aria-label", t("Exclude capture {number}", { number: each.number }));
    const cautions = each.cautions.length
      ? make("details", {}, make("summary", {}, each.cautions.length === 1 ? t("1 remark") : t("{count} remarks", { count: each.cautions.length })), ...each.cautions.map((text) => make("p", {}, text)))
      : null;
    return make("li", { class: each.measured ? "" : "failed", "data-number": each.number },
      make("div", { class: "head" }, make("span", {}, minute), make("span", {}, `#${each.number}`)),
      make("a", { href: `/sessions/${state.id}/captures/${each.number}` },
        make("img", { src: `${root}/captures/${each.number}/picture.png`, alt: t("Capture {number}: open to correct or explain", { number: each.number }), loading: "lazy" })),
      means,
      each.mask?.origin === "edited" ? make("span", { class: "badge edited" }, t("outline edited by {name}", { name: each.mask.edited_by })) : null,
      each.baseline ? make("span", { class: "badge" }, t("baseline t0")) : null,
      cautions, out);
  });
  for (const each of state.deleted) {
    items.push(make("li", { class: "failed" }, make("div", { class: "head" }, make("span", {}, t("excluded")), make("span", {}, `#${each.number}`)), make("p", {}, each.reason)));
  }
  const text = JSON.stringify([state.captures, state.deleted, state.test_dose_at]);
  if (text === showCaptures.last) return;
  showCaptures.last = text;
  field("captures").replaceChildren(...(items.length ? items : [make("li", {}, t("No capture yet."))]));
}

function mean(capture, side) {
  const value = capture.values[side][state.regions[0].name].mean;
  return `${number(value.value, 1)} ± ${number(Z95 * value.error, 1)}`;
}

// The clock: minutes since the test dose, and the next capture that is asked for.
function tick() {
  if (state.state === "imported") {
    field("clock").textContent = clockOf(Math.round(60 * (state.captures.at(-1)?.minute ?? 0)));
    field("next").textContent = t("imported: recorded elsewhere");
    return;
  }
  const now = monitorTime();
  if (!state.test_dose_at) {
    field("clock").textContent = "–:––";
    field("next").textContent = state.has_baseline ? t("Baseline is there. Give the test dose.") : t("Baseline first");
    field("next").classList.toggle("due", !state.has_baseline);
    return;
  }
  if (state.closed_at) {
    field("clock").textContent = clockOf(Math.round(60 * (state.captures.at(-1)?.minute ?? 0)));
    field("next").textContent = t("closed after the last capture");
    return;
  }
  const seconds = Math.floor((now - new Date(state.test_dose_at)) / 1000);
  field("clock").textContent = clockOf(seconds);
  const times = state.captures.map((each) => each.minute ?? -1);
  const due = schedule.filter((minute, k) => minute > 0 && !times.some((time) => time >= minute - 0.5 && time < (schedule[k + 1] ?? Infinity) - 0.5));
  const late = due.filter((minute) => minute * 60 <= seconds).at(-1);
  const next = due.find((minute) => minute * 60 > seconds);
  field("next").classList.toggle("due", late !== undefined);
  field("next").textContent = late !== undefined ? t("Capture now: {minute} min", { minute: late })
    : next !== undefined ? t("{time} to {minute} min", { time: clockOf(next * 60 - seconds), minute: next })
    : t("All captures are taken");
}

function clockOf(seconds) {
  const minutes = Math.floor(Math.abs(seconds) / 60);
  return `${seconds < 0 ? "−" : ""}${minutes}:${String(Math.abs(seconds) % 60).padStart(2, "0")}`;
}

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

field("bring").addEventListener("click", async () => {
  take(await attempt(() => post(`${root}/camera`)));
  live.check();
});

let outgoing = null;
async function askRemoval(number) {
  outgoing = number;
  field("reason").value = "";
  if (!(await confirmed(field("removal")))) return;
  take(await attempt(() => post(`${root}/captures/${outgoing}/removal`, { reason: field("reason").value })));
}

field("close").addEventListener("click", async () => {
  const closed = state.closed_at === null;
  field("reopen-reason").value = "";
  if (!closed && !(await confirmed(field("reopen-dialog")))) return;
  take(await attempt(() => post(`${root}/closing`, { closed, reason: field("reopen-reason").value })));
});
field("sign").addEventListener("click", async () => {
  if (await confirmed(field("sign-dialog"))) take(await attempt(() => post(`${root}/signature`)));
});
field("view").addEventListener("change", async (event) => {
  const chosen = event.target.value;
  if (await confirmed(field("view-dialog"))) take(await attempt(() => patch(`${root}/view`, { view: chosen })));
  // What was refused must not look chosen.
  field("view").view.value = state.view;
  live.again();
});
autosave(field("details"), field("saved"), async (changed) => take(await patch(`${root}/details`, { changed })));

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
setInterval(tick, 500);
show();
document.documentElement.dataset.ready = language;
