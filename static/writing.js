// Comforts for writing: tools, preview in place, names while typing, forms in place.
"use strict";

{
  // A link that names a part fetches its form into that part; without a script it is a page.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-part]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const place = document.getElementById(link.dataset.part);
    if (!place) return;
    event.preventDefault();
    let answer;
    try { answer = await fetch(link.href, { headers: { "HX-Request": "true" } }); } catch { answer = null; }
    if (!answer?.ok || answer.redirected) { location.assign(link.href); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const part = page.querySelector(".part");
    if (!part) { location.assign(link.href); return; }
    place.classList.add("part-here");
    place.replaceChildren(document.adoptNode(part));
    prepare(place);
    place.querySelector("textarea, input:not([type='hidden'])")?.focus();
    place.querySelector("[data-close]")?.addEventListener("click", () => {
      place.replaceChildren();
      place.classList.remove("part-here");
      link.focus();
    });
  });

  // One menu is open at a time, and a click elsewhere or Escape closes it.
  const closeMenus = (but) => { for (const menu of document.querySelectorAll("details[data-menu][open]")) if (menu !== but) menu.open = false; };
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details[data-menu]")));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeMenus(null); });

  const put = (area, text, from, to) => {
    area.focus();
    area.setSelectionRange(from, to);
    // Only this keeps what can be undone.
    if (!document.execCommand("insertText", false, text)) area.setRangeText(text, from, to, "end");
  };
  const wrap = (area, mark) => {
    const { selectionStart: from, selectionEnd: to, value } = area;
    put(area, `${mark}${value.slice(from, to)}${mark}`, from, to);
    area.setSelectionRange(from + mark.length, to + mark.length);
  };
  const link = (area) => {
    const { selectionStart: from, selectionEnd: to, value } = area;
    put(area, `[${value.slice(from, to)}](https://)`, from, to);
  };
  const task = (area) => put(area, `${area.selectionStart ? "\n" : ""}- [ ] `, area.selectionStart, area.selectionEnd);

  const preview = async (editor) => {
    const area = editor.querySelector("textarea");
    const shown = editor.querySelector(".editor-preview");
    const button = editor.querySelector("[data-show]");
    const off = !shown.hidden;
    if (!off) {
      const sent = new FormData();
      sent.set("text", area.value);
      const token = area.form.querySelector("[name='csrfmiddlewaretoken']").value;
      const answer = await fetch(editor.dataset.preview, { method: "POST", body: sent, headers: { "HX-Request": "true", "X-CSRFToken": token } });
      // The server has made it safe: it is the same that everybody will read.
      shown.innerHTML = await answer.text();
    }
    shown.hidden = off;
    area.hidden = !off;
    button.textContent = off ? button.dataset.show : button.dataset.hide;
    button.setAttribute("aria-pressed", String(!off));
    if (off) area.focus();
  };

  // A list of choices under a text: names and PRs while typing, or saved replies.
  const offer = (holder, area, found, take) => {
    holder.querySelector(".choices-pop")?.remove();
    area.removeAttribute("aria-activedescendant");
    area.removeAttribute("aria-controls");
    if (!found.length) return;
    const list = document.createElement("ul");
    list.className = "choices-pop";
    list.id = `${area.id}-choices`;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", area.labels?.[0]?.textContent ?? "");
    list.append(...found.map((one, at) => {
      const item = document.createElement("li");
      item.id = `${list.id}-${at}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(at === 0));
      const word = document.createElement("strong");
      word.textContent = one.word;
      const tells = document.createElement("span");
      tells.className = "soft small";
      tells.textContent = one.tells ?? "";
      item.append(word, tells);
      item.addEventListener("mousedown", (event) => { event.preventDefault(); list.remove(); take(one); });
      return item;
    }));
    area.setAttribute("aria-controls", list.id);
    area.setAttribute("aria-activedescendant", `${list.id}-0`);
    holder.append(list);
  };
  const choose = (holder, area, event) => {
    const list = holder.querySelector(".choices-pop");
    if (!list) return false;
    const items = [...list.children];
    const at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) {
      const next = (at + by + items.length) % items.length;
      items.forEach((item, n) => item.setAttribute("aria-selected", String(n === next)));
      area.setAttribute("aria-activedescendant", items[next].id);
      items[next].scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" || event.key === "Tab") items[at].dispatchEvent(new MouseEvent("mousedown", { cancelable: true }));
    else if (event.key === "Escape") list.remove();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  const begun = (area) => /(?:^|[\s(])([@#][\w.+-]*)$/.exec(area.value.slice(0, area.selectionStart))?.[1] ?? "";
  let asked = 0;
  const complete = async (holder, area, address, word, take) => {
    const turn = ++asked;
    if (word.length < 2) { offer(holder, area, [], take); return; }
    try {
      const answer = await fetch(`${address}?begun=${encodeURIComponent(word)}`);
      const { found } = await answer.json();
      if (turn === asked && document.activeElement === area) offer(holder, area, found, take);
    } catch { /* who is not signed in, or has no line, types the name */ }
  };

  const replies = async (editor, area) => {
    const answer = await fetch(editor.dataset.replies);
    const { replies: kept } = await answer.json();
    offer(editor, area, kept.map((one) => ({ word: one.title, tells: one.text.slice(0, 60), text: one.text })), (one) => put(area, one.text, area.selectionStart, area.selectionEnd));
  };

  function prepare(root) {
    for (const editor of root.querySelectorAll("[data-editor]")) {
      const area = editor.querySelector("textarea");
      editor.querySelector(".editor-tools").hidden = false;
      editor.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (!button) return;
        if (button.dataset.wrap) wrap(area, button.dataset.wrap);
        else if ("link" in button.dataset) link(area);
        else if ("task" in button.dataset) task(area);
        else if ("reply" in button.dataset) { area.focus(); replies(editor, area); }
        else if (button.dataset.show) { event.preventDefault(); preview(editor); }
      });
      area.addEventListener("input", () => complete(editor, area, editor.dataset.complete, begun(area), (one) => {
        const end = area.selectionStart;
        put(area, `${one.word} `, end - begun(area).length, end);
      }));
      area.addEventListener("blur", () => editor.querySelector(".choices-pop")?.remove());
      area.addEventListener("keydown", (event) => { choose(editor, area, event); });
      editor.addEventListener("keydown", (event) => {
        if (event.defaultPrevented || !(event.ctrlKey || event.metaKey)) return;
        const key = event.key.toLowerCase();
        const suggest = area.form.querySelector("[data-suggest]");
        const act = event.shiftKey
          ? { p: () => preview(editor) }[key]
          : {
            b: () => wrap(area, "**"), i: () => wrap(area, "_"), e: () => wrap(area, "`"), k: () => link(area),
            ".": () => replies(editor, area), g: suggest && (() => { suggest.open = true; suggest.querySelector("textarea").focus(); }),
          }[key];
        if (act) { event.preventDefault(); event.stopPropagation(); act(); }
      });
    }
    // A changed text is a suggestion, without a further tick.
    for (const text of root.querySelectorAll("[data-suggest] textarea")) {
      const before = text.value;
      const box = text.closest("[data-suggest]").querySelector("[name='suggest']");
      text.addEventListener("input", () => { box.checked = text.value !== before; });
    }
    for (const box of root.querySelectorAll("[data-names]")) {
      const holder = box.parentElement;
      holder.classList.add("editor");
      const last = () => /[^\s,@]*$/.exec(box.value.slice(0, box.selectionStart))[0];
      box.addEventListener("input", () => complete(holder, box, box.dataset.names, `@${last()}`, (one) => {
        const end = box.selectionStart;
        put(box, one.word.slice(1), end - last().length, end);
      }));
      box.addEventListener("blur", () => holder.querySelector(".choices-pop")?.remove());
      box.addEventListener("keydown", (event) => { choose(holder, box, event); });
    }
  }
  prepare(document);

  // Ctrl+Enter sends the form in which one writes.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.defaultPrevented) return;
    const form = event.target.closest("form[method='post']");
    if (!form) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector("button[type='submit']:not([formaction])"));
  });
}
