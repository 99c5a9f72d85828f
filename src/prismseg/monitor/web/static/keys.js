// Keys that act. A barcode scanner is a keyboard that types fast and ends with Enter or Tab: what it sends never acts.
const APART = 250; // ms between a key that acts and any other; the slowest scanners send one in 100
const BURST = 3; // keys within BURST_MS that no hand types
const BURST_MS = 250; // two steps of the slowest scanners, and some
const SCANNED = 4; // characters that are a scanner's, when no two are further apart than SCANNED_MS
const SCANNED_MS = 50;
const presses = [];
const characters = { text: "", at: -Infinity };

const typing = (element) => element.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName);

let stopped = ""; // a key whose press was stopped: its release acts no more than the press

addEventListener("keydown", (event) => {
  if (event.repeat) { // a key that is held acts once
    if (event.key === stopped || ((event.key === "Enter" || event.key === " ") && !typing(event.target))) stop(event);
    return;
  }
  stopped = "";
  presses.push(event.timeStamp);
  if (presses.length > BURST) presses.shift();
  const burst = presses.length === BURST && presses.at(-1) - presses[0] < BURST_MS;
  const acts = event.key === "Enter" ? event.target.tagName !== "TEXTAREA" : event.key === " " && !typing(event.target);
  if (burst && acts) { stopped = event.key; stop(event); }
  collect(event);
}, { capture: true });

/** Put characters together; a scanner's, ended by Enter or Tab, are told to the page as the event "scan". */
function collect(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const follows = event.timeStamp - characters.at < SCANNED_MS;
  if (event.key.length === 1) Object.assign(characters, { text: follows ? characters.text + event.key : event.key, at: event.timeStamp });
  else if (event.key === "Enter" || event.key === "Tab") {
    const { text } = characters;
    characters.text = "";
    if (follows && text.length >= SCANNED && !document.querySelector("dialog[open]")) dispatchEvent(new CustomEvent("scan", { detail: text }));
  }
}
addEventListener("keyup", (event) => { if (event.key === stopped) stop(event); }, { capture: true });

function stop(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}

/** Run `act` when a key is pressed alone: no field has the focus, no other key came shortly before or after. */
export function onKey(key, act, { control = false } = {}) {
  let waiting = 0, last = -Infinity;
  addEventListener("keydown", (event) => {
    if (/^(Control|Shift|Alt|Meta)$/.test(event.key)) return; // they come before every key that they are held with
    const alone = event.timeStamp - last > APART;
    last = event.timeStamp;
    clearTimeout(waiting);
    if (event.key.toLowerCase() !== key || !alone || event.repeat || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.ctrlKey !== control || event.metaKey || event.altKey) return;
    event.preventDefault();
    waiting = setTimeout(act, APART);
  });
}
