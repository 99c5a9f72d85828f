import { attempt, post } from "./api.js";
import { dropDraft, findDraft, keepDraft } from "./drafts.js";
import { cameFromLogIn } from "./returned.js";

const code = document.getElementById("code");
// A code that was typed outlives a lock and a restart, but nothing else: the next patient gets a fresh one.
const kept = findDraft(code.form, code);
if (cameFromLogIn() && kept !== null) code.value = kept.text;
else dropDraft(code.form, code);
for (const kind of ["input", "change"]) code.addEventListener(kind, () => keepDraft(code.form, code, ""));

code.form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  button.disabled = true;
  const made = await attempt(() => post("/api/sessions", { code: form.code.value.trim(), view: form.view.value, one_foot: form.one_foot.value || null, take_camera: form.take_camera?.checked ?? false }));
  button.disabled = false;
  if (!made) return;
  dropDraft(form, code);
  location.assign(`/sessions/${made.id}`);
});
// Until now a click would have sent the form past this script.
document.querySelector("#new button").disabled = false;
