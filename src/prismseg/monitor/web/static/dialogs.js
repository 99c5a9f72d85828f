// Questions. Only a press on the confirming button acts: Escape, the back button, Enter in a field, a scanner's keys,
// and what an earlier answer left behind (browsers keep a dialog's `returnValue`) never do.

let reopened = Promise.resolve(); // one question at a time

/** Ask the question of a dialog; true only when its button `.confirm` was pressed and its fields are valid. */
export function confirmed(dialog) {
  reopened = reopened.then(() => ask(dialog));
  return reopened;
}

function ask(dialog) {
  return new Promise((resolve) => {
    const form = dialog.querySelector("form");
    const handlers = new AbortController();
    let answer = false;
    const on = (target, kind, act) => target.addEventListener(kind, act, { signal: handlers.signal });
    on(form, "submit", (event) => event.preventDefault()); // Enter in a field
    on(dialog.querySelector(".confirm"), "click", () => {
      if (!form.reportValidity()) return;
      answer = true;
      dialog.close();
    });
    on(dialog.querySelector(".cancel"), "click", () => dialog.close());
    on(dialog, "close", () => {
      handlers.abort();
      resolve(answer);
    });
    dialog.showModal();
    // Without a field the first button would have the focus, which is the one that acts.
    (form.querySelector("input, select, textarea") ?? form.querySelector(".cancel")).focus();
  });
}
