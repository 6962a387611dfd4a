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
    if (seconds >= 0) return isChinese ? `剩余 ${span}` : `${span} left`;
    return isChinese ? `已超时 ${span}` : `${span} late`;
  };
  const clocks = document.querySelectorAll("[data-until]");
  const offset = Number(document.body.dataset.offset || 0);
  const count = () => {
    const now = Date.now() / 1000 + offset;
    for (const clock of clocks) {
      const until = Number(clock.dataset.until);
      if (Number.isFinite(until)) clock.textContent = words(until - now);
    }
  };
  if (clocks.length > 0) {
    count();
    setInterval(count, 15000);
  }
})();
