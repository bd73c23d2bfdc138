"""What a page of the book says, in words and in formulas: read by the tests of words and of notation."""

import ast
import json
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
PAGES = [TOC["root"], *(entry["file"] for entry in TOC["chapters"])]
DECORATIONS = "hat|tilde|bar|dot|ddot|mathcal|mathbb|check|overline|widetilde|widehat"
GREEK = (
    "alpha|beta|gamma|delta|epsilon|varepsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|phi|"
    "varphi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Phi|Psi|Omega|ell"
)


def prose(name):
    """Markdown of a page and, of a notebook, its captions and alternative texts: the formulas are in it."""
    page = ROOT / f"{name}.ipynb"
    if not page.exists():
        return (ROOT / f"{name}.md").read_text(encoding="utf-8")
    cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
    parts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    for cell in cells:
        shown = cell["metadata"].get("mystnb", {})
        parts.append(shown.get("figure", {}).get("caption", ""))
        parts.append(shown.get("image", {}).get("alt", ""))
    return "\n\n".join(parts)


def strings(name):
    """The strings in the cells of a notebook: claims, labels, alternative texts of sliders."""
    page = ROOT / f"{name}.ipynb"
    if not page.exists():
        return []
    cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
    trees = (ast.parse("".join(cell["source"])) for cell in cells if cell["cell_type"] == "code")
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return [node.value for node in nodes if isinstance(node.value, str)]


def formulas(text):
    """Every formula of a page in TeX, code left out."""
    text = re.sub(r"^(```|:::)\{?code.*?^\1|^```python.*?^```|`[^`\n]*`", " ", text, flags=re.M | re.S)
    display = re.findall(r"\$\$(.*?)\$\$", text, re.S)
    inline = re.findall(r"\$([^$\n]+(?:\n[^$\n]+)?)\$", re.sub(r"\$\$.*?\$\$", " ", text, flags=re.S))
    return display + inline


def letters(tex):
    """The letters of a formula, each with its hat, tilde or alphabet: {'x', '\\\\tilde{w}', '\\\\alpha'}."""
    tex = re.sub(r"\\(begin|end)\{\w+\*?\}(\{\w+\})?", " ", tex)
    tex = re.sub(
        r"\\(text|mathrm|operatorname|mathsf|textbf|texttt|mathbf|label|tag)\*?\s*\{[^{}]*\}", " ", tex
    )
    tex = re.sub(r"\\(mathsf|mathrm)\s+\w", " ", tex)
    found = set()

    def decorated(match):
        kind = {"widetilde": "tilde", "widehat": "hat"}.get(match[1], match[1])
        found.add(rf"\{kind}{{{match[2]}}}")
        return " "

    tex = re.sub(rf"\\({DECORATIONS})\s*\{{?\s*(\\[a-zA-Z]+|[A-Za-z])\s*\}}?", decorated, tex)
    commands = re.findall(r"\\([a-zA-Z]+)", tex)
    found |= {f"\\{command}" for command in commands if re.fullmatch(GREEK, command)}
    return found | set(re.findall(r"[A-Za-z]", re.sub(r"\\[a-zA-Z]+", " ", tex)))
