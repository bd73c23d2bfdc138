"""Colours that can be read on both pages, each with one meaning."""

import colorsys
import itertools

import pytest
from matplotlib.colors import to_rgb

from epbook.page import COLOURS, COPIES, HERE, ON_DARK, ON_LIGHT, SERIES, SIGN_COLOURS, ink_on, width_colour
from epbook.page.style import DARK_PAGE, STEPS, on_dark

WIDTHS = [10 ** (4 * step / STEPS) for step in range(STEPS + 1)]
NOT_SIGNS = {*COPIES, *SERIES, HERE, *map(width_colour, WIDTHS)}


def luminance(colour):
    """Relative luminance as WCAG 2.2 has it."""
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return sum(part * c for part, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one) + 0.05, luminance(other) + 0.05))
    return high / low


@pytest.mark.parametrize("colour", sorted({*COLOURS.values(), *NOT_SIGNS}))
def test_every_colour_is_seen_on_both_pages(colour):
    assert contrast(colour, "white") >= 3
    assert contrast(on_dark(colour), DARK_PAGE) >= 5


def test_only_signs_are_blue_or_orange():
    """Hue and strength: brown and slate are weak, blue and orange are strong."""
    for sign in ("negative", "positive"):
        hue, strength = colorsys.rgb_to_hsv(*to_rgb(SIGN_COLOURS[sign]))[:2]
        assert strength > 0.9
        for colour in NOT_SIGNS:
            other, its = colorsys.rgb_to_hsv(*to_rgb(colour))[:2]
            assert min(abs(hue - other), 1 - abs(hue - other)) * 360 > 15 or its < 0.75, (sign, colour)


def test_wider_networks_are_brighter_and_narrow_ones_differ():
    light = [luminance(width_colour(width)) for width in WIDTHS]
    assert all(dark <= bright + 0.003 for dark, bright in itertools.pairwise(light))
    assert light[-1] > 5 * light[0]
    for one, other in itertools.combinations((1, 2, 3, 5, 50, 1000), 2):
        apart = sum(abs(a - b) for a, b in zip(*map(to_rgb, map(width_colour, (one, other))), strict=True))
        assert apart > 0.2, (one, other)


@pytest.mark.parametrize("ground", ["black", "white", "#440154", "#21918c", "#fde725", "#5ec962", "navy"])
def test_writing_on_a_painted_ground_is_read(ground):
    assert contrast(ink_on(ground), ground) >= 4.5
    assert ink_on(ground) in (ON_LIGHT, ON_DARK)
