import { attempt, post } from "./api.js";
import "./keys.js";

document.getElementById("new").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  button.disabled = true;
  const made = await attempt(() => post("/api/sessions", { code: form.code.value.trim(), view: form.view.value, one_foot: form.one_foot.value || null, take_camera: form.take_camera?.checked ?? false }));
  button.disabled = false;
  if (made) location.assign(`/sessions/${made.id}`);
});
// A code from a barcode, wherever the cursor is: it takes the place of the one that was proposed; nothing begins by it.
addEventListener("scan", (event) => {
  const field = document.getElementById("code");
  field.value = event.detail.trim().slice(0, field.maxLength);
  field.dispatchEvent(new Event("change"));
  field.focus();
});
// Until now a click would have sent the form past this script.
document.querySelector("#new button").disabled = false;
