// Half-typed entries, kept in this window until they are saved: a lock or a restart must not cost a note.
// They belong to whoever typed them; somebody else at the same tablet never sees them.
const who = document.querySelector('meta[name="who"]')?.content ?? "";
const PREFIX = "draft ";
const entry = (place, name) => `${PREFIX}${JSON.stringify([who, location.pathname, place, name])}`;
const nameOf = (form, field) => entry(form.dataset.key ?? form.id, field.name);

/** Run something on the window's storage; without one (it may be switched off) nothing is kept. */
function stored(work) {
  try { return work(sessionStorage); } catch { return null; }
}

/** Keep the text of a field, and what it replaces. */
export const keepDraft = (form, field, base) => stored((box) => box.setItem(nameOf(form, field), JSON.stringify({ base, text: field.value })));

/** Find what was kept of a field: {base, text}, or null. */
export const findDraft = (form, field) => JSON.parse(stored((box) => box.getItem(nameOf(form, field))) ?? "null");

/** Forget what was kept of a field. */
export const dropDraft = (form, field) => stored((box) => box.removeItem(nameOf(form, field)));

/** Keep all that a form has, where its fields are made anew with the page. */
export const keepWhole = (form, state) => stored((box) => box.setItem(entry(form.id, ""), JSON.stringify(state)));

/** Find what was kept of a whole form, or null. */
export const findWhole = (form) => JSON.parse(stored((box) => box.getItem(entry(form.id, ""))) ?? "null");

/** Forget what was kept of a whole form. */
export const dropWhole = (form) => stored((box) => box.removeItem(entry(form.id, "")));

/** Forget all that others typed here, or everything. A page without a log-in, such as the log-in itself, tells of nobody else. */
export function dropDrafts(everything = false) {
  if (!who && !everything) return;
  stored((box) => {
    for (const name of Object.keys(box)) {
      if (name.startsWith(PREFIX) && (everything || JSON.parse(name.slice(PREFIX.length))[0] !== who)) box.removeItem(name);
    }
  });
}
