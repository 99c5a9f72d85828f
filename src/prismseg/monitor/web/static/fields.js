// Forms that save each field as it is left. What is typed and not saved yet outlives a reload, a lock and a restart.
import { RequestError, say, t } from "./api.js";
import { dropDraft, findDraft, keepDraft } from "./drafts.js";

const known = new WeakMap(); // what the monitor has in a field, as text

const shown = (value) => (value === null || value === undefined ? "" : String(value));

/** Fill a form with what is saved, except fields in which something is not; `anew` when it is about something else now. */
export function fill(form, values, { anew = false } = {}) {
  for (const field of form.elements) {
    if (!field.name) continue;
    const first = anew || !known.has(field);
    known.set(field, shown(values[field.name]));
    if (first) restore(form, field);
    if (!field.dataset.pending && !field.dataset.draft && field.value !== known.get(field)) field.value = known.get(field);
  }
}

/** Put back what was typed before the page was left; where somebody else has changed the field since, only say so. */
function restore(form, field) {
  const draft = findDraft(form, field);
  if (draft === null) return;
  if (draft.text === known.get(field)) { dropDraft(form, field); return; }
  if (draft.base !== known.get(field)) {
    say(t("A text of yours was not saved, and the entry was changed since: {text}", { text: draft.text }), "doubtful");
    dropDraft(form, field);
    return;
  }
  field.value = draft.text;
  field.dataset.draft = "yes";
  field.classList.add("unsaved");
  say(t("What you typed before is here again. It is saved when you leave the field."), "doubtful");
  field.focus();
}

/** Save each field of a form when it is changed and left; `save` gets {name: value}. */
export function autosave(form, note, save) {
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const kind of ["input", "change"]) form.addEventListener(kind, ({ target }) => edited(target));
  // Not every way to fill a field is followed by a change event.
  form.addEventListener("change", ({ target }) => { if (!target.checkValidity()) target.reportValidity(); store(target); });
  form.addEventListener("focusout", ({ target }) => store(target));
  document.addEventListener("answering", () => { for (const field of form.elements) if (field !== document.activeElement) store(field); });

  function edited(field) {
    if (!field.name || field.validity.badInput) return;
    field.dataset.draft = "yes";
    keepDraft(form, field, known.get(field) ?? "");
  }

  async function store(field) {
    if (!field.name || !field.dataset.draft || field.dataset.pending) return;
    if (field.value === known.get(field)) { settle(field); return; }
    if (!field.checkValidity()) { refuse(field); return; }
    const text = field.value;
    field.dataset.pending = "yes";
    try {
      await save({ [field.name]: valueOf(field) });
      if (field.value === text) settle(field);
      note.textContent = t("saved");
      setTimeout(() => { note.textContent = ""; }, 2500);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      refuse(field);
      say(error.message, "bad");
    } finally {
      delete field.dataset.pending;
      form.dispatchEvent(new Event("stored"));
    }
  }

  function refuse(field) {
    field.classList.add("wrong");
    note.textContent = t("not saved");
  }

  function settle(field) {
    dropDraft(form, field);
    delete field.dataset.draft;
    field.classList.remove("unsaved", "wrong");
  }
}

/** Tell whether a form has something that is not saved yet. */
export const hasUnsaved = (form) => [...form.elements].some((field) => field.dataset.draft || field.dataset.pending);

function valueOf(field) {
  const text = field.tagName === "TEXTAREA" || (field.tagName === "INPUT" && field.type === "text");
  if (field.value === "") return text ? "" : null;
  return field.type === "number" || field.name === "asa" ? Number(field.value) : field.value;
}
