// What scrolls sideways can be scrolled by keys too, and fades at the edges beyond which it goes on.
(() => {
  const wide = ".bd-article mjx-container[display], .bd-article div.math, .bd-article .cell_output, " +
    ".bd-article .pst-scrollable-table-container, .bd-article pre";
  const fade = box => {
    const before = box.scrollLeft > 1, after = box.scrollLeft + box.clientWidth < box.scrollWidth - 1;
    const more = [before && "left", after && "right"].filter(Boolean).join(" ");
    more ? box.dataset.more = more : delete box.dataset.more;
  };
  const mark = () => {
    for (const box of document.querySelectorAll(wide)) {
      if (getComputedStyle(box).overflowX === "visible") continue;
      fade(box);
      if (box.scrollWidth <= box.clientWidth) continue;
      box.tabIndex = 0;
      if (!box.dataset.watched) box.addEventListener("scroll", () => fade(box), { passive: true });
      box.dataset.watched = "";
    }
  };
  addEventListener("load", () => {
    mark();
    window.MathJax?.startup?.promise?.then(mark);
  });
  addEventListener("resize", mark);
  addEventListener("toggle", mark, true); // code that was folded
})();

// One switch for all code. Folded cells that show nothing are plumbing: without it they take no line of the page.
addEventListener("DOMContentLoaded", () => {
  const folds = [...document.querySelectorAll(".bd-article .cell > details.hide")];
  const place = document.querySelector(".article-header-buttons");
  if (!folds.length || !place) return;
  for (const fold of folds) {
    if (!fold.parentElement.querySelector(".cell_output")?.childElementCount) fold.parentElement.classList.add("ep-plumbing");
  }
  const button = document.createElement("button");
  button.className = "btn btn-sm pst-navbar-icon ep-code-switch";
  button.textContent = "</>";
  const set = all => {
    document.documentElement.classList.toggle("ep-all-code", all);
    for (const fold of folds) fold.open = all;
    button.setAttribute("aria-pressed", all);
    button.title = all ? "Fold the code again" : "Show all the code of this page";
    button.setAttribute("aria-label", button.title);
  };
  button.addEventListener("click", () => set(button.getAttribute("aria-pressed") !== "true"));
  set(false);
  place.prepend(button);
  // Code that a link leads to, or a search, is there to be seen.
  const goal = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (goal?.closest(".ep-plumbing")) set(true);
});
