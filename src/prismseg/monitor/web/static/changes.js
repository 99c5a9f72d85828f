// Changes, trends and flags in words, as one screenful must show them: for a session's page and for the ward's board.
import { Z95, make, number, t } from "./api.js";

/** Write a value with half its 95 % interval. */
export const plusMinus = ({ value, error }) => (value === null ? "–" : `${number(value, 1, true)} ± ${number(Z95 * error, 1)}`);

/** Say how a temperature goes since the capture before: a change that its interval does not tell from none is steady. */
export function trendOf({ value, error }) {
  if (value === null || error === null) return null;
  if (Math.abs(value) <= Z95 * error) return { arrow: "→", word: t("steady") };
  return value > 0 ? { arrow: "↗", word: t("rising") } : { arrow: "↘", word: t("falling") };
}

export const sideWord = (side) => (side === "left" ? t("left") : side === "right" ? t("right") : "");

/** Show the last change of one foot: {delta, rate} of its whole sole, or null where nothing was measured. */
export function showChange(element, side, last) {
  const trend = last ? trendOf(last.rate) : null;
  element.replaceChildren(
    make("span", { class: `side-${side}` }, sideWord(side)),
    make("strong", { id: element.id.replace("change", "last") }, last && last.delta.value !== null ? `${plusMinus(last.delta)} °C` : "–"),
    make("span", { class: "trend" }, trend ? `${trend.arrow} ${trend.word}` : ""));
}

/** Show flags in words: title, foot and value; what each rests on stands with the observations. */
export function showFlagWords(list, flags) {
  const quality = flags.filter((flag) => flag.name === "quality").length;
  const items = flags.filter((flag) => flag.name !== "quality").map((flag) => {
    const where = sideWord(flag.side);
    return make("li", { class: `level-${flag.level}` }, make("strong", {}, where ? `${flag.title}, ${where}` : flag.title), flag.value ? " " : "", make("span", { class: "whole" }, flag.value ?? ""));
  });
  if (quality) items.push(make("li", { class: "level-notice" }, quality === 1 ? t("1 remark on quality") : t("{count} remarks on quality", { count: quality })));
  list.replaceChildren(...(items.length ? items : [make("li", {}, t("Nothing to observe yet."))]));
}
