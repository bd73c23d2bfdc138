"""Sphinx extension: the bibliography labels its entries as the pages cite them, "Zhang et al., 2021".

Use it as `:style: author_year`; the entries are sorted by these labels' names, as in the style "plain".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

from pybtex.database import Entry, Person
from pybtex.plugin import register_plugin
from pybtex.richtext import Text
from pybtex.style.formatting.plain import Style as Plain
from pybtex.style.labels import BaseLabelStyle
from pybtex.style.sorting import BaseSortingStyle
from sphinx.application import Sphinx


class AuthorYear(BaseLabelStyle):
    """Labels of last names and year: one name, two with "and", more with "et al."."""

    def format_labels(self, sorted_entries: Iterable[Entry]) -> Iterator[str]:
        """One label for each entry, in order."""
        for entry in sorted_entries:
            names = [_last_name(person) for person in entry.persons["author"]]
            written = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
            yield f"{written}, {entry.fields['year']}"


def _last_name(person: Person) -> str:
    return str(Text(" ").join([*person.rich_prelast_names, *person.rich_last_names]))


def _place(entry: Entry) -> tuple[str, ...]:
    """Where an entry stands: by the names without their marks and capitals, so that Ş stands with S."""
    names = " ".join(map(_last_name, entry.persons["author"]))
    plain = unicodedata.normalize("NFKD", names).encode("ascii", "ignore").decode().casefold()
    return plain or names, entry.fields["year"], entry.fields["title"]


class ByName(BaseSortingStyle):
    """Entries in the order in which a reader looks for their labels; names in other letters come last."""

    def sort(self, entries: Iterable[Entry]) -> list[Entry]:
        """The entries in order."""
        return sorted(entries, key=_place)


class Style(Plain):
    """The style "plain" with those labels."""

    default_label_style = "author_year"
    default_sorting_style = "by_name"


def setup(app: Sphinx) -> dict[str, bool]:
    """Make the style known to pybtex, under the name `author_year`."""
    register_plugin("pybtex.style.labels", "author_year", AuthorYear)
    register_plugin("pybtex.style.sorting", "by_name", ByName)
    register_plugin("pybtex.style.formatting", "author_year", Style)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
