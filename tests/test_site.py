"""What the built site says to search engines, to citation managers, and to lost readers."""

import importlib.util
import json
import re
import sys
import zipfile
from html import unescape
from types import SimpleNamespace
from urllib.parse import unquote, urldefrag, urljoin
from xml.etree import ElementTree

import pytest
import yaml
from bs4 import BeautifulSoup
from built_book import CHAPTERS, ENTRIES, READING, ROOT
from docutils import nodes
from docutils.utils import new_document

spec = importlib.util.spec_from_file_location("site_meta", ROOT / "web" / "site_meta.py")
site_meta = sys.modules.setdefault("site_meta", importlib.util.module_from_spec(spec))
spec.loader.exec_module(site_meta)

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
BASE = CONFIG["html"]["baseurl"]


def head(html, name):
    return BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser").head


def site(**more):
    config = {"html_baseurl": BASE, "html_title": "A book", "root_doc": "book/intro", "copyright": "2026"}
    builder = SimpleNamespace(name="html", format="html")
    return SimpleNamespace(builder=builder, config=SimpleNamespace(**config, **more), srcdir=ROOT)


def tags_of(page, doctree=None, **context):
    """The head of a page as the extension would write it."""
    site_meta.describe(site(), page, "page.html", context, doctree)
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


@pytest.mark.parametrize("page", ["404", "search"])
def test_a_page_that_nobody_shall_list_has_no_address_to_list(page):
    context = {"pageurl": f"{BASE}{page}.html"}
    site_meta.describe(site(), page, "page.html", context, None)
    assert context == {"pageurl": None, "metatags": '<meta name="robots" content="noindex" />'}


def test_the_address_of_the_book_says_what_it_is_and_leads_to_the_first_page():
    told = 'Why & how "it" rests.'
    found = BeautifulSoup(
        site_meta.entrance(site(myst_html_meta={"description": told}, html_favicon="web/logo.svg")),
        "html.parser",
    )
    cited = site_meta.citation(ROOT)
    assert found.html["lang"] == "en"
    assert found.title.text == cited["title"]
    assert found.find("meta", attrs={"http-equiv": "refresh"})["content"] == "0; url=book/intro.html"
    assert found.body.a["href"] == "book/intro.html"
    assert found.find("link", rel="canonical")["href"] == cited["url"] == BASE
    card = {meta["property"]: meta["content"] for meta in found.select("meta[property]")}
    assert card["og:url"] == BASE
    assert card["og:description"] == found.find("meta", attrs={"name": "description"})["content"] == told
    assert card["og:image"] == f"{BASE}_static/sharing.png"
    data = json.loads(found.find("script", type="application/ld+json").text)
    assert (data["@type"], data["url"]) == (["Book", "LearningResource"], BASE)


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
    assert head(html, "index.html").find("link", rel="sitemap")["href"] == "sitemap.xml"
    assert not (html / "robots.txt").exists(), "below the top of a host no crawler reads it"


def test_there_is_no_list_of_labels_to_which_nothing_leads():
    settings = CONFIG["sphinx"]["config"]
    assert settings["html_use_index"] is settings["html_domain_indices"] is False


@pytest.mark.site
@pytest.mark.parametrize("name", ENTRIES)
def test_a_page_says_where_it_lives_or_that_it_is_not_to_be_listed(html, name):
    found = head(html, name)
    address = BASE if name == "index.html" else BASE + name
    card = {meta["property"]: meta["content"] for meta in found.select("meta[property^=og]")}
    if name in ("search.html", "404.html"):
        assert found.find("meta", attrs={"name": "robots"})["content"] == "noindex"
        assert found.find_all("link", rel="canonical") == []
        assert card == {}
        return
    assert [link["href"] for link in found.find_all("link", rel="canonical")] == [address]
    assert card["og:url"] == address
    assert card["og:title"]
    assert len(card["og:description"]) >= 40
    assert (html / card["og:image"].removeprefix(BASE)).is_file()
    assert found.find("meta", attrs={"name": "robots"}) is None


@pytest.mark.site
@pytest.mark.parametrize("shown_at", ["gone.html", "book/gone.html", "book/api/gone/for/ever.html"])
def test_every_link_of_the_page_for_lost_readers_leads_somewhere_from_any_depth(html, shown_at):
    page = BeautifulSoup((html / "404.html").read_text(encoding="utf-8"), "html.parser")
    here = urljoin(BASE, shown_at)
    asked = [
        tag.get("href") or tag.get("src") or tag.get("action")
        for tag in page.select("[href], [src], [action]")
    ]
    for address in {urljoin(here, each) for each in asked}:
        target, fragment = urldefrag(address)
        if target == here:
            assert page.find(id=unquote(fragment)), address
        elif target.startswith(BASE):
            file = html / target.removeprefix(BASE).split("?")[0]
            assert file.is_file(), address
            if fragment:
                goal = BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")
                assert goal.find(id=unquote(fragment)), address
    assert any(each.startswith("#") for each in asked), "the way past the list of pages"


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
