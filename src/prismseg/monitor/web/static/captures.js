// The captures of a session as cards, those that count and those that were excluded.
import { Z95, make, mayWrite, number, t } from "./api.js";
import { wallTime } from "./time.js";

let last = "";

/** Show captures; `exclude` hears the number of the one whose button was pressed. */
export function showCaptures(list, root, state, exclude) {
  const text = JSON.stringify([state.captures, state.deleted, state.dosed, state.closed_at]);
  if (text === last) return;
  last = text;
  const items = [...state.captures.map((each) => card(root, state, each, exclude)), ...state.deleted.map(excluded)];
  list.replaceChildren(...(items.length ? items : [make("li", {}, t("No capture yet."))]));
}

function card(root, state, each, exclude) {
  const minute = each.minute === null ? "" : state.dosed ? `${number(each.minute, 1)} min` : t("baseline");
  const means = each.measured
    ? make("p", { class: "means" }, ...["left", "right"].map((side) => make("span", {}, make("span", { class: `side-${side}` }, side === "left" ? t("L") : t("R")), ` ${mean(state, each, side)} °C`)))
    : make("p", { class: "notice bad" }, each.reason.join(" "));
  const out = make("button", { type: "button", disabled: state.closed_at !== null || !mayWrite }, t("Exclude"));
  out.addEventListener("click", () => exclude(each.number));
  out.setAttribute("aria-label", t("Exclude capture {number}", { number: each.number }));
  const cautions = each.cautions.length
    ? make("details", {}, make("summary", {}, each.cautions.length === 1 ? t("1 remark") : t("{count} remarks", { count: each.cautions.length })), ...each.cautions.map((line) => make("p", {}, line)))
    : null;
  const stated = statedOf(each.remarks);
  return make("li", { class: each.measured ? "" : "failed", "data-number": each.number },
    make("div", { class: "head" }, make("span", {}, minute), make("small", {}, each.taken_at ? wallTime(each.taken_at) : ""), make("span", {}, `#${each.number}`)),
    make("a", { href: `/sessions/${state.id}/captures/${each.number}` },
      make("img", { src: `${root}/captures/${each.number}/picture.png`, alt: t("Capture {number}: open to correct or explain", { number: each.number }), loading: "lazy" })),
    means,
    stated ? make("p", { class: "stated" }, stated) : null,
    each.mask?.origin === "edited" ? make("span", { class: "badge edited" }, t("outline edited by {name}", { name: each.mask.edited_by })) : null,
    each.baseline ? make("span", { class: "badge" }, t("baseline t0")) : null,
    cautions, out);
}

function excluded(each) {
  return make("li", { class: "failed" }, make("div", { class: "head" }, make("span", {}, t("excluded")), make("span", {}, `#${each.number}`)), make("p", {}, each.reason));
}

/** Say what staff stated of a capture, beside its temperatures. */
function statedOf({ pain, cold_left: left, cold_right: right }) {
  const words = { felt: t("felt"), less: t("less"), "not felt": t("not felt") };
  return [
    pain === null ? "" : t("Pain {pain}", { pain }),
    left ? t("cold left: {word}", { word: words[left] }) : "", right ? t("cold right: {word}", { word: words[right] }) : "",
  ].filter(Boolean).join(" · ");
}

function mean(state, capture, side) {
  const value = capture.values[side][state.regions[0].name].mean;
  return `${number(value.value, 1)} ± ${number(Z95 * value.error, 1)}`;
}
