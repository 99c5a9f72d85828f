// The field of a code: warned of where it was used before or may be a name, and filled by a barcode scanner.
import { get, say, t } from "./api.js";
import "./keys.js";

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
  // A code from a barcode, wherever the cursor is: it takes the place of the one that was there; nothing begins by it.
  addEventListener("scan", (event) => {
    const code = event.detail.trim();
    if (code.length > field.maxLength) { // cut off, two patients' codes may be the same
      field.value = "";
      say(t("The barcode has {count} characters, and a code at most {most}: type a shorter one.", { count: code.length, most: field.maxLength }), "bad");
      return;
    }
    field.value = code;
    field.dispatchEvent(new Event("change"));
    if (field.offsetParent !== null) field.focus();
  });
}
