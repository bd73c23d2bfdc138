"""What the HTML standard asks of a page, where the tools that wrote it do otherwise.

`make validate` asks the Nu HTML checker about every page; these are its objections, each put right in the
text of the page. A notebook's output brings its style along, because it must look right in Jupyter too: only
the page of the book takes it out.
"""

from __future__ import annotations

import re

# Scripts and pictures may hold text that looks like a tag, and a picture a style that is its own.
BODY_STYLE = re.compile(r"(<script\b.*?</script>|<svg\b.*?</svg>)|<style\b[^>]*>(.*?)</style>\n?", re.DOTALL)
SUMMARY = re.compile(r"<summary\b.*?</summary>", re.DOTALL)
PARAGRAPH = re.compile(r"(</?)p\b")
TABLE = re.compile(r"<table\b[^>]*>")
CELL = re.compile(r"<t[hd]\b[^>]*>")
BORDER = re.compile(r' border="[^"]*"')
ALIGNED = re.compile(r' (v?)align="([a-z]+)"')
# Sphinx breaks a long signature by a list of descriptions that describe nothing.
PARAMETERS = re.compile(r"<dl>\n((?:<dd>.*?</dd>\n)+)</dl>")
# The body of a theorem or an exercise, whose heading stands outside of it.
CONTENT = re.compile(
    r'<section\b([^>]*\bid="(?:exercise|solution|proof)-content[^>]*)>(.*?)</section>', re.DOTALL
)


def valid(page: str) -> str:
    """The page as the standard allows it; a page that is so already is returned as it is."""
    page = SUMMARY.sub(_summary, page)
    page = TABLE.sub(lambda tag: BORDER.sub("", tag.group()), page)
    page = CELL.sub(lambda tag: ALIGNED.sub(_align, tag.group()), page)
    page = PARAMETERS.sub(_parameters, page)
    page = CONTENT.sub(r"<div\1>\2</div>", page)
    page = page.replace(' role="main"', "", 1).replace("<h1></h1>", "", 1)
    return _styles_in_head(page)


def _summary(match: re.Match[str]) -> str:
    """Paragraphs become spans; and what one reads on it is its name, no other."""
    return PARAGRAPH.sub(r"\1span", match.group()).replace(' aria-label="Toggle hidden content"', "")


def _align(match: re.Match[str]) -> str:
    return f' style="{"vertical-align" if match[1] else "text-align"}: {match[2]}"'


def _parameters(match: re.Match[str]) -> str:
    lines = match[1].replace("<dd>", "<div>").replace("</dd>", "</div>")
    return f'<div class="ep-parameters">\n{lines}</div>'


def _styles_in_head(page: str) -> str:
    """Styles of outputs stand at the end of the head, each once, where the last of its copies came."""
    head, end, body = page.partition("</head>")
    found: dict[str, None] = {}

    def take(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        if style := match[2].strip():
            found.pop(style, None)
            found[style] = None
        return ""

    body = BODY_STYLE.sub(take, body)
    return head + "".join(f"<style>{style}</style>\n" for style in found) + end + body
