// When the test dose was given: stated first, corrected later.
import { attempt, number, post, t } from "./api.js";
import { confirmed } from "./dialogs.js";
import { inputTime, lastMoment, monitorTime, wallTime } from "./time.js";

const field = (id) => document.getElementById(id);

/** Let the button ask; `told` hears the session afterwards. A time that was emptied, or left as it was, changes nothing. */
export function setUpDose(root, session, told) {
  const time = field("dose-time");
  let old = null;
  let now = null; // the moment of "Now", to the millisecond, as long as the field shows it

  const chosen = () => (now !== null && time.value === inputTime(now) ? now : lastMoment(time.value));
  const changed = () => chosen() !== null && (old === null || time.value !== inputTime(old));

  function show() {
    const moment = chosen();
    const confirm = field("dose-dialog").querySelector(".confirm");
    confirm.disabled = !changed();
    if (moment === null) { field("dose-new").textContent = t("Enter a time, or leave everything as it is."); return; }
    const ago = t("{minutes} min ago", { minutes: number((monitorTime() - moment) / 60000, 1) });
    field("dose-new").textContent = old === null || !changed()
      ? `${wallTime(moment, "second")}, ${ago}`
      : t("{old} → {new}, {ago}", { old: wallTime(old, "second"), new: wallTime(moment, "second"), ago });
  }

  function setNow() {
    now = new Date(monitorTime());
    time.value = inputTime(now);
    show();
  }

  time.addEventListener("input", show);
  field("dose-now").addEventListener("click", setNow);
  field("dose").addEventListener("click", async () => {
    const stated = session().test_dose_at;
    old = stated === null ? null : new Date(stated);
    now = null;
    const [yes, no] = ["confirm", "cancel"].map((name) => field("dose-dialog").querySelector(`.${name}`));
    field("dose-dialog-title").textContent = old === null ? t("When was the test dose given?") : t("Correct the time of the test dose");
    yes.textContent = old === null ? t("Start the clock") : t("Change the time");
    no.textContent = old === null ? t("Not yet") : t("Leave it as it is");
    field("dose-old").textContent = old === null ? "" : t("So far: {time}", { time: wallTime(old, "second") });
    if (old === null) setNow();
    else { time.value = inputTime(old); show(); }
    const ticking = setInterval(show, 1000);
    const sure = await confirmed(field("dose-dialog"));
    clearInterval(ticking);
    if (!sure || !changed()) return;
    const moment = chosen();
    // The moment itself: seconds would be counted from whenever a monitor that hangs takes the request.
    told(await attempt(() => post(`${root}/dose`, { at: new Date(moment).toISOString(), before: stated })));
  });
}
