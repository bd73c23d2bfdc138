"""What the built site says to search engines, to citation managers, and to lost readers."""

import importlib.util
import json
import re
import sys
import zipfile
from html import unescape
from types import SimpleNamespace
from urllib.parse import urljoin
from xml.etree import ElementTree

import html5lib
import pytest
import yaml
from bs4 import BeautifulSoup
from built_book import CHAPTERS, PAGES, READING, REFERENCE, ROOT
from docutils import nodes
from docutils.utils import new_document

spec = importlib.util.spec_from_file_location("site_meta", ROOT / "web" / "site_meta.py")
site_meta = sys.modules.setdefault("site_meta", importlib.util.module_from_spec(spec))
spec.loader.exec_module(site_meta)

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
BASE = CONFIG["html"]["baseurl"]


def head(html, name):
    return BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser").head


def tags_of(page, doctree=None, **context):
    """The head of a page as the extension would write it."""
    config = SimpleNamespace(html_baseurl=BASE, html_title="A book", root_doc="book/intro", copyright="2026")
    app = SimpleNamespace(builder=SimpleNamespace(name="html"), config=config, srcdir=ROOT)
    site_meta.describe(app, page, "page.html", context, doctree)
    return BeautifulSoup(context["metatags"], "html.parser")


def test_what_a_title_says_cannot_break_out_of_its_tag():
    soup = tags_of("book/x", title='a <code>b</code> "c" &amp; d')
    assert soup.find("meta", attrs={"name": "citation_title"})["content"] == 'a b "c" & d'
    assert len(soup.find_all("script")) == 1


def test_the_first_page_is_the_book_and_the_others_are_parts_of_it():
    for page, kind in (("book/intro", ["Book", "LearningResource"]), ("book/training", "Chapter")):
        assert json.loads(tags_of(page).script.text)["@type"] == kind


def test_a_page_is_described_by_its_first_paragraph_and_the_book_by_its_own():
    for page, told in (("book/intro", "The book."), ("book/x", "Why &amp; how.")):
        paragraph = nodes.paragraph("", "Why & how." + " More of it." * 4)
        document = new_document("x")
        document += paragraph
        found = tags_of(page, document, metatags='<meta content="The book." name="description" />\n')
        assert found.find("meta", attrs={"name": "description"})["content"].startswith(unescape(told))


def test_the_page_for_lost_readers_finds_its_style_from_anywhere_and_is_not_listed():
    soup = tags_of("404")
    assert soup.base["href"] == BASE
    assert soup.find("meta", attrs={"name": "robots"})["content"] == "noindex"
    assert soup.script is None


@pytest.mark.site
@pytest.mark.parametrize("name", READING)
def test_a_page_says_where_it_lives_and_what_it_is(html, name):
    found = head(html, name)
    assert found.find("link", rel="canonical")["href"] == BASE + name
    tags = {tag.get("name"): tag.get("content") for tag in found.find_all("meta")}
    assert tags["citation_public_url"] == BASE + name
    assert tags["citation_publication_date"] >= "2026"
    data = json.loads(found.find("script", type="application/ld+json").text)
    assert data["@context"] == "https://schema.org"
    assert data["url"] in (BASE, BASE + name)
    assert len(data["description"]) >= 40


@pytest.mark.site
def test_no_two_pages_are_described_alike(html):
    told = [head(html, name).find("meta", attrs={"name": "description"})["content"] for name in CHAPTERS]
    assert sorted({each for each in told if told.count(each) > 1}) == []


@pytest.mark.site
def test_the_sitemap_names_every_page_and_each_exists(html):
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    found = [loc.text for loc in ElementTree.parse(html / "sitemap.xml").iter(f"{space}loc")]
    assert set(found) == {BASE + name for name in READING}
    assert f"Sitemap: {BASE}sitemap.xml" in (html / "robots.txt").read_text()


def test_there_is_no_list_of_labels_to_which_nothing_leads():
    settings = CONFIG["sphinx"]["config"]
    assert settings["html_use_index"] is settings["html_domain_indices"] is False


@pytest.mark.site
def test_every_link_of_the_page_for_lost_readers_leads_somewhere(html):
    page = BeautifulSoup((html / "404.html").read_text(encoding="utf-8"), "html.parser")
    for link in page.select("a[href], link[href]"):
        target = urljoin(BASE, link["href"])
        if target.startswith(BASE) and not target.startswith(BASE + "embedding-principle.pdf"):
            assert (html / re.split(r"[?#]", target.removeprefix(BASE))[0]).exists(), target


@pytest.mark.site
def test_no_image_is_there_that_no_page_shows(html):
    pages = "".join(page.read_text(encoding="utf-8") for page in html.rglob("*.html"))
    assert [path.name for path in (html / "_images").glob("*") if path.name not in pages] == []


@pytest.mark.site
def test_every_file_that_a_style_sheet_asks_for_is_there(html):
    asked = [
        (sheet.parent / re.split("[?#]", name)[0])
        for sheet in html.rglob("*.css")
        for name in re.findall(r"url\([\"']?(?!data:|#)([^()\"']+)", sheet.read_text(encoding="utf-8"))
    ]
    assert asked
    assert [path for path in asked if not path.exists()] == []


@pytest.mark.site
def test_all_notebooks_are_in_one_file(html):
    with zipfile.ZipFile(html / "notebooks.zip") as archive:
        assert archive.testzip() is None
        given = {name: archive.read(name) for name in archive.namelist()}
    wanted = [(ROOT / name).with_suffix(".ipynb") for name in READING]
    assert given == {path.name: path.read_bytes() for path in wanted if path.exists()}


@pytest.mark.site
@pytest.mark.parametrize("name", [*PAGES, *REFERENCE, "404.html"])
def test_a_page_is_html_without_a_mistake(html, name):
    """By the parser of the HTML standard; and no id twice, which it does not see."""
    parser = html5lib.HTMLParser()
    parser.parse((html / name).read_text(encoding="utf-8"))
    # Today's standard allows an ampersand that begins no entity, as in "?title=a&body=b"; html5lib is older.
    assert [each for each in parser.errors if each[1] != "expected-named-entity"] == []
    ids = [
        tag["id"] for tag in BeautifulSoup((html / name).read_text("utf-8"), "html.parser").find_all(id=True)
    ]
    assert sorted({each for each in ids if ids.count(each) > 1}) == []
