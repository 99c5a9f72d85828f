// What every page has: theme, log-out, times in the monitor's zone, lock.
import { get, lockSeconds, logIn, post, stayHere, t } from "./api.js";
import { dropDrafts } from "./drafts.js";
import { monitorTime, passed, stopwatch, wallFormat, wallTime } from "./time.js";

dropDrafts();

document.getElementById("theme").addEventListener("click", () => {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  try { localStorage.setItem("theme", next); } catch { /* storage is switched off: the choice lasts for this page */ }
  wear(next);
});

// Paper is white, whatever the screen is.
let screenTheme = "";
const wear = (theme) => { document.documentElement.dataset.theme = theme; document.dispatchEvent(new Event("theme")); };
let unfolded = [];
addEventListener("beforeprint", () => {
  screenTheme = document.documentElement.dataset.theme;
  wear("light");
  unfolded = [...document.querySelectorAll("details:not([open])")];
  for (const each of unfolded) each.open = true; // nobody can unfold paper
  headPrint();
});
addEventListener("afterprint", () => {
  wear(screenTheme);
  for (const each of unfolded) each.open = false;
});

/** Say on every page of a print what it shows, when it was printed and by whom. */
function headPrint() {
  const what = document.getElementById("paper-what"), name = document.querySelector('meta[name="who"]').content;
  if (!what.textContent) what.textContent = document.querySelector("h1")?.textContent ?? document.title;
  const time = wallTime(monitorTime(), "whole");
  document.getElementById("paper-printed").textContent = name ? t("printed {time} by {name}", { time, name }) : t("printed {time}", { time });
}
headPrint();

// Another language shows the same page: what was typed on it comes back.
for (const link of document.querySelectorAll(".settings a[hreflang]")) link.addEventListener("click", stayHere);

// A file that misses its place would take the place of the page.
for (const kind of ["dragover", "drop"]) {
  addEventListener(kind, (event) => { if (event.target.type !== "file" && event.dataTransfer?.types.includes("Files")) event.preventDefault(); });
}

// Whoever turns the wheel scrolls; browsers would change the number or the choice that has the focus.
addEventListener("wheel", ({ target }) => { if (target === document.activeElement && (target.type === "number" || target.tagName === "SELECT")) target.blur(); }, { passive: true });

document.getElementById("logout")?.addEventListener("click", async () => {
  await post("/logout");
  dropDrafts(true);
  location.assign("/login");
});

const moment = wallFormat({ dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
for (const element of document.querySelectorAll("time[datetime]")) {
  if (!element.textContent) element.textContent = moment.format(new Date(element.dateTime));
}

// Whoever touches the page keeps it unlocked; whoever leaves it finds the log-in.
if (lockSeconds > 0) {
  let touched = stopwatch();
  let told = stopwatch();
  const noted = () => {
    touched = stopwatch();
    if (passed(told) > Math.min(60, lockSeconds / 4) * 1000) { told = touched; post("/api/touch").catch(() => {}); }
  };
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, noted, { passive: true });
  // Somebody may be at another window of this browser: the monitor knows, and a page that came back by itself from the
  // log-in would keep them all open.
  let asked = stopwatch(), rest = 0;
  const look = async () => {
    if (passed(touched) <= lockSeconds * 1000 || passed(asked) <= rest) return;
    asked = stopwatch();
    rest = 60_000; // while it is asked
    try { rest = (await get("/api/lock")).seconds * 1000; } catch { logIn(); }
  };
  setInterval(look, 2000);
}
