// Half-typed entries, kept in this window until they are saved: a lock or a restart must not cost a note.
// They belong to whoever typed them; somebody else at the same tablet never sees them.
const who = document.querySelector('meta[name="who"]')?.content ?? "";
const PREFIX = "draft ";
const nameOf = (form, field) => `${PREFIX}${JSON.stringify([who, location.pathname, form.dataset.key ?? form.id, field.name])}`;

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

/** Forget all that others typed here, or everything. */
export function dropDrafts(everything = false) {
  stored((box) => {
    for (const name of Object.keys(box)) {
      if (name.startsWith(PREFIX) && (everything || JSON.parse(name.slice(PREFIX.length))[0] !== who)) box.removeItem(name);
    }
  });
}
