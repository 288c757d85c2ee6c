// Shortcuts, their list and the palette. Every page works without this file.
"use strict";

{
  const help = document.getElementById("shortcuts");
  const palette = document.getElementById("palette");
  const OFF = "single-keys-off";
  const own = document.querySelector("[data-keys-off]");
  const stored = () => { try { return localStorage.getItem(OFF) === "yes"; } catch { return false; } };
  // An account's own choice is on the page; a visitor's is kept in this browser.
  const singleOn = () => document.body.dataset.keys !== "off" && !(own && stored());
  if (own) {
    own.checked = stored();
    own.addEventListener("change", () => { try { localStorage.setItem(OFF, own.checked ? "yes" : "no"); } catch { /* storage is off */ } });
  }

  const go = (address) => { if (address) location.assign(address); };
  const press = (selector) => { document.querySelector(selector)?.click(); };
  const focus = (element) => { if (element) { element.focus(); element.scrollIntoView({ block: "center" }); } };
  const pr = document.querySelector("[data-pr]");

  // Rows, comments and lines of a list, one after another.
  const stops = () => [...document.querySelectorAll("[data-stop]")].filter((e) => e.checkVisibility());
  const current = () => document.querySelector(".is-current");
  const step = (by) => {
    const all = stops();
    if (!all.length) return;
    const at = all.indexOf(current());
    const next = all[Math.min(Math.max(at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by, 0), all.length - 1)];
    current()?.classList.remove("is-current");
    next.classList.add("is-current");
    next.scrollIntoView({ block: "nearest" });
    const link = next.querySelector(".what > a, .row-number, .permalink");
    link?.focus({ preventScroll: true });
  };
  const permalink = () => {
    if (!pr) return;
    const link = current()?.querySelector(".row-number, .permalink")?.href;
    const here = location.pathname.endsWith("/rows") ? `${pr.dataset.pr}/revisions/${pr.dataset.revision}/rows` : pr.dataset.pr;
    history.replaceState(null, "", link ?? here);
  };
  const search = () => {
    const box = document.querySelector("[data-search]");
    if (box) { focus(box); box.select(); } else go(help.dataset.search);
  };
  const does = {
    help: () => help.showModal(),
    search,
    home: () => go(help.dataset.home),
    prs: () => go(help.dataset.prs),
    mine: () => go(help.dataset.mine),
    desk: () => go(help.dataset.desk),
    submit: () => go(help.dataset.submit),
    palette: () => openPalette(),
    next: () => step(1),
    previous: () => step(-1),
    tick: () => current()?.querySelector("[data-tick]")?.click(),
    comment: () => { const box = document.querySelector("#say textarea"); if (box) focus(box); else current()?.querySelector("[data-part]")?.click(); },
    labels: () => press("[data-key='labels']"),
    people: () => press("[data-key='people']"),
    permalink,
  };

  // What a page adds ("where") goes before what works everywhere; "1 – 9" stands for nine keys.
  const singles = new Map();
  for (const entry of help?.querySelectorAll("[data-single]") ?? []) {
    const where = entry.closest("[data-only]")?.dataset.only;
    if (where && !document.querySelector(`[data-where='${where}']`)) continue;
    const [from, to] = entry.dataset.keys.split(" – ");
    const keys = to ? Array.from({ length: to - from + 1 }, (_, at) => String(Number(from) + at)) : [from];
    for (const key of keys) singles.set(key, entry.dataset.does);
  }
  const writing = (element) => element.closest("input:not([type='checkbox'], [type='radio']), textarea, select, [contenteditable]");
  let first = "";
  let since = 0;
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "k" && !event.target.closest("[data-editor]")) {
      event.preventDefault();
      openPalette();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!singleOn() || writing(event.target) || document.querySelector("dialog[open]")) return;
    const two = event.timeStamp - since < 1500 ? `${first} ${event.key}` : "";
    const name = singles.get(two) ?? singles.get(event.key);
    first = event.key;
    since = event.timeStamp;
    if (!name) return;
    event.preventDefault();
    if (does[name]) does[name]();
    else document.dispatchEvent(new CustomEvent("key-does", { detail: { name, key: event.key } }));
  });

  for (const dialog of [help, palette]) {
    dialog?.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-close-dialog]")) dialog.close();
    });
  }

  // The palette: the site's places, what this page offers, and PRs by number or words.
  const box = document.getElementById("palette-text");
  const list = document.getElementById("palette-list");
  let entries = [];
  let chosen = 0;
  const places = () => {
    const links = [...document.querySelectorAll(".nav .places a, .nav .account a, .tabs a")];
    const found = links.map((link) => ({ word: link.firstChild.textContent.trim() || link.textContent.trim(), act: () => go(link.href) }));
    for (const entry of help.querySelectorAll("[data-does]")) {
      const act = does[entry.dataset.does];
      if (act && entry.dataset.does !== "palette") found.push({ word: entry.querySelector("dt").textContent, keys: entry.dataset.keys, act });
    }
    return found.filter((one, at) => one.word && found.findIndex((other) => other.word === one.word) === at);
  };
  const matching = (text) => {
    const wanted = text.trim().toLowerCase();
    const found = places().filter((one) => one.word.toLowerCase().includes(wanted));
    const number = /^#?(\d{1,10})$/.exec(wanted)?.[1];
    if (number) found.unshift({ word: `${box.dataset.open} #${number}`, act: () => go(`${help.dataset.prs}/${number}`) });
    else if (wanted) found.push({ word: `${box.dataset.find} “${text.trim()}”`, act: () => go(`${help.dataset.prs}?q=${encodeURIComponent(text.trim())}`) });
    return found.slice(0, 12);
  };
  const draw = () => {
    list.replaceChildren(...entries.map((one, at) => {
      const item = document.createElement("li");
      item.id = `palette-${at}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(at === chosen));
      item.append(one.word);
      if (one.keys) { const key = document.createElement("kbd"); key.textContent = one.keys; item.append(key); }
      item.addEventListener("click", () => run(at));
      return item;
    }));
    box.setAttribute("aria-activedescendant", entries.length ? `palette-${chosen}` : "");
  };
  const refresh = () => { entries = matching(box.value); chosen = 0; draw(); };
  const run = (at) => { const one = entries[at]; if (one) { palette.close(); one.act(); } };
  function openPalette() {
    if (!palette || palette.open) return;
    box.value = "";
    palette.showModal();
    refresh();
    box.focus();
  }
  box?.addEventListener("input", refresh);
  box?.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) { event.preventDefault(); chosen = (chosen + by + entries.length) % Math.max(entries.length, 1); draw(); }
    if (event.key === "Enter") { event.preventDefault(); run(chosen); }
  });
}
