// Formulas are typeset by the KaTeX beside this file; nothing is asked of another host.
document$.subscribe(({ body }) => {
  for (const element of body.querySelectorAll(".arithmatex")) {
    const display = element.tagName === "DIV";
    const source = element.textContent.trim().slice(2, -2); // without \( \) or \[ \]
    katex.render(source, element, { displayMode: display, throwOnError: true });
  }
});
