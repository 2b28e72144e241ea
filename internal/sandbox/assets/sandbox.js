// Keeps the board current: asks for it, and is answered when something changed.
"use strict";
(async () => {
  const board = document.getElementById("board");
  const rest = (ms) => new Promise((done) => setTimeout(done, ms));
  let version = board.dataset.version;
  for (;;) {
    try {
      const answer = await fetch("/sandbox/board?after=" + version);
      if (!answer.ok) throw new Error(String(answer.status));
      const next = answer.headers.get("X-Version");
      const text = await answer.text();
      if (next !== version) show(text);
      version = next;
      document.body.classList.remove("offline");
      await rest(150);
    } catch {
      document.body.classList.add("offline");
      version = "-1";
      await rest(2000);
    }
  }
  // show puts the board in place and leaves what the reader opened or is entering.
  function show(text) {
    const open = new Set([...board.querySelectorAll("details[open]")].map((d) => d.id));
    const scrolled = new Map([...board.querySelectorAll("ol[id]")].map((l) => [l.id, l.scrollTop]));
    const entered = new Map([...board.querySelectorAll("select[id], input[id]")].map((e) => [e.id, e.value]));
    const active = document.activeElement && board.contains(document.activeElement) ? document.activeElement : null;
    const focused = active ? active.id : "";
    const form = active?.closest("form")?.id;
    board.innerHTML = text;
    for (const d of board.querySelectorAll("details")) if (open.has(d.id)) d.open = true;
    for (const l of board.querySelectorAll("ol[id]")) l.scrollTop = scrolled.get(l.id) || 0;
    for (const [id, value] of entered) {
      const field = document.getElementById(id);
      if (form && field?.closest("form")?.id === form) field.value = value;
    }
    if (focused) document.getElementById(focused)?.focus();
  }
})();
