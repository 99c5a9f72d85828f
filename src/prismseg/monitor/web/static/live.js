// The live picture: one socket, one canvas, lights beside it, and how old all of it is.
import { language, logIn, make, number, t } from "./api.js";
import { drawOutlines } from "./draw.js";
import { hearTime, monitorTime, passed, stopwatch } from "./time.js";

const OLD = 2; // s; nothing older shows what is there now
const SILENT = 2; // s without a sign of life, which comes each second
const TICK = 250; // ms
const PULSE = 450; // ms; faster would flicker

/** Show the live picture of a session while `wanted`; `told` hears every message of the monitor. */
export function watch(session, aim, told, wanted) {
  const canvas = document.getElementById("picture");
  const context = canvas.getContext("2d");
  const stage = canvas.parentElement;
  const failure = document.getElementById("failure");
  const lights = document.getElementById("lights");
  const age = document.getElementById("age");
  const beat = document.getElementById("beat");
  let socket = null;
  let fresh = true; // whether the next message is the first of its socket
  let heard = null; // when the monitor last gave a sign of life
  let pulsed = stopwatch();
  let taken = null; // when the picture on the canvas was taken, by the monitor's clock
  let trouble = ""; // why there is no picture, as the monitor says
  let cut = false; // the connection ended, and no other one stands yet
  let shown = "";

  function open() {
    if (!wanted()) { socket = null; return; }
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    fresh = true;
    socket = new WebSocket(`${scheme}://${location.host}/live?session=${encodeURIComponent(session)}&view=${aim().view}&feet=${aim().feet}&language=${language}`);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", (event) => { show(event.data).catch(() => {}); });
    socket.addEventListener("close", (event) => {
      if (event.code === 4401) { logIn(); return; }
      cut = true;
      judge();
      setTimeout(open, 1000);
    });
  }

  async function show(buffer) {
    const length = new DataView(buffer).getUint32(0);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    const again = isSilent();
    hearTime(header.now, fresh);
    fresh = cut = false;
    heard = stopwatch();
    if (passed(pulsed) > PULSE) { pulsed = heard; beat.classList.toggle("odd"); }
    if (again) document.dispatchEvent(new Event("answering"));
    told(header);
    if (!wanted()) return;
    trouble = header.failure ?? "";
    if (header.taken_at === null) taken = null;
    if (header.taken_at !== null && buffer.byteLength > 4 + length) {
      const bitmap = await createImageBitmap(new Blob([new Uint8Array(buffer, 4 + length)], { type: "image/jpeg" }));
      context.imageSmoothingEnabled = true;
      context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      bitmap.close();
      drawOutlines(context, header.outlines, header.size);
      canvas.dataset.number = header.number;
      taken = new Date(header.taken_at).getTime();
    }
    showLights(header.lights);
    judge();
  }

  function showLights(all) {
    const text = JSON.stringify(all.map(({ name, state, text }) => [name, state, text]));
    if (text === shown) return;
    shown = text;
    lights.replaceChildren(...all.map((light) => make("li", { class: light.state, "data-light": light.name }, light.text)));
  }

  const isSilent = () => cut || (heard !== null && passed(heard) > SILENT * 1000);

  /** Say how old the picture is; what is old, or comes from a monitor that is silent, is grey. */
  function judge() {
    if (!wanted()) return;
    const seconds = taken === null ? null : Math.max(0, (monitorTime() - taken) / 1000);
    const silent = isSilent();
    const old = seconds === null || seconds > OLD || silent;
    stage.classList.toggle("old", old);
    lights.classList.toggle("old", old);
    beat.classList.toggle("silent", silent || heard === null);
    beat.textContent = silent ? t("The monitor does not answer") : old ? t("no live picture") : t("live");
    age.textContent = seconds === null || !old ? "" : t("This picture is {seconds} s old", { seconds: number(seconds, 0) });
    const text = silent ? t("The monitor does not answer. What is shown here is old. Is it switched on?") : trouble;
    failure.textContent = text;
    failure.hidden = !text;
  }

  function check() {
    if (!wanted()) {
      socket?.close();
      failure.hidden = true;
      stage.classList.remove("old");
      age.textContent = beat.textContent = "";
      showLights([]);
    } else if (socket === null) open();
  }

  setInterval(judge, TICK);
  check();
  return { again: () => socket?.close(), check };
}
