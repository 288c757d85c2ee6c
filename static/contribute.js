// A form that keeps itself as a draft, and a table of rows. Both work without this file, by
// the buttons of the form.
"use strict";

for (const form of document.querySelectorAll("form[data-autosave]")) {
  const EVERY = 5000;
  const status = form.querySelector("[data-saved]");
  const hidden = (name) => form.querySelector(`[name='${name}'][type='hidden']`);
  // What has not reached the server yet is kept here too, for a browser that dies before it has.
  const net = `unsaved:${location.pathname}${location.search}`;
  let dirty = false;
  let saving = null;
  let stopped = false;
  let timer = 0;

  const typed = () => {
    const data = new FormData(form);
    data.delete("file");
    data.delete("folder");
    data.delete("do");
    return data;
  };
  const remember = () => {
    const kept = [...typed()].filter(([name]) => !["csrfmiddlewaretoken", "version", "tab"].includes(name));
    try { localStorage.setItem(net, JSON.stringify({ version: hidden("version").value, kept })); } catch { /* storage is full or off */ }
  };
  const forget = () => { try { localStorage.removeItem(net); } catch { /* storage is off */ } };

  const save = () => {
    if (saving) return saving;
    if (!dirty || stopped) return Promise.resolve();
    dirty = false;
    saving = send().finally(() => { saving = null; });
    return saving;
  };
  const send = async () => {
    try {
      const answer = await fetch(form.dataset.autosave, { method: "POST", body: typed(), headers: { Accept: "application/json" } });
      const said = answer.headers.get("Content-Type")?.startsWith("application/json") ? await answer.json() : {};
      if (answer.ok) {
        hidden("version").value = said.version;
        if (!dirty) forget();
        tell(said.told);
      } else if (answer.status === 409) {
        // This tab would fight with the other for ever; its words are safe on the server.
        stopped = true;
        forget();
        tell(said.told, said.both);
      } else {
        dirty = true;
        tell(said.told ?? status.dataset.failed);
      }
    } catch {
      dirty = true;
      tell(status.dataset.failed);
    }
  };
  const tell = (text, address) => {
    status.textContent = text ?? "";
    status.classList.toggle("draft-trouble", dirty || stopped);
    if (!address) return;
    const link = document.createElement("a");
    link.href = address;
    link.textContent = status.dataset.both;
    status.append(" ", link);
  };
  const changed = () => {
    dirty = true;
    remember();
    timer ||= setTimeout(() => { timer = 0; save().then(() => { if (dirty && !stopped) changed(); }); }, EVERY);
  };

  // What a tab held when it died is put back, unless the server has something newer.
  try {
    const kept = JSON.parse(localStorage.getItem(net) ?? "null");
    if (kept && kept.version === hidden("version").value && !form.querySelector("[aria-invalid='true'], [role='alert']")) {
      const left = new Map();
      for (const [name, value] of kept.kept) left.set(name, [...(left.get(name) ?? []), value]);
      if (left.has("draft")) hidden("draft").value = left.get("draft")[0];
      for (const field of form.elements) {
        if (!left.has(field.name) || ["hidden", "file", "submit"].includes(field.type)) continue;
        const values = left.get(field.name);
        if (field.type === "radio" || field.type === "checkbox") field.checked = values.includes(field.value);
        else field.value = values.shift() ?? field.value;
      }
      dirty = true;
      save();
    } else forget();
  } catch { forget(); }

  // Whoever types faster than this file arrives has typed all the same.
  const touched = (field) => "defaultValue" in field && !["hidden", "radio", "checkbox", "file"].includes(field.type) && field.value !== field.defaultValue;
  if ([...form.elements].some(touched)) changed();

  form.addEventListener("input", changed);
  form.addEventListener("rows-changed", changed);
  form.addEventListener("focusout", save);
  document.addEventListener("visibilitychange", () => { if (document.hidden) save(); });
  form.addEventListener("submit", (event) => {
    stopped ||= false;
    if (!saving) { stopped = true; forget(); return; }
    // A save is under way: the form goes with the version that it brings back.
    event.preventDefault();
    const button = event.submitter;
    saving.then(() => form.requestSubmit(button));
  });
}

// Of a picked folder only its card and what may hold rows is sent, with the place of each file in
// it, which a browser does not tell by itself, and with how many there are.
for (const picker of document.querySelectorAll("input[webkitdirectory]")) {
  const ROWS = /(\.(jsonl|ndjson|json|csv|tsv|parquet|arrow|gz)|(^|\/)README\.md)$/i;
  const MOST = 90;
  const paths = document.createElement("span");
  paths.hidden = true;
  picker.after(paths);
  picker.addEventListener("change", () => {
    const held = [...picker.files];
    const kept = held.filter((file) => ROWS.test(file.name) && !/(^|\/)\./.test(file.webkitRelativePath));
    // A folder without any is sent as it is, so that the answer can say what it holds.
    const sent = (kept.length ? kept : held).slice(0, MOST);
    const some = new DataTransfer();
    for (const file of sent) some.items.add(file);
    picker.files = some.files;
    const told = (name, value) => Object.assign(document.createElement("input"), { type: "hidden", name, value });
    paths.replaceChildren(told("folder-holds", kept.length), ...sent.map((file) => told("folder-path", file.webkitRelativePath)));
  });
}

// What looks private is underlined where it stands: behind each field lies a copy of its text with
// the marks. The field itself stays a plain one, and the hint beside the form says the same in words.
for (const form of document.querySelectorAll("form[data-autosave]")) {
  const copies = new Map();
  const COPIED = ["font", "letterSpacing", "wordSpacing", "textIndent", "textAlign", "tabSize", "padding", "borderWidth"];

  const fieldOf = (mark) => {
    const row = mark.dataset.inRow;
    const within = row ? form.querySelector(`[name='row'][value='${CSS.escape(row)}']`)?.closest("[data-row]") : form;
    const named = `[name='${CSS.escape(mark.dataset.private)}']`;
    return within?.querySelectorAll(`textarea${named}, input[type='text']${named}`)[Number(mark.dataset.at ?? 0)];
  };
  const place = (field, { layer }) => {
    const style = getComputedStyle(field);
    for (const name of COPIED) layer.style[name] = style[name];
    for (const [side, value] of [["left", field.offsetLeft], ["top", field.offsetTop], ["width", field.offsetWidth], ["height", field.offsetHeight]]) layer.style[side] = `${value}px`;
    if (field.type === "text") {
      // A browser puts the one line in the middle of its field, however high that is.
      layer.style.lineHeight = `${field.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom)}px`;
    } else {
      // A scroll bar takes room from the text, so the copy has one where the field has one.
      layer.classList.toggle("private-long", field.scrollHeight > field.clientHeight);
    }
    follow(field, layer);
  };
  const follow = (field, layer) => {
    layer.scrollTop = field.scrollTop;
    layer.scrollLeft = field.scrollLeft;
  };
  const draw = (field, copy) => {
    const known = [...copy.texts].sort((one, other) => other.length - one.length).map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const parts = field.value.split(new RegExp(`(${known.join("|")})`));
    copy.layer.replaceChildren(...parts.map((part, at) => {
      if (at % 2 === 0) return part;
      const mark = document.createElement("mark");
      mark.textContent = part;
      return mark;
    // A text that ends with a line break needs something to stand on the last line.
    }), "\u200b");
    place(field, copy);
  };
  const begin = (field) => {
    const layer = document.createElement("div");
    layer.className = field.type === "text" ? "private-layer private-line" : "private-layer";
    layer.setAttribute("aria-hidden", "true");
    field.before(layer);
    field.parentElement.classList.add("private-frame");
    field.classList.add("private-field");
    const copy = { layer, texts: new Set() };
    copy.watch = new ResizeObserver(() => place(field, copy));
    copy.watch.observe(field);
    copies.set(field, copy);
    return copy;
  };
  const end = (field, copy) => {
    copy.watch.disconnect();
    copy.layer.remove();
    field.classList.remove("private-field");
    copies.delete(field);
  };
  const read = () => {
    for (const copy of copies.values()) copy.texts.clear();
    for (const mark of form.querySelectorAll("mark[data-private]")) {
      const field = fieldOf(mark);
      if (field) (copies.get(field) ?? begin(field)).texts.add(mark.textContent);
    }
    for (const [field, copy] of copies) copy.texts.size ? draw(field, copy) : end(field, copy);
  };

  form.addEventListener("input", (event) => {
    const copy = copies.get(event.target);
    if (copy) draw(event.target, copy);
  });
  form.addEventListener("rows-changed", () => { for (const [field, copy] of copies) field.isConnected ? draw(field, copy) : end(field, copy); });
  form.addEventListener("scroll", (event) => {
    const copy = copies.get(event.target);
    if (copy) follow(event.target, copy.layer);
  }, true);
  // A field of one line scrolls with the caret, and tells nobody.
  document.addEventListener("selectionchange", () => {
    const copy = copies.get(document.activeElement);
    if (copy) follow(document.activeElement, copy.layer);
  });
  form.addEventListener("htmx:afterSwap", read);
  read();
}

// The table of rows: come, go and move at once, and take a paste from a spreadsheet.
for (const editor of document.querySelectorAll("[data-rows]")) {
  const list = editor.querySelector("ol");
  const gone = editor.querySelector("[name='gone']");
  const form = editor.closest("form");
  const mending = Boolean(editor.querySelector("[name='mending']"));
  const first = Number(list.querySelector("[data-number]")?.textContent ?? 1);
  const rows = () => [...list.querySelectorAll("[data-row]")];
  const cells = (row) => [...row.querySelectorAll("[name^='cell-']")];
  const named = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  const renumber = () => {
    rows().forEach((row, at) => {
      for (const number of row.querySelectorAll("[data-number]")) number.textContent = first + at;
      for (const button of row.querySelectorAll("[data-do]")) button.value = `${button.dataset.do}-${first + at - 1}`;
    });
    form.dispatchEvent(new Event("rows-changed"));
  };
  const add = () => {
    const row = rows().at(-1).cloneNode(true);
    row.querySelector("[name='row']").value = named();
    row.querySelector(".rows-fault")?.remove();
    for (const copy of row.querySelectorAll(".private-layer")) copy.remove();
    for (const cell of cells(row)) {
      cell.value = "";
      cell.classList.remove("private-field");
      cell.removeAttribute("aria-invalid");
      cell.removeAttribute("aria-describedby");
    }
    list.append(row);
    return row;
  };
  const remove = (row) => {
    gone.value = `${gone.value} ${row.querySelector("[name='row']").value}`.trim();
    const next = row.nextElementSibling ?? row.previousElementSibling;
    if (rows().length > 1) row.remove();
    else for (const cell of cells(row)) cell.value = "";
    cells(next ?? rows()[0])[0].focus();
  };
  const move = (row, down) => {
    const beside = down ? row.nextElementSibling : row.previousElementSibling;
    if (beside) beside[down ? "after" : "before"](row);
  };

  editor.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (!button) return;
    // Beyond this page of a long table the server knows the rows; it does the work there.
    const last = editor.querySelector("[value^='from-']");
    if (button.dataset.do === "add" && last) return;
    event.preventDefault();
    const row = button.closest("[data-row]");
    if (button.dataset.do === "add") cells(add())[0].focus();
    else if (button.dataset.do === "remove") remove(row);
    else {
      move(row, button.dataset.do === "down");
      button.focus();
    }
    renumber();
  });
  // Hints are given for the row that one is in.
  editor.addEventListener("focusin", (event) => {
    const row = event.target.closest("[data-row]");
    if (row) editor.querySelector("[name='at']").value = row.querySelector("[name='row']").value;
  });
  editor.addEventListener("keydown", (event) => {
    const row = event.target.closest("[data-row]");
    if (mending || !row || !event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    move(row, event.key === "ArrowDown");
    event.target.focus();
    renumber();
  });
  editor.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain");
    if (mending || !text.includes("\t")) return;
    event.preventDefault();
    const column = cells(event.target.closest("[data-row]")).indexOf(event.target);
    let row = event.target.closest("[data-row]");
    for (const record of spread(text)) {
      record.forEach((value, at) => {
        const cell = cells(row)[column + at];
        if (cell) cell.value = value;
      });
      row = row.nextElementSibling ?? add();
    }
    renumber();
  });
}

// The cells of a spreadsheet as it puts them on the clipboard: tabs, lines, and quotes around a
// cell that holds one of these.
function spread(text) {
  const records = [[]];
  const cell = /(?:"((?:[^"]|"")*)"|([^\t\n]*))(\t|\r?\n|$)/gy;
  const whole = text.replace(/\r\n/g, "\n").replace(/\n$/, "");
  while (cell.lastIndex <= whole.length) {
    const found = cell.exec(whole);
    if (!found) break;
    records.at(-1).push(found[1] !== undefined ? found[1].replaceAll('""', '"') : found[2]);
    if (found[3] === "") break;
    if (found[3] !== "\t") records.push([]);
  }
  return records;
}
