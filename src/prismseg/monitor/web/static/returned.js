// Whether this page is there again after it was locked, or after the monitor was started anew.
let again = false;
try {
  again = sessionStorage.getItem("returns to") === location.pathname;
  sessionStorage.removeItem("returns to");
} catch { /* storage is switched off: nothing was kept either */ }

/** Tell whether the page was left for the log-in by itself, and not by whoever uses it. */
export const cameFromLogIn = () => again;
