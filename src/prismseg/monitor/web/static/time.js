// The monitor's time, and wall-clock times as people read them: those of the monitor's time zone, as its reports have them,
// whatever the device of the page is set to.
import { language } from "./api.js";

let anchor = null; // {now, date, steady}: what the monitor said, and the browser's two clocks at that moment

/** Take the time of the browser's two clocks. */
export const stopwatch = () => ({ date: Date.now(), steady: performance.now() });

/** Milliseconds since then. One clock may stand still while the machine sleeps, the other may be set: the larger counts. */
export const passed = (from) => Math.max(Date.now() - from.date, performance.now() - from.steady);
const moved = (from) => Date.now() - from.date - (performance.now() - from.steady);

/** Hear the monitor's time; of several messages the one that was under way for the shortest time counts. */
export function hearTime(text, fresh = false) {
  const heard = { now: new Date(text).getTime(), ...stopwatch() };
  if (anchor === null || fresh || Math.abs(moved(anchor)) > 1000 || heard.now > anchor.now + passed(anchor)) anchor = heard;
}

/** The monitor's time in milliseconds since 1970. */
export const monitorTime = () => (anchor === null ? Date.now() : anchor.now + passed(anchor));

/** Make a formatter in the monitor's time zone; in the device's own where the browser does not know that. */
export function wallFormat(options, locale = language) {
  const timeZone = document.querySelector('meta[name="zone"]')?.content || undefined;
  try { return new Intl.DateTimeFormat(locale, { ...options, timeZone }); } catch { return new Intl.DateTimeFormat(locale, options); }
}

const parts = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const formats = {
  minute: wallFormat(parts),
  second: wallFormat({ ...parts, second: "2-digit" }),
  day: wallFormat({ weekday: "short", day: "numeric", month: "short" }),
  whole: wallFormat({ dateStyle: "medium", timeStyle: "short", hourCycle: "h23" }),
};
const digits = wallFormat({ ...parts, second: "2-digit", year: "numeric", month: "2-digit", day: "2-digit", calendar: "iso8601", numberingSystem: "latn" }, "en");

/** What calendar and wall clock show at a moment: {year, month, day, hour, minute, second}. */
function shownAt(moment) {
  return Object.fromEntries(digits.formatToParts(new Date(moment)).map(({ type, value }) => [type, Number(value)]));
}

const dayOf = (moment) => { const at = shownAt(moment); return Date.UTC(at.year, at.month - 1, at.day); };

/** Write a moment as a wall clock shows it, with its date where that is not today's; "whole" has it always, with the year. */
export function wallTime(moment, to = "minute") {
  const time = formats[to].format(new Date(moment));
  return to === "whole" || dayOf(moment) === dayOf(monitorTime()) ? time : `${formats.day.format(new Date(moment))}, ${time}`;
}

/** Write a moment as the value of an input of a time with seconds. */
export function inputTime(moment) {
  const at = shownAt(moment);
  return [at.hour, at.minute, at.second].map((each) => String(each).padStart(2, "0")).join(":");
}

/**
 * Find the last moment that has a time of day (of an input of a time); null where there is none.
 *
 * An hour that a change of the clocks repeats has it twice: the later one counts that has come. One that is left out has it
 * never: then it was the day before's.
 */
export function lastMoment(text) {
  const found = /^(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?$/.exec(text);
  if (!found) return null;
  const now = monitorTime(), hour = 3_600_000;
  const ofDay = ((Number(found[1]) * 60 + Number(found[2])) * 60 + Number(found[3] ?? 0)) * 1000;
  for (const day of [dayOf(now), dayOf(now - 24 * hour), dayOf(now) - 24 * hour]) {
    const wall = day + ofDay;
    const moments = [wall - 14 * hour, wall + 14 * hour].map((near) => { // the zone's offset before and after a change
      const at = shownAt(near);
      return wall - (Date.UTC(at.year, at.month - 1, at.day, at.hour, at.minute, at.second) - Math.floor(near / 1000) * 1000);
    });
    const real = moments.filter((each) => each <= now && dayOf(each) === day && inputTime(each) === inputText(ofDay));
    if (real.length) return new Date(Math.max(...real));
  }
  return null;
}

const inputText = (ofDay) => new Date(ofDay).toISOString().slice(11, 19);
