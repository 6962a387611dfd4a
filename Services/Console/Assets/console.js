// What pages can do besides where scripts run: figures that renew themselves, and deadlines that count. Without it everything works by loading pages.
"use strict";

(() => {
  const isChinese = document.documentElement.lang.startsWith("zh");

  // Figures come as texts by name; they are shown as texts, whatever they hold.
  const places = document.querySelectorAll("[data-live]");
  if (places.length > 0 && "EventSource" in window) {
    const source = new EventSource("/live");
    source.addEventListener("figures", (event) => {
      let figures;
      try { figures = JSON.parse(event.data); } catch { return; }
      for (const place of places) {
        const text = figures[place.dataset.live], state = figures[`${place.dataset.live}.state`];
        if (typeof text === "string" && place.textContent !== text) place.textContent = text;
        for (const word of ["good", "warn", "bad"]) if (typeof state === "string") place.classList.toggle(word, word === state);
      }
    });
    window.addEventListener("pagehide", () => source.close());
  }

  // How long until a moment, or how long ago it was.
  const words = (seconds) => {
    const minutes = Math.floor(Math.abs(seconds) / 60), days = Math.floor(minutes / 1440), hours = Math.floor((minutes % 1440) / 60), rest = minutes % 60;
    const span = days > 0 ? (isChinese ? `${days} 天 ${hours} 小时` : `${days} d ${hours} h`)
      : hours > 0 ? (isChinese ? `${hours} 小时 ${rest} 分` : `${hours} h ${rest} min`)
      : (isChinese ? `${rest} 分钟` : `${rest} min`);
    if (seconds > 0) return isChinese ? `剩余 ${span}` : `${span} left`;
    return isChinese ? `已超时 ${span}` : `${span} late`;
  };
  // Business time goes on from where it was when the page was made, or stands still: the browser's own clock may be wrong.
  const main = document.querySelector("main[data-now]"), clocks = document.querySelectorAll("[data-until]");
  if (main !== null && clocks.length > 0) {
    const made = Number(main.dataset.now), stands = "still" in main.dataset, begun = Date.now();
    const count = () => {
      const now = made + (stands ? 0 : (Date.now() - begun) / 1000);
      for (const clock of clocks) {
        const until = Number(clock.dataset.until);
        if (!Number.isFinite(until)) continue;
        const text = words(until - now);
        if (clock.textContent !== text) clock.textContent = text;
        clock.classList.toggle("late", until <= now);
      }
    };
    count();
    if (!stands) setInterval(count, 15000);
  }
})();
