(() => {
  // Each explorable figure brings this script; it sets up those that are not yet alive.
  for (const root of document.querySelectorAll(".ep-explore:not([data-ready])")) {
    root.dataset.ready = "";
    const inputs = [...root.querySelectorAll("input[type=range]")];
    // The picture for a wide page and the one for a phone, which move together.
    const pictures = [...root.querySelectorAll(".ep-picture > svg")];
    const frames = pictures.map(svg => [...svg.querySelectorAll(":scope > g.ep-frame")]);
    const button = root.querySelector(".ep-play");
    const alts = JSON.parse(root.dataset.alts);
    const texts = inputs.map(input => JSON.parse(input.dataset.texts));
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    let shown = frames[0].findIndex(frame => !frame.hasAttribute("display"));
    let timer = 0;

    const show = () => {
      let index = 0;
      inputs.forEach((input, axis) => {
        const text = texts[axis][input.value];
        index = index * texts[axis].length + Number(input.value);
        input.setAttribute("aria-valuetext", text);
        input.parentNode.querySelector(".ep-value").textContent = text;
      });
      for (const each of frames) {
        each[shown].setAttribute("display", "none");
        each[index].removeAttribute("display");
      }
      if (alts.length) for (const svg of pictures) svg.setAttribute("aria-label", alts[index]);
      root.dataset.frame = shown = index;
    };
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      button.setAttribute("aria-pressed", "false");
    };
    // Forth and back along the first slider; a reader who asked for calm gets single slow steps.
    let way = 1;
    const step = () => {
      const input = inputs[0], last = Number(input.max);
      if (Number(input.value) + way > last || Number(input.value) + way < 0) way = -way;
      input.value = Number(input.value) + way;
      show();
    };
    const start = () => {
      timer = setInterval(step, calm.matches ? 1000 : Math.min(500, Math.max(80, 4000 / texts[0].length)));
      button.setAttribute("aria-pressed", "true");
    };
    button.addEventListener("click", () => timer ? stop() : start());
    for (const input of inputs) {
      input.addEventListener("input", () => { stop(); show(); });
      input.addEventListener("pointerdown", stop);
    }
    // A printed page shows where the figure starts, which its caption speaks of.
    addEventListener("beforeprint", () => {
      stop();
      for (const input of inputs) input.value = input.defaultValue;
      show();
    });
    show();
    if ("play" in root.dataset && !calm.matches) {
      // Starts by itself once, when it comes into sight, and rests where it began.
      const first = inputs[0].value;
      const watch = new IntersectionObserver(seen => {
        if (!seen.some(entry => entry.isIntersecting)) return;
        watch.disconnect();
        start();
        setTimeout(() => { if (timer) { stop(); inputs[0].value = first; show(); } }, 4900);
      }, { threshold: 0.6 });
      watch.observe(root);
    }
  }
})();
