"""Which shapes a docstring leaves unsaid: of the arrays that a function takes, and of what comes back.

The rule, read on the text before the example. Each array that a function takes is named, and from its name to
the end of the clause stands its shape, as in "x, y: (n, 1)", or whose word counts instead: "as in `hessian`",
where `hessian` says it of the same name, or "as `loss` takes it". Where an array comes back, a shape stands
outside of those clauses.
"""

import inspect
import re

ARRAYS = re.compile(r"Tensor|NDArray|ndarray|ArrayLike")
# (n, d) and (k,), of letters, numbers and a few words for sizes; "(network, report)" is no shape.
WORDS = "inputs|outputs|width|points|dimensions|rows|columns|neurons|classes|d_out"
SIZE = rf"(?:[a-zA-Zθ]|\d+|{WORDS})"
SIZES = rf"\d*{SIZE}\b(?: ?[·×+−-] ?\d*{SIZE}\b)*"
SHAPE = re.compile(rf"\({SIZES},(?: {SIZES}(?:, {SIZES})*| …)?\)|any shape|scalar|[Oo]ne number")
OTHER = re.compile(r"\bas (?:in |for )?`(?!loss\b)(?:ep\.)?([\w.]+)`|\bas (?:the loss takes|`loss` takes)")


def unsaid(function, known):
    """The arrays of a function of unknown shape by name, "return" for what comes back; `known`: by name."""
    text = (inspect.getdoc(function) or "").split(">>>")[0]
    missing, rest = [], text
    for name, parameter in inspect.signature(function).parameters.items():
        if not ARRAYS.search(str(parameter.annotation)):
            continue
        clauses = re.findall(rf"(?<![\w`'^_]){name}(?![\w`'(]).*?(?=[.;](?:\s|$)|\Z)", text, re.DOTALL)
        said = [clause for clause in clauses if _says(clause, name, known)]
        if not said:
            missing.append(name)
        for clause in said[:1]:
            rest = rest.replace(clause, "", 1)
    back = str(inspect.signature(function).return_annotation)
    return missing + ["return"] * bool(ARRAYS.search(back) and not SHAPE.search(rest))


def _says(clause, name, known):
    if SHAPE.search(clause):
        return True
    found = OTHER.search(clause)
    if not found or not found[1]:
        return bool(found)
    other = known.get(found[1].removeprefix("epbook.")) or known.get(found[1].split(".")[-1])
    if other is None or name not in inspect.signature(other).parameters:
        return False
    return name not in unsaid(other, {each: thing for each, thing in known.items() if thing is not other})
