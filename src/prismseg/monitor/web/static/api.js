// Requests to the monitor, notices, translations.
const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";
export const Z95 = Number(meta("z95")); // standard errors on both sides of a mean that hold 95 % of a normal distribution
export const scale = JSON.parse(meta("scale") || "[20,38]");
export const lockSeconds = Number(meta("lock") || 0);
export const mayWrite = meta("may-write") === "yes"; // reviewers read: what would be refused is not offered
export const language = document.documentElement.lang;

const words = language === "en" ? {} : await (await fetch(`/static/words/${language}.json`)).json();

/** Translate a sentence and fill its {fields}. */
export function t(text, values = {}) {
  return (words[text] || text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Write a number in the reader's way; a dash where there is none. */
export function number(value, digits = 1, sign = false) {
  if (value === null || value === undefined) return "–";
  return new Intl.NumberFormat(language, {
    minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: sign ? "exceptZero" : "auto", useGrouping: false,
  }).format(value).replace("-", "−");
}

export class RequestError extends Error {
  constructor(text, status) { super(text); this.status = status; }
}

/** Note that the next page is this one again, for whoever uses it. */
export function stayHere() {
  try { sessionStorage.setItem("returns to", location.pathname); } catch { /* storage is switched off */ }
}

/** Go to the log-in, which leads back to this page; without users the monitor leads back at once. */
export function logIn() {
  stayHere();
  location.assign(`/login?back=${encodeURIComponent(location.pathname)}`);
}

async function request(method, path, body, headers = {}) {
  let answer;
  try {
    answer = await fetch(path, { method, body, headers: { "X-CSRF-Token": meta("csrf"), ...headers } });
  } catch {
    throw new RequestError(t("The monitor does not answer. Nothing was saved; try again."), 0);
  }
  if (answer.status === 401) logIn();
  if (answer.status === 204) return null;
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new RequestError(data.error || t("The monitor refused this ({status}).", { status: answer.status }), answer.status);
  return data;
}

const json = { "Content-Type": "application/json" };
export const get = (path) => request("GET", path);
export const post = (path, data = {}) => request("POST", path, JSON.stringify(data), json);
export const patch = (path, data) => request("PATCH", path, JSON.stringify(data), json);
export const send = (path, body, kind) => request("POST", path, body, kind ? { "Content-Type": kind } : {});

/** Show a notice; bad ones stay until they are touched. */
export function say(text, kind = "good") {
  const box = document.getElementById("notices");
  const known = [...box.children].find((each) => each.textContent === text);
  if (known) return known;
  const notice = document.createElement("p");
  notice.className = `notice ${kind}`;
  notice.textContent = text;
  if (kind === "bad") notice.setAttribute("role", "alert");
  notice.addEventListener("click", () => notice.remove());
  box.append(notice);
  if (kind === "good") setTimeout(() => notice.remove(), 4000);
  return notice;
}

/** Run something and say what went wrong. */
export async function attempt(work) {
  try { return await work(); } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    say(error.message, "bad");
    return undefined;
  }
}

/** Make an element. */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") element.className = value;
    else if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
