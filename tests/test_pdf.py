"""The book on paper: what is folded is seen, and a site that has the PDF says so."""

import pytest

from tools import pdf


def test_a_site_shows_the_link_to_the_pdf_once_it_is_there(tmp_path):
    style, made = tmp_path / "html" / "_static" / "book.css", tmp_path / "made.pdf"
    made.write_bytes(b"%PDF")
    pdf.offer(made, tmp_path / "html")
    assert not (tmp_path / "html").exists(), "there is no site yet"
    style.parent.mkdir(parents=True)
    style.write_text(".ep-pdf { display: none; }\n", encoding="utf-8")
    for _ in range(2):
        pdf.offer(made, tmp_path / "html")
    assert (tmp_path / "html" / "embedding-principle.pdf").read_bytes() == b"%PDF"
    assert style.read_text(encoding="utf-8").count(".ep-pdf { display: inline; }") == 1


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
