// What scrolls sideways can be scrolled by keys too.
(() => {
  const wide = ".bd-article mjx-container[display], .bd-article div.math, .bd-article .cell_output, " +
    ".bd-article .pst-scrollable-table-container, .bd-article pre";
  const mark = () => {
    for (const box of document.querySelectorAll(wide)) {
      if (getComputedStyle(box).overflowX !== "visible" && box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    }
  };
  addEventListener("load", () => {
    mark();
    window.MathJax?.startup?.promise?.then(mark);
  });
  addEventListener("resize", mark);
  addEventListener("toggle", mark, true); // code that was folded
})();

// Folded cells in a row, with nothing to see between them, open and close as one.
addEventListener("DOMContentLoaded", () => {
  for (const fold of document.querySelectorAll(".bd-article .cell > details.hide")) {
    const before = fold.parentElement.previousElementSibling;
    const leader = before?.querySelector(":scope.cell > details.hide");
    if (!leader || before.querySelector(".cell_output")?.childElementCount) continue;
    fold.querySelector("summary").hidden = true;
    leader.addEventListener("toggle", () => { fold.open = leader.open; });
  }
});
