// A session's clock, the capture that is asked for, and skipping it.
import { attempt, mayWrite, post, t } from "./api.js";
import { confirmed } from "./dialogs.js";
import { remind } from "./reminder.js";
import { findAsked, minutesAndSeconds, sayAsked } from "./schedule.js";
import { monitorTime, wallTime } from "./time.js";

const field = (id) => document.getElementById(id);
const set = (id, text) => { if (field(id).textContent !== text) field(id).textContent = text; }; // a live region speaks only of changes

/** Let the clock run; `session` gives its state, `told` hears it after a capture was skipped. */
export function setUpCountdown(root, schedule, session, told) {
  let due = null;

  function tick() {
    const state = session();
    const last = Math.round(60 * (state.captures.at(-1)?.minute ?? 0));
    due = null;
    const dosed = state.test_dose_at && wallTime(state.test_dose_at, "minute");
    set("dosed", !dosed ? "" : state.state === "imported" ? t("Test dose {time}, by the camera's clock", { time: dosed }) : t("Test dose {time}", { time: dosed }));
    if (state.state !== "running") {
      show(state.dosed ? minutesAndSeconds(last) : "–:––", state.state === "imported" ? t("imported: recorded elsewhere") : t("closed after the last capture"));
    } else if (!state.test_dose_at) {
      show("–:––", state.has_baseline ? t("Baseline is there. Give the test dose.") : t("Baseline first"));
      field("next").classList.toggle("due", !state.has_baseline);
    } else {
      const seconds = Math.floor((monitorTime() - new Date(state.test_dose_at)) / 1000);
      const asked = findAsked(schedule, state.captures.map((each) => each.minute ?? -1), state.skipped.map((each) => each.minute), seconds);
      const words = sayAsked(asked, seconds);
      due = asked.due;
      show(minutesAndSeconds(seconds), words.now, words.later);
    }
    field("skip").hidden = due === null || !mayWrite;
    remind(due);
  }

  function show(clock, now, later = "") {
    set("clock", clock);
    set("next", now);
    set("later", later);
    field("next").classList.toggle("due", due !== null);
  }

  field("skip").addEventListener("click", async () => {
    const minute = due;
    if (minute === null) return;
    field("skip-reason").value = "";
    field("skip-dialog-title").textContent = t("Skip the capture at {minute} min?", { minute });
    if (!(await confirmed(field("skip-dialog")))) return;
    told(await attempt(() => post(`${root}/skips`, { minute, reason: field("skip-reason").value })));
    tick();
  });
  setInterval(tick, 500);
  return tick;
}
