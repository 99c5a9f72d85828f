// What every page has: theme, log-out, times in the reader's zone, lock.
import { lockSeconds, logIn, post } from "./api.js";
import { dropDrafts } from "./drafts.js";

dropDrafts();

document.getElementById("theme").addEventListener("click", () => {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  try { localStorage.setItem("theme", next); } catch { /* storage is switched off: the choice lasts for this page */ }
  wear(next);
});

// Paper is white, whatever the screen is.
let screenTheme = "";
const wear = (theme) => { document.documentElement.dataset.theme = theme; document.dispatchEvent(new Event("theme")); };
addEventListener("beforeprint", () => { screenTheme = document.documentElement.dataset.theme; wear("light"); });
addEventListener("afterprint", () => wear(screenTheme));

document.getElementById("logout")?.addEventListener("click", async () => {
  await post("/logout");
  dropDrafts(true);
  location.assign("/login");
});

const moment = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
for (const element of document.querySelectorAll("time[datetime]")) {
  if (!element.textContent) element.textContent = moment.format(new Date(element.dateTime));
}

// Whoever touches the page keeps it unlocked; whoever leaves it finds the log-in.
if (lockSeconds > 0) {
  let touched = Date.now();
  let told = Date.now();
  const noted = () => {
    touched = Date.now();
    if (touched - told > Math.min(60, lockSeconds / 4) * 1000) { told = touched; post("/api/touch").catch(() => {}); }
  };
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, noted, { passive: true });
  setInterval(() => { if (Date.now() - touched > lockSeconds * 1000) logIn(); }, 2000);
}
