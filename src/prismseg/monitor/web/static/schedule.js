// When captures are asked for, and in which words: for one session's page and for the ward's board.
import { t } from "./api.js";

/** Write seconds as minutes and seconds. */
export function minutesAndSeconds(seconds) {
  const minutes = Math.floor(Math.abs(seconds) / 60);
  return `${seconds < 0 ? "−" : ""}${minutes}:${String(Math.abs(seconds) % 60).padStart(2, "0")}`;
}

/**
 * Tell which minute of the schedule is due, and which comes next; null where there is none.
 *
 * A capture counts for a minute from half a minute before it until half a minute before the next one. What was missed is not
 * asked for once the next minute has come: a picture of then would show something else. After the last minute as much time
 * passes as before it: a session that nobody closed does not call for ever.
 */
export function findAsked(schedule, minutes, skipped, seconds) {
  const after = schedule.filter((minute) => minute > 0);
  const taken = (minute) => minutes.some((each) => each >= minute - 0.5 && each < (after.find((later) => later > minute) ?? Infinity) - 0.5);
  const done = (minute) => taken(minute) || skipped.includes(minute);
  const present = after.filter((minute) => minute * 60 <= seconds).at(-1);
  const end = 2 * (after.at(-1) ?? 0) - (after.at(-2) ?? 0);
  return {
    due: present !== undefined && seconds < end * 60 && !done(present) ? present : null,
    next: after.find((minute) => minute * 60 > seconds && !done(minute)) ?? null,
  };
}

/** Say what is asked for: {now, later}, either of them empty. */
export function sayAsked({ due, next }, seconds) {
  const later = next === null ? "" : t("Capture at {minute} min, in {time}", { minute: next, time: minutesAndSeconds(next * 60 - seconds) });
  if (due !== null) return { now: t("Capture now: {minute} min", { minute: due }), later };
  return { now: "", later: later || t("No more captures are asked for") };
}
