// All running sessions on one screen, for a display in the ward.
import { RequestError, attempt, get, language, make, number, post, t } from "./api.js";
import { showChange, showFlagWords } from "./changes.js";
import { confirmed } from "./dialogs.js";
import { remind, setUpReminder } from "./reminder.js";
import { findAsked, minutesAndSeconds, sayAsked } from "./schedule.js";
import { hearTime, monitorTime, passed, stopwatch, wallTime } from "./time.js";

const EVERY = 2000; // ms between two looks
const OLD = 6000; // ms after which the board is old
const field = (id) => document.getElementById(id);
const schedule = JSON.parse(field("schedule").textContent);
let sessions = [], heard = null, trouble = "";

async function look() {
  try {
    const board = await get("/api/board");
    hearTime(board.now);
    heard = stopwatch();
    trouble = "";
    if (JSON.stringify(sessions) !== JSON.stringify(board.sessions) || !field("board").children.length) {
      sessions = board.sessions; // what did not change keeps its focus
      field("board").replaceChildren(...(sessions.length ? sessions.map(bed) : [make("li", { class: "empty" }, t("No session is running."))]));
    }
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    trouble = error.message;
  }
  tick();
  setTimeout(look, EVERY);
}

function bed(each) {
  const change = (side) => {
    const line = make("p", { class: "change", id: `change-${side}-${each.id}` });
    showChange(line, side, each.last?.[side] ?? null);
    return line;
  };
  const words = make("ul", { class: "flag-words" });
  showFlagWords(words, each.flags);
  return make("li", { class: "bed", "data-id": each.id },
    make("div", { class: "top-line" },
      make("a", { href: `/sessions/${each.id}` }, each.code),
      make("span", { class: "clock" }), each.has_camera ? make("span", { class: "badge running" }, t("camera")) : null,
      each.test_dose_at ? make("small", {}, t("Test dose {time}", { time: wallTime(each.test_dose_at) })) : null),
    make("p", { class: "next" }), make("p", { class: "later" }),
    change("left"), change("right"),
    make("p", { class: "quiet-text" }, each.last ? t("at {minute} min", { minute: number(each.last.minute, 1) }) : ""), words);
}

function tick() {
  const old = heard === null || passed(heard) > OLD;
  field("board").classList.toggle("old", old);
  field("failure").hidden = !trouble && !(old && heard !== null);
  field("failure").textContent = trouble || (old && heard !== null ? t("The monitor does not answer. What is shown here is old. Is it switched on?") : "");
  field("updated").textContent = heard === null ? "" : t("as of {time}", { time: wallTime(monitorTime() - passed(heard), "second") });
  const calls = [];
  for (const each of sessions) {
    const line = field("board").querySelector(`[data-id="${each.id}"]`);
    if (!line) continue;
    const [clock, next, later] = [".clock", ".next", ".later"].map((name) => line.querySelector(name));
    let due = null;
    if (!each.test_dose_at) {
      clock.textContent = "–:––";
      next.textContent = each.has_baseline ? t("Baseline is there. Give the test dose.") : t("Baseline first");
    } else {
      const seconds = Math.floor((monitorTime() - new Date(each.test_dose_at)) / 1000);
      const asked = findAsked(schedule, each.minutes, each.skipped, seconds);
      const words = sayAsked(asked, seconds);
      due = asked.due;
      clock.textContent = minutesAndSeconds(seconds);
      next.textContent = words.now;
      later.textContent = words.later;
    }
    line.classList.toggle("due", due !== null);
    if (due !== null) calls.push(`${each.id} ${due}`);
  }
  remind(calls.length ? calls.join() : null);
}

const staying = field("staying"); // only where pages are locked
staying?.addEventListener("click", async () => {
  const on = staying.dataset.on !== "yes";
  if (on && !(await confirmed(field("staying-dialog")))) return;
  if (await attempt(() => post("/api/board/staying", { on })) === null) location.reload();
});
setUpReminder();
setInterval(tick, 500);
await look();
document.documentElement.dataset.ready = language;
