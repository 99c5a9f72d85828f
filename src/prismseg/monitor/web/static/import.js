import { attempt, language, make, number, post, send, t } from "./api.js";

const field = (id) => document.getElementById(id);
let batch = null;

const invitation = field("chosen").textContent;
field("files").addEventListener("change", () => {
  field("chosen").textContent = [...field("files").files].map((file) => file.name).join(", ") || invitation;
});

field("send").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  const form = new FormData();
  for (const file of field("files").files) form.append("files", file);
  for (const name of ["low", "high"]) if (field(name).value !== "") form.append(name, field(name).value);
  const read = await attempt(() => send("/api/imports", form));
  button.disabled = false;
  if (!read) return;
  batch = read;
  field("check").hidden = false;
  field("read").tBodies[0].replaceChildren(...read.files.map(row));
  field("check").querySelector("input").focus();
});

function row(file, k) {
  const minute = make("input", { type: "number", step: "0.01", id: `minute-${k}`, value: file.minute ?? "", disabled: !file.ok });
  minute.setAttribute("aria-label", t("Minute of {name}", { name: file.name }));
  const cells = [
    file.name, minute, file.size ? `${file.size[1]} × ${file.size[0]}` : "–",
    file.span ? `${number(file.span[0])} – ${number(file.span[1])}` : "–", file.camera ?? "–",
    file.ok ? "" : t("Left out: {reason}", { reason: file.reason }),
  ];
  return make("tr", { class: file.ok ? "" : "bad", lang: language }, ...cells.map((cell) => make("td", {}, cell)));
}

field("check").addEventListener("submit", async (event) => {
  event.preventDefault();
  const minutes = batch.files.map((file, k) => (file.ok && field(`minute-${k}`).value !== "" ? Number(field(`minute-${k}`).value) : null));
  const button = event.target.querySelector("button");
  button.disabled = true;
  const made = await attempt(() => post(`/api/imports/${batch.id}`, { code: field("code").value.trim(), view: event.target.view.value, one_foot: event.target.one_foot.value || null, minutes }));
  button.disabled = false;
  if (made) location.assign(`/sessions/${made.id}`);
});
// Until now a click would have sent the form past this script.
document.querySelector("#send button").disabled = false;
