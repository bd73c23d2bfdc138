"""The book on paper: what is folded is seen, and a site that has the PDF leads to it."""

import pytest

from tools import pdf


def test_pages_lead_to_the_pdf_while_it_is_there(tmp_path):
    """Whatever came first, the pages or the PDF, and however often: no page leads to a file that is gone."""
    html, made = tmp_path / "html", tmp_path / "made.pdf"
    made.write_bytes(b"%PDF")
    pdf.offer(made, html)
    assert not html.exists(), "there is no site yet"
    plain = {"index.html": "<p>", "book/a.html": '<p><a href="../notebooks.zip">All</a></p>'}
    (html / "book").mkdir(parents=True)
    for name, page in plain.items():
        (html / name).write_text(page, encoding="utf-8")
    led = plain["book/a.html"].replace(
        "</p>", ' · <a href="../embedding-principle.pdf">The whole book as PDF</a></p>'
    )
    for _ in range(2):
        pdf.offer(made, html)
        assert {name: (html / name).read_text("utf-8") for name in plain} == plain | {"book/a.html": led}
    assert (html / "embedding-principle.pdf").read_bytes() == b"%PDF"
    (html / "book/a.html").write_text(plain["book/a.html"], encoding="utf-8")  # as `make book` does
    pdf.pdf_link.link(html)
    assert (html / "book/a.html").read_text("utf-8") == led
    (html / "embedding-principle.pdf").unlink()
    pdf.pdf_link.link(html)
    assert {name: (html / name).read_text("utf-8") for name in plain} == plain


def test_links_between_pages_become_links_within_the_pdf():
    page = """<a id="id6" href="book/intro.html#id6">[2021]</a> <a href="book/intro.html#thm">Theorem</a>
        <a href="training.html">page</a> <a href="https://a.org/b.html">other</a>
        <div class="citation" id="id6" role="listitem">entry</div>"""
    assert (
        pdf.links_within(page, "book/intro")
        == """<a id="id6" href="#entry-id6">[2021]</a> <a href="#thm">Theorem</a>
        <a href="#document-book/training">page</a> <a href="https://a.org/b.html">other</a>
        <div class="citation" id="entry-id6" role="listitem">entry</div>"""
    )


@pytest.mark.site
def test_what_is_unfolded_to_be_printed_is_seen_at_once(visit):
    """Code that fades in when it is unfolded is printed as it begins: as a blank."""
    page = visit("book/embedding.html")
    page.emulate_media(media="print")
    fading = """() => {
        const folds = document.querySelectorAll("details");
        folds.forEach(fold => fold.open = true);
        document.body.offsetHeight;
        const begun = document.getAnimations().length;
        folds.forEach(fold => fold.open = false);
        return [folds.length > 5, begun];
    }"""
    try:
        assert page.evaluate(fading) == [True, 0]
    finally:
        page.emulate_media(media="screen")


@pytest.mark.site
@pytest.mark.parametrize("name", ["book/atlas.html", "book/benchmarks.html"])
def test_the_widest_tables_are_whole_on_paper(visit, name):
    """What scrolls on a screen is cut off on paper, whose lines are 774 pixels long (A4 in tools/pdf.py)."""
    page = visit(name)
    before = page.viewport_size
    page.set_viewport_size({"width": 774, "height": 1000})
    page.emulate_media(media="print")
    wide = """() => {
        const parts = document.querySelectorAll(".bd-article :is(table, .cell_output, [data-more])");
        const faded = [...parts].filter(part => getComputedStyle(part).maskImage !== "none");
        return [Math.max(...[...parts].map(part => part.getBoundingClientRect().right)), faded.length];
    }"""
    try:
        page.wait_for_timeout(200)
        right, faded = page.evaluate(wide)
        assert right < 774 + 40, "half the margin"
        assert faded == 0
    finally:
        page.emulate_media(media="screen")
        page.set_viewport_size(before)
