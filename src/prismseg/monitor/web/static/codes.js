// Warns beside the field of a code: used before, or perhaps a name.
import { get, t } from "./api.js";

const field = document.getElementById("code");
const told = document.getElementById("code-warnings");
let asked = 0;

async function check() {
  const code = field.value.trim();
  const number = ++asked;
  const found = code ? await get(`/api/codes?code=${encodeURIComponent(code)}`).catch(() => null) : null;
  if (number !== asked) return; // something else was typed meanwhile
  told.textContent = (found?.warnings ?? []).join(" ");
  told.hidden = told.textContent === "";
}

if (field && told) {
  field.addEventListener("change", check);
  field.setAttribute("aria-describedby", "code-warnings");
  told.setAttribute("aria-label", t("Warning"));
}
