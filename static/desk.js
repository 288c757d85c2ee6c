// The review desk: the next item is fetched before it is needed, verdicts are sent without leaving
// the page, and keys do all of it. Every form works without this file.
"use strict";

{
  const desk = document.getElementById("desk");
  const undo = document.getElementById("desk-undo");
  const told = document.getElementById("desk-told");
  const refused = document.getElementById("desk-refused");
  const fetched = new Map();
  let busy = false;

  const item = () => document.getElementById("desk-item");
  const number = () => item().dataset.number;
  const folds = (name) => document.querySelector(`#desk [data-fold='${name}']`);
  const address = (which) => location.pathname.replace(/\d+$/, which);
  const token = () => undo.querySelector("[name='csrfmiddlewaretoken']").value;

  // Two items ahead lie here before they are asked for; each is the server's own page of it.
  const fetchItem = async (which) => {
    const answer = await fetch(address(which), { headers: { "HX-Request": "true" } });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    return answer.text();
  };
  const lookAhead = async () => {
    const sent = new FormData();
    sent.set("now", number());
    try {
      const answer = await fetch(desk.dataset.ahead, { method: "POST", body: sent, headers: { "X-CSRFToken": token() } });
      const { ahead } = await answer.json();
      for (const which of fetched.keys()) if (!ahead.includes(which)) fetched.delete(which);
      for (const which of ahead) if (!fetched.has(which)) fetched.set(which, fetchItem(which).catch(() => null));
    } catch { /* then the next one is fetched when it is needed */ }
  };

  // Rows that were never on the screen hold an acceptance up.
  let unseen = new Set();
  const onScreen = (row) => {
    const { top, bottom, height } = row.getBoundingClientRect();
    return bottom > 0 && top < innerHeight && (bottom <= innerHeight + 1 || height > innerHeight);
  };
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (onScreen(entry.target)) unseen.delete(entry.target);
  }, { threshold: [0, 0.5, 0.99, 1] });
  const watch = () => {
    watcher.disconnect();
    unseen = new Set(item().querySelectorAll("[data-view]"));
    for (const row of unseen) watcher.observe(row);
  };

  const paint = async (which, words) => {
    const text = await (fetched.get(which) ?? fetchItem(which));
    fetched.delete(which);
    const page = new DOMParser().parseFromString(text ?? await fetchItem(which), "text/html");
    const next = document.adoptNode(page.getElementById("desk-item"));
    item().replaceWith(next);
    window.htmx?.process(next);
    document.title = next.dataset.title;
    if (number() !== location.pathname.split("/").at(-1)) history.pushState({}, "", address(which));
    scrollTo(0, 0);
    say(words);
    document.getElementById("desk-heading").focus({ preventScroll: true });
    performance.mark("desk-painted");
    watch();
    lookAhead();
  };

  const say = (words) => { told.textContent = words; };
  const refuse = (words) => {
    refused.hidden = !words;
    refused.lastElementChild.textContent = words ?? "";
    if (words) refused.scrollIntoView({ block: "nearest" });
  };

  const send = async (form, button) => {
    if (busy) return;
    busy = true;
    refuse("");
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form, button), headers: { Accept: "application/json" } });
      const said = await answer.json();
      if (!answer.ok) { refuse(said.refused); return; }
      offerUndo(said);
      if (said.next === null) location.assign(said.address);
      else await paint(said.next, said.told);
    } catch {
      refuse(desk.dataset.lost);
    } finally {
      busy = false;
    }
  };

  // The seconds that are left are for the eye; a screen reader has heard what can be undone.
  const offerUndo = (said) => {
    undo.hidden = !said.undo;
    undo.dataset.until = said.undo ?? "";
    undo.querySelector("[data-told]").textContent = said.told;
    count();
  };
  const count = () => {
    if (undo.hidden || !undo.dataset.until) return;
    const left = Math.ceil((Date.parse(undo.dataset.until) - Date.now()) / 1000);
    undo.querySelector("[data-left]").textContent = left > 0 ? `${left} s` : "";
    if (left <= 0) undo.hidden = true;
  };
  setInterval(count, 1000);
  count();

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!item() || (form !== undo && !form.matches("[data-desk]"))) return;
    event.preventDefault();
    send(form, event.submitter);
  });

  const press = (act) => { document.querySelector(`[data-act='${act}']`)?.click(); };
  const unfold = (name) => {
    const fold = folds(name);
    if (!fold) return;
    for (const other of document.querySelectorAll(".desk-steps details[open]")) if (other !== fold) other.open = false;
    fold.open = true;
    fold.scrollIntoView({ block: "nearest" });
    fold.querySelector("input:not([type='hidden']), textarea, button")?.focus();
  };
  // A number picks a reason of the fold that is open, and sends it.
  const pick = (key) => {
    const shown = (name) => document.querySelector(`#desk #${name}-${key}`);
    const reason = [shown("skip"), shown("reason")].find((one) => one?.checkVisibility());
    if (!reason) return;
    const form = reason.form;
    reason.checked = true;
    // The last of a rejection's is no reason by itself: it needs words.
    if (reason.value === "other" && form.querySelector("textarea")) form.querySelector("textarea").focus();
    else form.requestSubmit(form.querySelector("button[value='reject']") ?? form.querySelector("button"));
  };
  const accept = () => {
    // The watcher speaks a frame late, and a quick key comes before it.
    for (const row of unseen) if (onScreen(row)) unseen.delete(row);
    const [below] = unseen;
    if (!below?.isConnected) { press("accept"); return; }
    below.scrollIntoView({ block: below.offsetHeight > innerHeight ? "end" : "center" });
    say(desk.dataset.below);
    refuse(desk.dataset.below);
  };
  const does = {
    accept,
    edit: () => unfold("edit"),
    changes: () => unfold("changes"),
    reject: () => unfold("reject"),
    reason: pick,
    escalate: () => unfold("escalate"),
    skip: () => unfold("skip"),
    undo: () => { if (!undo.hidden) press("undo"); },
    more: () => press("more"),
    who: () => unfold("who"),
    together: () => press("together"),
  };
  // keys.js knows which keys are on, and calls by names from a fixed list.
  document.addEventListener("key-does", (event) => { does[event.detail.name]?.(event.detail.key); });

  // Escape leaves a text, so that the next letter is a key again.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
    event.target.closest("[data-fold]")?.removeAttribute("open");
    document.getElementById("desk-heading")?.focus({ preventScroll: true });
  });
  addEventListener("popstate", () => location.reload());

  if (item()) { watch(); lookAhead(); }
}
