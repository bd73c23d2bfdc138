"""How a page reads on a phone, on paper, without JavaScript, and where other sites link to it."""

import json
import re

import pytest
from bs4 import BeautifulSoup
from built_book import CHAPTERS, ROOT

from tools.chinese_font import CHINESE, FONT, held, used

pytestmark = pytest.mark.site
SMALLEST = 9  # pixels of a label in a figure on a phone

LABELS = """() => [...document.querySelectorAll("svg.ep-svg")].filter(svg => svg.clientWidth).flatMap(svg => {
    const scale = svg.clientWidth / svg.viewBox.baseVal.width;
    return [...svg.querySelectorAll("text")].filter(text => text.getBoundingClientRect().width)
        .map(text => [scale * parseFloat(getComputedStyle(text.querySelector("tspan") ?? text).fontSize),
                      text.textContent]);
})"""


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_no_label_is_too_small_on_a_phone(visit, name):
    labels = visit(name, phone=True).evaluate(LABELS)
    assert [(round(size, 1), text) for size, text in labels if size < SMALLEST] == []


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_a_phone_has_margins_and_what_goes_on_fades(visit, name):
    page = visit(name, phone=True)
    assert page.evaluate("document.querySelector('.bd-article p').getBoundingClientRect().left") >= 15
    page.wait_for_timeout(100)
    unmarked = page.evaluate("""() => [...document.querySelectorAll(
        ".bd-article :is(div.math, .cell_output, .output.text_html, pre, .pst-scrollable-table-container)"
        )].filter(box =>
        getComputedStyle(box).overflowX !== "visible" && box.scrollWidth > box.clientWidth + 1 &&
        (box.dataset.more !== "right" || getComputedStyle(box).maskImage === "none" || box.tabIndex < 0))
        .map(box => box.textContent.slice(0, 60))""")
    assert unmarked == []


# Where each formula stands on its line: room at its left, and at its right (a number may stand there).
ROOM = """() => [...document.querySelectorAll(".bd-article div.math")].filter(box => box.clientWidth)
    .map(box => {
        const [line, set] = [box, box.querySelector("mjx-math")].map(each => each.getBoundingClientRect());
        const numbered = box.querySelector(".eqno") !== null;
        return [set.left - line.left, line.right - set.right, numbered, box.textContent];
    })"""


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_formulas_stand_in_the_middle_and_begin_on_the_page(visit, name, phone):
    for left, right, numbered, text in visit(name, phone=phone).evaluate(ROOM):
        assert left >= -1, f"begins beyond the edge, where nothing scrolls: {text:.60}"
        assert numbered or right < 0 or abs(left - right) < 40, f"not in the middle: {text:.60}"


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_writing_in_figures_is_that_of_the_page(visit, name):
    page = visit(name)
    families = page.evaluate("""[...new Set([...document.querySelectorAll("svg.ep-svg text")]
        .map(text => getComputedStyle(text).fontFamily))]""")
    assert families in ([], [page.evaluate("getComputedStyle(document.body).fontFamily")])
    written = page.evaluate("[...document.querySelectorAll('svg.ep-svg text')].map(text => text.textContent)")
    assert [text for text in written if re.search(r"(?<![\w)])-\d", text)] == []


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_captions_hold_on_both_pages_and_alternative_texts_follow(html, name):
    page = BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser")
    for caption in page.select("figcaption"):
        # What is black on the light page is white on the dark one.
        assert not re.search(r"\b(black|white)\b", caption.text, re.IGNORECASE), caption.text
    for figure in page.select(".ep-explore"):
        frames = len(figure.select_one("svg").find_all("g", class_="ep-frame"))
        told = figure["data-alts"]
        assert len(set(json.loads(told))) > frames / 2, told[:200]


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_on_paper_there_is_what_the_text_speaks_of(visit, name):
    page = visit(name)
    figures = page.locator(".ep-explore")
    state = """figures => figures.map(figure =>
        [figure.dataset.frame, ...[...figure.querySelectorAll("input")].map(input => input.value)])"""
    start = "inputs => inputs.forEach(i => { i.value = i.max; i.dispatchEvent(new Event('input')); })"
    page.reload()
    page.evaluate("window.MathJax?.startup?.promise.then(() => null)")
    before = figures.evaluate_all(state)
    page.locator(".ep-explore input").evaluate_all(start)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert figures.evaluate_all(state) == before
    page.emulate_media(media="print")
    assert not page.locator("#jb-print-toc").is_visible()
    assert not page.locator(".toggle-button:visible").count()  # it opens a solution, on a screen
    text = page.locator(".bd-article").inner_text()
    page.emulate_media(media="screen")
    assert not re.search(r"\b(Move|Drag) the slider", text)
    assert "Show the code" not in text


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_without_javascript(browser, html, name):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto((html / name).as_uri())
    text = page.locator(".bd-article").inner_text()
    assert "Without JavaScript" in text
    assert not re.search(r"\\[(\\[]|\\(frac|theta|alpha|begin)", text)
    formulas = page.locator(".bd-article .math")
    assert formulas.count() == page.locator(".bd-article .math math").count()
    assert page.locator(".ep-controls:visible, .pst-js-only:visible").count() == 0
    assert page.locator("html").get_attribute("data-theme") == "light"
    assert page.locator(".ep-svg.ep-wide:visible, .ep-svg.ep-narrow:visible").count() == (
        page.locator(".ep-svg.ep-wide").count()
    )
    context.close()


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_link_to_the_page_can_be_shown_elsewhere(html, name):
    page = BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser")
    told = {meta["property"]: meta["content"] for meta in page.find_all("meta", property=True)}
    assert set(told) >= {"og:title", "og:description", "og:type", "og:url", "og:image"}
    assert told["og:url"].endswith(name)
    image = told["og:image"].removeprefix(told["og:url"].removesuffix(name))
    assert (html / image).stat().st_size > 10_000


@pytest.mark.parametrize("name", CHAPTERS)
def test_tables_have_one_row_of_headings_and_true_minus_signs(html, name):
    page = BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser")
    for table in page.select("table.dataframe"):
        assert len(table.select("thead tr")) == 1, str(table)[:300]
        assert not re.search(r"(?<![\w)])-\d|\de-\d", table.text), table.text


def test_chinese_terms_have_a_font_everywhere(visit):
    assert set(used(ROOT)) <= set(held(FONT)), "run tools/chinese_font.py"
    assert "SIL OPEN FONT LICENSE" in (ROOT / "web" / "chinese-LICENSE.txt").read_text(encoding="utf-8")
    page = visit("book/notation.html")
    assert CHINESE.search(page.locator(".bd-article").inner_text())
    assert (
        page.evaluate("document.fonts.load('16px \"Epbook Chinese\"', '嵌').then(fonts => fonts.length)") == 1
    )


def test_keys_see_where_they_are(visit):
    page = visit(CHAPTERS[0])
    page.locator(".ep-explore input").first.focus()
    page.keyboard.press("ArrowRight")
    style = page.evaluate("(({outlineStyle, outlineOffset}) => [outlineStyle, parseFloat(outlineOffset)])"
                          "(getComputedStyle(document.activeElement))")  # fmt: skip
    assert style[0] == "solid"
    assert style[1] < 0  # inside, where nothing clips it
