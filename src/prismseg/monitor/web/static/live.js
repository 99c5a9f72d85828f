// The live picture: one socket, one canvas, lights beside it.
import { language, logIn, make, t } from "./api.js";
import { drawOutlines } from "./draw.js";

const LATE = 4000;

/** Show the live picture of a session while `wanted`; `told` hears its revision with every picture. */
export function watch(session, aim, told, wanted) {
  const canvas = document.getElementById("picture");
  const context = canvas.getContext("2d");
  const failure = document.getElementById("failure");
  const lights = document.getElementById("lights");
  let socket = null;
  let last = Date.now();
  let shown = "";

  const fail = (text) => { failure.textContent = text; failure.hidden = false; };

  function open() {
    if (!wanted()) { socket = null; return; }
    last = Date.now();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}/live?session=${encodeURIComponent(session)}&view=${aim().view}&feet=${aim().feet}&language=${language}`);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", (event) => { last = Date.now(); show(event.data).catch(() => {}); });
    socket.addEventListener("close", (event) => {
      if (event.code === 4401) { logIn(); return; }
      setTimeout(open, 1000);
    });
  }

  async function show(buffer) {
    const length = new DataView(buffer).getUint32(0);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    told(header);
    if (!wanted()) return;
    if (header.failure) { fail(header.failure); showLights([]); return; }
    const bitmap = await createImageBitmap(new Blob([new Uint8Array(buffer, 4 + length)], { type: "image/jpeg" }));
    failure.hidden = true;
    context.imageSmoothingEnabled = true;
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    drawOutlines(context, header.outlines, header.size);
    showLights(header.lights);
    canvas.dataset.number = header.number;
  }

  function showLights(all) {
    const text = JSON.stringify(all);
    if (text === shown) return;
    shown = text;
    lights.replaceChildren(...all.map((light) => make("li", { class: light.state, "data-light": light.name }, light.text)));
  }

  function check() {
    if (!wanted()) {
      socket?.close();
      failure.hidden = true;
      showLights([]);
    } else if (socket === null) open();
  }

  setInterval(() => { if (wanted() && Date.now() - last > LATE) fail(t("No live picture. Is the monitor running?")); }, 1000);
  check();
  return { again: () => socket?.close(), check };
}
