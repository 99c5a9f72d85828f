// Whether this page is there again after it was locked, after the monitor was started anew, or after it was loaded again.
let again = false;
const reloaded = performance.getEntriesByType("navigation")[0]?.type === "reload";
try {
  again = sessionStorage.getItem("returns to") === location.pathname;
  sessionStorage.removeItem("returns to");
} catch { /* storage is switched off: nothing was kept either */ }

/** Tell whether the page was left for the log-in by itself, and not by whoever uses it. */
export const cameFromLogIn = () => again;

/** Tell whether it is the same page for whoever uses it: it was locked, or loaded again. */
export const isSamePage = () => again || reloaded;
