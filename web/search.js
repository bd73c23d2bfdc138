// Sections that contain all words of the query, the best first; `SECTIONS` is written by book_search.py.
(() => {
  const fold = text => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const wordsOf = text => fold(text).match(/[\p{L}\p{N}_]+/gu) ?? [];
  const starts = (words, wanted) => words.filter(word => word.startsWith(wanted)).length;

  // A word in a heading tells more than one in the text, the whole word more than its beginning.
  const weigh = (entry, wanted) => {
    const inTitle = starts(entry.titleWords, wanted), inText = starts(entry.textWords, wanted);
    if (!inTitle && !inText && !starts(entry.pageWords, wanted)) return 0;
    const whole = entry.titleWords.includes(wanted) ? 10 : 0;
    const asPage = starts(entry.pageWords, wanted) ? 5 : 0;
    const often = inText ? 1 + 8 * inText / (inText + 2 + entry.textWords.length / 150) : 0;
    return (inTitle ? 20 / Math.sqrt(entry.titleWords.length) : 0) + whole + asPage + often;
  };

  const find = query => {
    const wanted = wordsOf(query);
    if (!wanted.length) return [];
    return SECTIONS.map((entry, order) => {
      entry.titleWords ??= wordsOf(entry.title);
      entry.pageWords ??= wordsOf(entry.page);
      entry.textWords ??= wordsOf(entry.text);
      const weights = wanted.map(word => weigh(entry, word));
      // Where a thing is told comes before where it is practised, counted or listed.
      const rank = /^(exercise|claims|the claims|try it)/i.test(entry.title) || entry.where.includes("/api/") ? 0.4 : 1;
      return { entry, order, weight: Math.min(...weights) ? rank * weights.reduce((a, b) => a + b) : 0 };
    }).filter(hit => hit.weight).sort((a, b) => b.weight - a.weight || a.order - b.order).map(hit => hit.entry);
  };

  // The sentence or two around the first word that was found, the words themselves marked.
  const excerpt = (entry, query) => {
    const line = document.createElement("p");
    const wanted = wordsOf(query);
    const isHit = word => wanted.some(each => fold(word).startsWith(each));
    const parts = entry.text.split(/([\p{L}\p{N}_]+)/u);
    const first = Math.max(0, parts.findIndex((part, index) => index % 2 && isHit(part)) - 24);
    if (first) line.append("… ");
    parts.slice(first, first + 80).forEach((part, index) => {
      if ((first + index) % 2 && isHit(part)) {
        const mark = document.createElement("mark");
        mark.textContent = part;
        line.append(mark);
      } else line.append(part);
    });
    if (first + 80 < parts.length) line.append(" …");
    return line;
  };

  const show = () => {
    const query = new URLSearchParams(location.search).get("q")?.trim() ?? "";
    const place = document.getElementById("search-results");
    for (const field of document.querySelectorAll("form.bd-search input[name=q]")) field.value = query;
    if (!query) return;
    const hits = find(query);
    const told = document.createElement("p");
    told.setAttribute("role", "status");
    told.textContent = hits.length
      ? `${hits.length} ${hits.length > 1 ? "places" : "place"} with “${query}”`
      : `Nothing with “${query}”. A shorter word finds more.`;
    const list = document.createElement("ol");
    list.className = "ep-hits";
    for (const entry of hits.slice(0, 50)) {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = entry.where;
      link.textContent = entry.title;
      // Sphinx marks these on the next page; from the disk it could not read them from the address.
      link.addEventListener("click", () => localStorage.setItem("sphinx_highlight_terms", query));
      item.append(link);
      if (entry.page !== entry.title) item.append(Object.assign(document.createElement("span"), { textContent: ` in ${entry.page}` }));
      item.append(excerpt(entry, query));
      list.append(item);
    }
    place.replaceChildren(told, list);
  };
  addEventListener("DOMContentLoaded", show);
})();
