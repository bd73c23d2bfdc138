"""What the built page needs: the style of figures, SVG that follows the theme, sliders, claims, glue."""

from epbook.extras import needs

with needs("figures"):
    from epbook.page.axis import Axis
    from epbook.page.cards import Card, Cards
    from epbook.page.claims import Claim, Claims
    from epbook.page.explore import Explorer, explore
    from epbook.page.glue import glue
    from epbook.page.numbers import decimal, decimals, scientific
    from epbook.page.style import (
        COLOURS,
        COPIES,
        HERE,
        INK,
        MUTED,
        ON_DARK,
        ON_LIGHT,
        PAPER,
        SERIES,
        SIGN_COLOURS,
        ink_on,
        subplots,
        use_style,
        width_colour,
    )

__all__ = [
    "COLOURS",
    "COPIES",
    "HERE",
    "INK",
    "MUTED",
    "ON_DARK",
    "ON_LIGHT",
    "PAPER",
    "SERIES",
    "SIGN_COLOURS",
    "Axis",
    "Card",
    "Cards",
    "Claim",
    "Claims",
    "Explorer",
    "decimal",
    "decimals",
    "explore",
    "glue",
    "ink_on",
    "scientific",
    "subplots",
    "use_style",
    "width_colour",
]
