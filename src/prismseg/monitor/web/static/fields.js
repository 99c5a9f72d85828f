// Forms that save each field as it is left.
import { RequestError, say, t } from "./api.js";

/** Fill a form, except the field somebody is in. */
export function fill(form, values) {
  for (const field of form.elements) {
    if (!field.name || field === document.activeElement || field.dataset.pending) continue;
    const value = values[field.name];
    field.value = value === null || value === undefined ? "" : value;
  }
}

/** Save each field of a form when it changes; `save` gets {name: value}. */
export function autosave(form, note, save) {
  let before = new Map();
  form.addEventListener("focusin", (event) => before.set(event.target, event.target.value));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", async (event) => {
    const field = event.target;
    if (!field.name) return;
    if (!field.checkValidity()) { field.reportValidity(); return; }
    const numeric = field.type === "number" || field.dataset.number !== undefined || field.name === "asa";
    const empty = field.value === "";
    const text = field.tagName === "TEXTAREA" || (field.type === "text" || field.type === "");
    const value = empty ? (text ? "" : null) : numeric ? Number(field.value) : field.value;
    field.dataset.pending = "yes";
    try {
      await save({ [field.name]: value });
      field.classList.remove("wrong");
      note.textContent = t("saved");
      setTimeout(() => { note.textContent = ""; }, 2500);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      field.classList.add("wrong");
      note.textContent = t("not saved");
      say(error.message, "bad");
    } finally {
      delete field.dataset.pending;
    }
  });
}
