// The monitor's time, and wall-clock times as people read them.
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

const parts = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const formats = {
  minute: new Intl.DateTimeFormat(language, parts),
  second: new Intl.DateTimeFormat(language, { ...parts, second: "2-digit" }),
  day: new Intl.DateTimeFormat(language, { weekday: "short", day: "numeric", month: "short" }),
};
const dayOf = (moment) => new Date(moment).toDateString();

/** Write a moment as a wall clock shows it, with its date where that is not today's. */
export function wallTime(moment, to = "minute") {
  const time = formats[to].format(new Date(moment));
  return dayOf(moment) === dayOf(monitorTime()) ? time : `${formats.day.format(new Date(moment))}, ${time}`;
}

/** Write a moment as the value of an input of a time with seconds. */
export const inputTime = (moment) => [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map((each) => String(each).padStart(2, "0")).join(":");

/** Find the last moment that has a time of day (of an input of a time); null where there is none. */
export function lastMoment(text) {
  const found = /^(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?$/.exec(text);
  if (!found) return null;
  const moment = new Date(monitorTime());
  moment.setHours(Number(found[1]), Number(found[2]), Number(found[3] ?? 0), 0);
  if (moment.getTime() > monitorTime()) moment.setDate(moment.getDate() - 1);
  return moment;
}
