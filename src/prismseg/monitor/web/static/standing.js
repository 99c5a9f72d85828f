// How a record stands, as the report says it: it heads every page of a print.
import { t } from "./api.js";
import { wallTime } from "./time.js";

const ORIGINS = { import: () => t("IMPORTED"), demonstration: () => t("DEMONSTRATION – no patient") };

/** Say who signed, and whether the name was only typed; empty where nobody has. */
export function saySigned(state, time) {
  if (state.signed_at === null) return "";
  return state.signed_typed
    ? t("signed {time} as {name} (typed, nobody was logged in)", { name: state.signed_by, time })
    : t("signed by {name}, {time}", { name: state.signed_by, time });
}

/** Head the print of a session's pages. */
export function headPaper(state) {
  const told = [ORIGINS[state.origin]?.()];
  told.push(state.closed_at === null ? t("OPEN – may still change") : t("closed {time}", { time: wallTime(state.closed_at, "whole") }));
  told.push(saySigned(state, wallTime(state.signed_at ?? state.now, "whole")));
  document.getElementById("paper-what").textContent = state.code;
  document.getElementById("paper-state").textContent = told.filter(Boolean).join(" · ");
}
