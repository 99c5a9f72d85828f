// How a record stands, as the report says it: it heads every page of a print.
import { t } from "./api.js";
import { wallTime } from "./time.js";

const ORIGINS = { import: () => t("IMPORTED"), demonstration: () => t("DEMONSTRATION – no patient") };

/** Head the print of a session's pages. */
export function headPaper(state) {
  const told = [ORIGINS[state.origin]?.()];
  told.push(state.closed_at === null ? t("OPEN – may still change") : t("closed {time}", { time: wallTime(state.closed_at, "whole") }));
  if (state.signed_at !== null) told.push(t("signed by {name}, {time}", { name: state.signed_by, time: wallTime(state.signed_at, "whole") }));
  document.getElementById("paper-what").textContent = state.code;
  document.getElementById("paper-state").textContent = told.filter(Boolean).join(" · ");
}
