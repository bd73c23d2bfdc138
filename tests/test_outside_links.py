"""`make links` finds what is gone, believes what is there, and looks DOIs up where they are registered."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml
from sphinx.application import Sphinx

from web import outside_links

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]
FOUND = {"/page": b'<p id="here">text</p>', "/register/10.1000/182": b"{}"}


class Site(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in FOUND else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(FOUND.get(self.path, b""))

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


@pytest.fixture
def host():
    with HTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def check(tmp_path, host, monkeypatch):
    """A page with these links, as `make links` sees it: (its exit status, the status of each link)."""
    monkeypatch.setattr(outside_links, "REGISTER", f"{host}/register/")

    def check(*links):
        (tmp_path / "index.rst").write_text(
            "Links\n=====\n\n" + "\n\n".join(f"`x <{uri}>`__" for uri in links)
        )
        out = tmp_path / "out"
        settings = {name: value for name, value in CONFIG.items() if name.startswith("linkcheck_")}
        settings["extensions"] = ["web.outside_links"]
        app = Sphinx(
            tmp_path, None, out, tmp_path / "trees", "linkcheck", settings, status=None, warning=None
        )
        app.build()
        told = map(json.loads, (out / "output.json").read_text().splitlines())
        return app.statuscode, {each["uri"].removeprefix(host): each["status"] for each in told}

    return check


def test_a_page_and_a_place_in_it_that_exist_are_believed(check, host):
    assert check(f"{host}/page", f"{host}/page#here") == (0, {"/page": "working", "/page#here": "working"})


@pytest.mark.parametrize("link", ["/gone", "/page#nowhere"])
def test_what_is_gone_fails(check, host, link):
    assert check(host + link) == (1, {link: "broken"})


def test_links_around_the_text_and_in_the_papers_are_asked_too(check, host, tmp_path):
    """Each once: not those of the text, which Sphinx gathers, nor of the site itself, which are files."""
    (tmp_path / "html" / "book").mkdir(parents=True)
    page = f"""<a href="{host}/page?title=a&body=b">issue</a><a href="{host}/page?title=c">issue</a>
        <article><a href="{host}/in-the-text">x</a></article><a href="https://example.invalid/own.html">own</a>
        <footer><a href="{host}/gone">source</a><a href="a.html">a</a></footer>"""
    (tmp_path / "html" / "book" / "a.html").write_text(page, encoding="utf-8")
    (tmp_path / "CITATION.cff").write_text(f"url: {host}/paper\ndoi: see {host}/page.\n", encoding="utf-8")
    assert check() == (1, {"/page": "working", "/gone": "broken", "/paper": "broken"})


@pytest.mark.parametrize(("doi", "status"), [("10.1000/182", "working"), ("10.1000/none", "broken")])
def test_a_doi_is_looked_up_in_its_register(check, doi, status):
    assert check(f"https://doi.org/{doi}") == (int(status == "broken"), {f"/register/{doi}": status})
