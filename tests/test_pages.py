"""What every page of the built book keeps, seen by a browser that opens it from the disk."""

import functools
import gzip
import itertools
from pathlib import Path
from urllib.parse import parse_qs, unquote, urldefrag, urljoin, urlsplit
from urllib.request import url2pathname

import pytest
import yaml
from bs4 import BeautifulSoup
from built_book import CHAPTERS, ENTRIES, PAGES, READING, REFERENCE, ROOT

pytestmark = pytest.mark.site
MEGABYTE = 1_000_000
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
BOOK = Path("book")


@functools.cache
def soup(html, name):
    return BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser")


@functools.cache
def ids(html, name):
    return {tag["id"] for tag in soup(html, name).find_all(id=True)}


def path_of(url):
    return Path(url2pathname(urlsplit(url).path))


@pytest.mark.parametrize("name", PAGES, scope="session")
def test_nothing_fails_and_nobody_else_is_asked(visit, name):
    page = visit(name)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(200)
    assert page.watch.errors == []
    assert page.watch.failed == []
    assert [url for url in page.watch.asked if urlsplit(url).scheme not in ("file", "data", "blob")] == []
    assert page.evaluate("[...document.images].filter(i => !i.naturalWidth).map(i => i.src)") == []


@pytest.mark.parametrize("name", [*PAGES, *REFERENCE], scope="session")
def test_a_phone_never_scrolls_sideways(visit, name):
    page = visit(name, phone=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    cut = """[...document.querySelectorAll(".bd-article *")].filter(e => {
        const box = e.getBoundingClientRect();
        if (!box.width || box.right <= innerWidth + 1) return false;
        for (let p = e; p; p = p.parentElement)
            if (["auto", "scroll", "hidden"].includes(getComputedStyle(p).overflowX) && p !== document.body)
                return false;
        return true;
    }).map(e => e.outerHTML.slice(0, 100))"""
    assert page.evaluate(cut) == []


@pytest.mark.parametrize("name", ENTRIES, scope="session")
def test_title_language_and_description(html, name):
    page = soup(html, name)
    assert page.title.text.strip() not in ("", "<no title>")
    assert page.html["lang"] == "en"
    assert len(page.find_all("meta", attrs={"name": "viewport"})) == 1
    if name in CHAPTERS:
        assert page.find("meta", attrs={"name": "description"})["content"].strip()
        assert len(page.select(".bd-article h1")) == 1


def test_titles_differ(html):
    titles = [soup(html, name).title.text for name in CHAPTERS]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", PAGES, scope="session")
def test_every_picture_has_words(html, name):
    page = soup(html, name)
    texts = [image.get("alt", "") for image in page.find_all("img")]
    texts += (figures := [image.get("aria-label", "") for image in page.select("svg.ep-svg")])
    assert all(len(text.split()) >= 5 for text in figures), figures
    for text in texts:
        assert len(text.split()) >= 2, text
        assert not text.lower().endswith((".png", ".svg", ".jpg")), text


@pytest.mark.parametrize("name", [name for name in ENTRIES if name != "404.html"], scope="session")
def test_no_link_is_broken(html, name):
    here = (html / name).as_uri()
    for link in soup(html, name).find_all("a", href=True):
        target, fragment = urldefrag(urljoin(here, link["href"]))
        if not target.startswith("file:"):
            offered = "data" if link.has_attr("download") else "https"  # a table that lies in the page itself
            assert urlsplit(target).scheme in ("https", "mailto", offered), target[:80]
            continue
        file = path_of(target)
        assert file.is_file(), link["href"]
        if fragment and file.suffix == ".html":
            assert unquote(fragment) in ids(html, file.relative_to(html).as_posix()), link["href"]


@pytest.mark.parametrize("name", [name for name in CHAPTERS if (ROOT / name).with_suffix(".ipynb").exists()])
def test_notebooks_are_offered_from_the_one_address(html, name):
    page, notebook = soup(html, name), Path(name).with_suffix(".ipynb")
    address, branch = CONFIG["repository"]["url"], CONFIG["repository"]["branch"]
    links = [link["href"] for link in page.find_all("a", href=True)]
    (colab,) = {link for link in links if "colab.research.google.com" in link}
    assert (
        urlsplit(colab).path
        == f"/github/{address.split('github.com/')[1]}/blob/{branch}/{notebook.as_posix()}"
    )
    assert (ROOT / notebook).is_file()
    (binder,) = {link for link in links if "mybinder.org" in link}
    assert urlsplit(binder).path == f"/v2/gh/{address.split('github.com/')[1]}/{branch}"
    assert notebook.as_posix() in parse_qs(urlsplit(binder).query)["urlpath"][0]
    downloads = [link for link in links if link.endswith(".ipynb") and not urlsplit(link).scheme]
    assert downloads
    for link in downloads:
        given = (html / name).parent / unquote(link)
        assert given.read_bytes() == (ROOT / notebook).read_bytes()


@pytest.mark.parametrize("name", PAGES, scope="session")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(visit, name, dark):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(name, dark=dark)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.wait_for_timeout(300)
    found = Axe().run(page, context={"exclude": [["svg.ep-svg > *"]]}).response["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    told = [(each["id"], [node["html"][:160] for node in each["nodes"]][:5]) for each in serious]
    assert told == []


def test_nothing_moves_for_who_asked_for_calm(visit):
    """A transition of no length is one still: each of a page's ten thousand elements would begin a dozen."""
    page = visit(CHAPTERS[1])
    moving = """() => {
        const root = document.documentElement, before = root.dataset.theme;
        root.dataset.theme = before === "dark" ? "light" : "dark";
        document.body.offsetHeight;
        const begun = document.getAnimations().length;
        root.dataset.theme = before;
        return begun;
    }"""
    assert page.evaluate(moving) == 0


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_formulas_are_set(visit, name):
    page = visit(name)
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    wanted = page.locator("span.math, div.math").count()
    assert page.locator("span.math mjx-container, div.math mjx-container").count() >= wanted
    assert "\\(" not in page.locator(".bd-article").inner_text()


@pytest.mark.parametrize("name", CHAPTERS[:-1], scope="session")
def test_the_first_screen_asks_the_question_of_the_page(visit, name):
    page = visit(name)
    seen = page.evaluate("""[...document.querySelectorAll(".bd-article p")]
        .filter(p => p.getBoundingClientRect().bottom < innerHeight).map(p => p.textContent).join(" ")""")
    assert "?" in seen


def test_each_page_leads_to_the_next(html):
    for name, following in itertools.pairwise(READING):
        link = soup(html, name).find("a", class_="right-next")
        assert ((html / name).parent / link["href"]).resolve() == (html / following).resolve()
        back = soup(html, following).find("a", class_="left-prev")
        assert ((html / following).parent / back["href"]).resolve() == (html / name).resolve()


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_figures_are_numbered_captioned_and_referred_to(html, name):
    page = soup(html, name)
    for output in page.select("div.cell_output"):
        for picture in output.select("svg.ep-svg, img"):
            figure = picture.find_parent("figure")
            assert figure is not None, str(picture)[:120]
            assert figure.figcaption.select_one(".caption-number").text.startswith("Fig. ")
            assert len(figure.figcaption.select_one(".caption-text").text.split()) > 5
            assert page.select(f'a[href="#{figure["id"]}"]'), f"no prose refers to {figure['id']}"


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_solutions_are_folded_and_open(visit, name):
    page = visit(name)
    for solution in page.locator("div.solution").all():
        body = solution.locator("[id^=solution-content]").first
        assert not body.is_visible()
        solution.locator("button, summary").first.click()
        assert body.is_visible()


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_one_switch_shows_all_code_and_plumbing_takes_no_line(visit, name):
    page = visit(name)
    folds = page.locator(".cell > details.hide")
    if not folds.count():
        return
    seen = """folds => folds.filter(fold => fold.parentElement.offsetHeight).map(fold => [fold.open,
        fold.parentElement.querySelector(".cell_output")?.childElementCount > 0])"""
    switch = page.locator(".ep-code-switch")
    for wanted in ("true", "false"):
        if switch.get_attribute("aria-pressed") != wanted:
            switch.click()
        shown = folds.evaluate_all(seen)
        if wanted == "true":
            assert len(shown) == folds.count()
            assert all(is_open for is_open, _ in shown)
        else:  # a line that offers code stands beside what this code shows
            assert all(has_output and not is_open for is_open, has_output in shown)


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_page_weight(visit, name):
    page = visit(name)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    files = {path_of(url) for url in page.watch.asked if url.startswith("file:")}
    contents = [file.read_bytes() for file in files]
    assert sum(map(len, contents)) < 4 * MEGABYTE  # on the disk; each figure is there in two forms
    assert sum(min(len(each), len(gzip.compress(each))) for each in contents) < MEGABYTE


def test_the_site_weighs_what_its_pages_need(html):
    """Half a megabyte for each chapter with its notebook, five and a half for the reference and the rest."""
    files = [path for path in html.rglob("*") if path.is_file() and path.name != "embedding-principle.pdf"]
    assert sum(path.stat().st_size for path in files) < (len(CHAPTERS) / 2 + 5.5) * MEGABYTE


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_figures_take_the_colours_of_the_page(visit, name, dark):
    page = visit(name, dark=dark)
    for picture in page.locator("svg.ep-svg").all():
        ground, ink = picture.evaluate("""e => {
            const style = getComputedStyle(e);
            return [getComputedStyle(document.body).backgroundColor, style.color];
        }""")
        assert (brightness(ground) < 60) == dark
        assert (brightness(ink) > 180) == dark


def brightness(colour):
    """Mean of 'rgb(r, g, b)'."""
    return sum(float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]) / 3
