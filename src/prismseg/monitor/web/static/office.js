// Pages of administrators and reviewers: users, the audit, erasing.
import { attempt, get, patch, post, say, t } from "./api.js";
import { confirmed } from "./dialogs.js";
import "./keys.js";

const field = (name) => document.getElementById(name);

field("check")?.addEventListener("click", async () => {
  field("checked").textContent = "…";
  const verdict = await attempt(() => get("/api/audit/check"));
  field("checked").textContent = !verdict ? "" : verdict.ok
    ? t("Nothing was changed: {entries} entries, {rows} rows, {files} files.", verdict)
    : verdict.faults.join(" ");
});

for (const row of document.querySelectorAll("#users tr[data-name]")) {
  const path = `/api/users/${encodeURIComponent(row.dataset.name)}`;
  row.querySelector(".keep").addEventListener("click", async () => {
    const changed = { role: row.querySelector("[name=role]").value, ward: row.querySelector("[name=ward]").value };
    if (await attempt(() => patch(path, changed)) === null) say(t("Saved"));
  });
  row.querySelector(".disable")?.addEventListener("click", async () => {
    field("disable-dialog-title").textContent = t("End the access of {name}?", { name: row.dataset.name });
    if (!(await confirmed(field("disable-dialog")))) return;
    if (await attempt(() => post(`${path}/disabling`)) === null) location.reload();
  });
}

field("add")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { name, password, role, ward } = event.target.elements;
  const stated = { name: name.value.trim(), password: password.value, role: role.value, ward: ward.value };
  if (await attempt(() => post("/api/users", stated)) === null) location.reload();
});

field("erase")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { code, cause, typed } = event.target.elements;
  if (typed.value !== code.value) return say(t("Type the code once more, exactly as it is above."), "bad");
  const done = await attempt(() => post("/api/erasures", { code: code.value, cause: cause.value }));
  if (!done) return undefined;
  event.target.reset();
  if (done.similar.length) say(t("Left, since they are written in another way: {codes}", { codes: done.similar.join(", ") }), "doubtful");
  return say(t("Erased: {sessions} sessions, {files} files.", done));
});
