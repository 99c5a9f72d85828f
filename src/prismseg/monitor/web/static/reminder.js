// Reminders that are heard and seen from across the room: tones, vibration where the device can, and the page's colour.
import { t } from "./api.js";

const AGAIN = 30_000; // ms until a capture that is still due is called for again
const TONES = [[0, 660], [0.22, 880], [0.44, 660], [0.66, 880]]; // start in s, and Hz: two pitches, for ears that miss one
let sound = null;
let volume = 0.7;
let called = { minute: null, at: 0 };
try { volume = Number(localStorage.getItem("volume") ?? volume); } catch { /* storage is switched off: as loud as by default */ }

function context() {
  sound ??= new AudioContext();
  return sound;
}

/** Browsers keep a page silent until somebody has touched it. */
const blocked = () => sound === null || sound.state !== "running";

function play() {
  if (volume <= 0) return;
  const on = context();
  const gain = on.createGain();
  gain.connect(on.destination);
  for (const [start, pitch] of TONES) {
    const tone = on.createOscillator();
    const from = on.currentTime + start;
    tone.type = "square"; // its overtones carry further than a pure tone, and small loudspeakers have no bass
    tone.frequency.value = pitch;
    tone.connect(gain);
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(volume, from + 0.02);
    gain.gain.setValueAtTime(volume, from + 0.16);
    gain.gain.linearRampToValueAtTime(0, from + 0.2);
    tone.start(from);
    tone.stop(from + 0.2);
  }
  document.documentElement.dataset.called = String(Number(document.documentElement.dataset.called ?? 0) + 1);
}

/** Call for a minute that is due (anything that names it); null says that nothing is. */
export function remind(minute) {
  document.documentElement.classList.toggle("due", minute !== null);
  if (minute === null) { called = { minute, at: 0 }; return; }
  if (called.minute === minute && Date.now() - called.at < AGAIN) return;
  called = { minute, at: Date.now() };
  if (!blocked()) play();
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.([300, 150, 300]); // browsers refuse it before
}

/** Let volume and test be set in the panel of the page. */
export function setUpReminder() {
  const slider = document.getElementById("volume"), note = document.getElementById("sound");
  const told = () => { note.textContent = volume <= 0 ? t("Sound is off.") : blocked() ? t("The browser keeps silent until this page was touched once.") : t("Sound is on."); };
  slider.value = String(volume * 100);
  slider.addEventListener("input", () => {
    volume = Number(slider.value) / 100;
    try { localStorage.setItem("volume", String(volume)); } catch { /* it lasts for this page */ }
    told();
  });
  document.getElementById("sound-test").addEventListener("click", () => { context().resume().then(() => { play(); told(); }); navigator.vibrate?.(200); });
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => { if (blocked()) context().resume().then(told); }, { passive: true });
  told();
}
