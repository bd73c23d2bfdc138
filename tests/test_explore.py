"""ep.explore on the page: every frame drawn, errors raised, ids unique, two axes."""

import json
import re
from functools import partial
from xml.etree import ElementTree

import numpy as np
import pytest
from explore_cases import line

from epbook import Axis, explore
from epbook.page import COLOURS, INK, PAPER, subplots, use_style
from epbook.page.svg import inline, to_svg
from epbook.progress import WATCHERS


@pytest.fixture(autouse=True)
def _style(monkeypatch):
    use_style()
    for name in WATCHERS:
        monkeypatch.delenv(name, raising=False)


def parse(html):
    """The <svg> of the page's html as an element tree, without its namespace."""
    text = re.search(r"<svg.*</svg>", html, re.DOTALL).group()
    return ElementTree.fromstring(text.replace(' xmlns="http://www.w3.org/2000/svg"', ""))


def test_every_value_is_drawn_once_and_with_its_own_number():
    drawn = []

    def draw(alpha):
        drawn.append(alpha)
        return line(alpha)

    shown = explore(draw, alt="a line", alpha=np.linspace(-1, 2, 7))
    assert drawn == np.linspace(-1, 2, 7).tolist()
    assert all(type(value) is float for value in drawn)
    frames = parse(shown._repr_html_()).findall("g")
    assert len(frames) == 7
    assert len({ElementTree.tostring(frame) for frame in frames}) == 7


@pytest.mark.parametrize("bad", [0, 3, 6])
def test_an_error_at_any_value_is_an_error_of_the_call(bad):
    def draw(k):
        if k == bad:
            raise ZeroDivisionError(f"no figure at {k}")
        return line(k)

    with pytest.raises(ZeroDivisionError, match=f"no figure at {bad}"):
        explore(draw, alt="a line", k=range(7))


def test_an_error_while_the_figure_is_rendered_is_one_too():
    def draw(k):
        figure = line(1.0)
        figure.axes[0].set_title("$\\frac{$" if k == 2 else "fine")
        return figure

    with pytest.raises(ValueError, match="frac"):
        explore(draw, alt="a line", k=[1, 2, 3])


def test_two_axes_are_a_product_with_the_last_one_fastest():
    drawn = []

    def draw(slope, height):
        drawn.append((slope, height))
        return line(slope, height=height)

    shown = explore(draw, alt="a line", slope=Axis([0.0, 1.0], start=1.0), height=Axis([1, 2, 3], start=2))
    assert drawn == [(s, h) for s in (0.0, 1.0) for h in (1, 2, 3)]
    html = shown._repr_html_()
    visible = [index for index, frame in enumerate(parse(html).findall("g")) if not frame.get("display")]
    assert visible == [4]
    assert html.count('type="range"') == 2


def test_ids_are_unique_and_every_reference_has_its_target():
    pages = [explore(line, slope=[0.0, 1.0])._repr_html_() for _ in range(2)]
    ids = [i for page in pages for i in re.findall(r'\bid="([^"]+)"', page)]
    assert len(ids) == len(set(ids))
    for page in pages:
        wanted = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)|for="([^"]+)"', page))
        assert {next(filter(None, groups)) for groups in wanted} <= set(re.findall(r'\bid="([^"]+)"', page))


def test_frames_share_what_is_equal_and_still_show_what_a_single_frame_shows():
    values = np.linspace(-2, 2, 21)
    single = inline([to_svg(line(0.0))], prefix="a", alt="a")
    together = parse(explore(line, slope=values)._repr_html_())
    assert len(ElementTree.tostring(together)) < 5 * len(single)
    library = {each.get("id"): each for each in together.find("defs")}

    def paths(element):
        for each in element:
            if each.tag == "use":
                yield from paths([library[each.get("href")[1:]]])
            else:
                if each.tag == "path":
                    yield each.get("d")
                yield from paths(each)

    for value, frame in zip(values, together.findall("g"), strict=True):
        alone = parse(explore(line, slope=[value, 9.0])._repr_html_())
        library.update({each.get("id"): each for each in alone.find("defs")})
        assert list(paths(frame)) == list(paths(alone.find("g")))


def test_colours_follow_the_page():
    html = explore(line, slope=[0.0, 1.0])._repr_html_()
    svg = ElementTree.tostring(parse(html), "unicode")
    assert f"var(--ep-{COLOURS['blue'][1:]},{COLOURS['blue']})" in svg
    assert "currentColor" in svg
    assert f"var(--ep-paper,{PAPER})" in svg
    assert INK not in svg


def test_a_level_that_is_nowhere_leaves_no_path_without_a_way():
    figure, axes = subplots()
    axes.contour(np.array([[0.0, 1.0], [1.0, 2.0]]), levels=[0.5, 5.0])
    drawn = to_svg(figure)
    assert re.search(r'<path (?![^>]*\bd=")', drawn), "matplotlib draws one"
    assert not re.search(r'<path (?![^>]*\bd=")', inline([drawn], prefix="a", alt="Levels"))


def test_the_control_says_the_value_and_has_a_name():
    html = explore(line, slope=Axis([-1.0, 0.0, 0.5], label="α", format="{:+.1f}", start=0.1))._repr_html_()
    assert re.search(
        r'<label for="([^"]+)">α</label>\s*<span[^>]*>\+0\.0</span>\s*<input id="\1"[^>]*value="1"', html
    )
    assert 'aria-valuetext="+0.0"' in html
    texts = re.search(r'data-texts="([^"]+)"', html).group(1).replace("&quot;", '"')
    assert json.loads(texts) == ["−1.0", "+0.0", "+0.5"]


def test_alternative_texts():
    told = explore(line, alt=lambda slope: f"slope <{slope}>", slope=[0.0, 1.0])
    assert told.alts == ["slope <0.0>", "slope <1.0>"]
    assert parse(told._repr_html_()).get("aria-label") == "slope <0.0>"
    assert explore(partial(line, height=2.0), slope=[0.0, 1.0]).alts == [
        f"A straight line, at slope = {value}." for value in ("0.00", "1.00")
    ]
    with pytest.raises(ValueError, match="alt"):
        explore(lambda slope: line(slope), slope=[0.0, 1.0])


@pytest.mark.parametrize(
    ("values", "error", "names"),
    [
        ([1.0], ValueError, r"\(1.0,\)"),
        ([1.0, 1.0], ValueError, r"\(1.0, 1.0\)"),
        ([2, 1], ValueError, r"\(2, 1\)"),
        ([0.0, float("nan")], ValueError, "nan"),
        (["a", "a"], ValueError, "'a', 'a'"),
        (["a", 1], TypeError, "'a', 1"),
        ([[1, 2], [3, 4]], TypeError, "3, 4"),
    ],
)
def test_bad_values_are_named(values, error, names):
    with pytest.raises(error, match=names):
        explore(line, slope=values)


def test_other_bad_input():
    with pytest.raises(ValueError, match=r"outside the values 0\.0 to 1\.0"):
        Axis([0.0, 1.0], start=1.5)
    with pytest.raises(ValueError, match="got 0"):
        explore(line)
    with pytest.raises(ValueError, match="'a', 'b', 'c'"):
        explore(line, a=[1, 2], b=[1, 2], c=[1, 2])
    with pytest.raises(TypeError, match="NoneType"):
        explore(lambda slope: None, alt="nothing", slope=[0, 1])
    with pytest.raises(ValueError, match="one size"):
        explore(lambda k: subplots(figsize=(k, 1))[0], alt="boxes", k=[1, 2])


def test_the_page_is_the_same_in_every_process_but_for_the_serial_number():
    first, second = (explore(line, slope=[0.0, 1.0]) for _ in range(2))
    assert first.frames == second.frames
    serial = re.compile(r"(ep-[0-9a-f]{8})-\d+")
    assert serial.sub(r"\1", first._repr_html_()) == serial.sub(r"\1", second._repr_html_())


def test_heavy_artists_become_pixels():
    def cloud(k):
        """A cloud."""
        figure, axes = subplots(figsize=(2, 2))
        axes.scatter(*np.random.default_rng(k).normal(size=(2, 20_000)), s=1)
        return figure

    html = explore(cloud, k=[1, 2])._repr_html_()
    assert html.count("<image") == 2
    assert len(html) < 200_000


def test_an_error_names_the_values():
    with pytest.raises(ZeroDivisionError) as caught:
        explore(lambda k: line(1 / k), alt="a line", k=[-1, 0, 1])
    assert "{'k': 0}" in caught.value.__notes__[0]


def test_a_colour_map_keeps_its_colours():
    figure, axes = subplots()
    axes.contourf(
        np.arange(9.0).reshape(3, 3), colors=["#000000", "#888888", PAPER], levels=[0, 2, 4, 8], alpha=0.5
    )
    axes.plot([0, 2], [0, 2], color=PAPER)
    text = inline([to_svg(figure)], prefix="a", alt="levels")
    assert "fill: #ffffff" in text
    assert text.count("fill: #000000") == 1
    assert f"stroke:var(--ep-paper,{PAPER})" in text
