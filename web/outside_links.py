"""Sphinx extension: how `make links` asks whether a link to another place still leads somewhere.

A DOI is looked up in the register that resolves it. Most publishers turn away whoever is not a browser, so
that following a DOI to its end would call every good one broken.
"""

from __future__ import annotations

from sphinx.application import Sphinx

DOI = "https://doi.org/"
REGISTER = f"{DOI}api/handles/"  # answers 200 for a DOI that exists, and 404 for one that does not


def address_to_ask(app: Sphinx, uri: str) -> str | None:
    """The register's address of a DOI; None, which leaves the link as it is, for any other."""
    return REGISTER + uri.removeprefix(DOI) if uri.startswith(DOI) else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Join the build; builders other than linkcheck never ask."""
    app.connect("linkcheck-process-uri", address_to_ask)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
