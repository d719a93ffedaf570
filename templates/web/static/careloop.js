// Comfort only: saves what is being typed. Every page works without it.
(() => {
  "use strict";
  const form = document.querySelector("form[data-autosave]");
  if (!form) return;
  const status = form.querySelector("[role=status]");
  let timer = 0, running = false, again = false, leaving = false;

  const say = (word) => { status.textContent = status.dataset[word]; };

  const save = async () => {
    if (leaving) return;
    if (running) { again = true; return; }
    running = true;
    say("saving");
    const data = new FormData(form);
    for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
    try {
      const answer = await fetch(form.action, {
        method: "POST", body: data, headers: { "X-Autosave": "1" }, redirect: "error",
        credentials: "same-origin", keepalive: true,
      });
      say(answer.ok ? "saved" : "failed");
    } catch { say("failed"); }
    running = false;
    if (again) { again = false; save(); }
  };

  form.addEventListener("input", (event) => {
    if (event.target.type === "file") return;
    clearTimeout(timer);
    timer = setTimeout(save, 900);
  });
  form.addEventListener("submit", () => { leaving = true; clearTimeout(timer); });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden" && timer) { clearTimeout(timer); save(); }
  });
})();
