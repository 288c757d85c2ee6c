// Small comforts. Every page works without this file.
"use strict";

// A button that copies the text of the element it names.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  await navigator.clipboard.writeText(source.textContent.trim());
  const label = button.querySelector("[data-label]") ?? button;
  const before = label.textContent;
  label.textContent = "Copied";
  setTimeout(() => { label.textContent = before; }, 2000);
});

// What is typed into a form marked data-draft survives a closed tab, until it has been sent.
for (const form of document.querySelectorAll("form[data-draft]")) {
  const key = `draft:${form.dataset.draft}`;
  const kept = (field) => field.name && field.name !== "csrfmiddlewaretoken"
    && !["file", "password", "hidden", "submit"].includes(field.type);
  const fields = () => [...form.elements].filter(kept);
  try {
    const draft = JSON.parse(localStorage.getItem(key) ?? "null");
    const untouched = !form.querySelector("[aria-invalid='true']");
    if (draft && untouched) {
      for (const field of fields()) {
        if (!(field.name in draft)) continue;
        if (field.type === "radio" || field.type === "checkbox") field.checked = draft[field.name].includes(field.value);
        else if (!field.value) field.value = draft[field.name][0] ?? "";
      }
    }
  } catch { localStorage.removeItem(key); }
  const save = () => {
    const draft = {};
    for (const field of fields()) {
      draft[field.name] ??= [];
      if ((field.type !== "radio" && field.type !== "checkbox") || field.checked) draft[field.name].push(field.value);
    }
    try { localStorage.setItem(key, JSON.stringify(draft)); } catch { /* storage is full or off */ }
  };
  form.addEventListener("input", save);
  form.addEventListener("submit", () => localStorage.removeItem(key));
}

// A form that shows the parts of the chosen kind only: data-for="correction preference".
for (const form of document.querySelectorAll("form[data-kinds]")) {
  const show = () => {
    const kind = form.querySelector("[name='kind']:checked")?.value;
    for (const part of form.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(kind);
  };
  form.addEventListener("change", show);
  show();
}

// What works with scripts alone is hidden until there are some.
for (const part of document.querySelectorAll("[data-scripted]")) part.hidden = false;
