/** The page's style sheet. Follows the reader's light or dark setting. */
export const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d6dae0, #3a4048); --soft: light-dark(#5d6673, #9aa4b1);
  --accent: light-dark(#0b6e4f, #4cc38a); --bad: light-dark(#b3261e, #ff8a80); --card: light-dark(#fff, #1c2025); }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: light-dark(#f3f5f7, #14171a); color: light-dark(#1a1d21, #e6e9ed); }
header, main, footer { max-width: 64rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.3rem; margin: 0; } h2 { font-size: 1.1rem; margin: 0 0 .5rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin-bottom: 1rem; }
.soft { color: var(--soft); } .bad { color: var(--bad); } .good { color: var(--accent); }
.figures { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 0 0 1rem; }
.figures div { min-width: 7rem; } .figures dt { color: var(--soft); font-size: .85rem; } .figures dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 500; } td.n, th.n { text-align: right; } td.wide { white-space: normal; min-width: 14rem; }
code { font-size: .85em; } progress { width: 6rem; accent-color: var(--accent); }
.map { width: 100%; height: auto; max-height: 20rem; border: 1px solid var(--line); border-radius: .3rem; } .map circle { fill: var(--accent); fill-opacity: .6; }
summary { cursor: pointer; padding: .4rem 0; } ul { margin: .3rem 0; padding-left: 1.2rem; }
`;

/**
 * The page's script: counts down to the close, and takes over a newer page every ten seconds unless the reader has
 * opened something. Goes by the server's clock, and only while the page is visible, as browsers draw no frames otherwise.
 */
export const SCRIPT = `
(() => {
  let shownAt = 0, loadedAt = 0, renewing = false;
  const two = (n) => String(n).padStart(2, "0");
  const tick = (at) => {
    const now = Number(document.body.dataset.now) + at - loadedAt;
    for (const clock of document.querySelectorAll("[data-until]")) {
      const left = Math.max(0, Math.floor((Number(clock.dataset.until) - now) / 1000));
      clock.textContent = Math.floor(left / 3600) + ":" + two(Math.floor(left / 60) % 60) + ":" + two(left % 60);
    }
  };
  const renew = async () => {
    const answer = await fetch(location.pathname).catch(() => undefined);
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector("main").replaceWith(page.querySelector("main"));
    document.body.dataset.now = page.body.dataset.now;
    loadedAt = performance.now();
  };
  let nextRenewal = 10000;
  const frame = (at) => {
    if (at - shownAt >= 500) { shownAt = at; tick(at); }
    if (at >= nextRenewal) {
      nextRenewal = at + 10000;
      if (!renewing && !document.querySelector("details[open]")) {
        renewing = true;
        renew().finally(() => { renewing = false; });
      }
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})();
`;
