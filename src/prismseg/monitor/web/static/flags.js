// Observations with all that each rests on.
import { make, number, t } from "./api.js";
import { sideWord } from "./changes.js";

/** Show observations; what was opened stays open. */
export function showFlags(list, flags) {
  const open = new Set([...list.querySelectorAll("details[open]")].map((each) => each.closest("li").dataset.key));
  const items = flags.filter((flag) => flag.name !== "quality").map((flag) => {
    const facts = make("dl");
    for (const [name, value] of [[t("Value"), flag.value], [t("Threshold"), flag.threshold], [t("Source"), flag.source]]) {
      if (value) facts.append(make("dt", {}, name), make("dd", {}, value));
    }
    const where = sideWord(flag.side);
    return make("li", { class: `level-${flag.level}`, "data-flag": flag.name, "data-key": `${flag.name} ${flag.side}` },
      make("h3", {}, where ? `${flag.title} – ${where}` : flag.title), make("p", {}, flag.sentence), facts, make("p", { class: "caveat" }, flag.caveat));
  });
  const quality = flags.filter((flag) => flag.name === "quality");
  if (quality.length) {
    const lines = quality.map((flag) => make("p", {}, `${flag.minutes.map((minute) => number(minute, 1)).join(", ")} min: ${flag.sentence}`));
    items.push(make("li", { class: "level-notice", "data-flag": "quality", "data-key": "quality" },
      make("details", { open: open.has("quality") }, make("summary", {}, `${quality[0].title} (${quality.length})`), ...lines,
        make("p", { class: "quiet-text" }, `${t("Source")}: ${quality[0].source}`), make("p", { class: "caveat" }, quality[0].caveat))));
  }
  list.replaceChildren(...(items.length ? items : [make("li", {}, t("Nothing to observe yet."))]));
}
