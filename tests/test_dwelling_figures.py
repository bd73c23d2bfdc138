"""Figures of wide runs against the atlas show what was computed: stays, shares, ways out, waits."""

import numpy as np
from matplotlib.colors import to_hex

from epbook.atlas import Leaving, Visit
from epbook.figures import dwelling
from epbook.page.style import SIGN_COLOURS

STEPS = np.array([10, 100, 1000, 10_000, 100_000])
VISIT = Visit(
    width=50,
    seed=0,
    steps=STEPS,
    losses=np.array([0.4, 0.399, 0.03, 0.0299, 0.001]),
    log_time=np.ones(5),
    pace=np.array([0, 0, 0.5, 0, 0]),
    apart=np.array([[0.01, 1.0], [0.01, 1.0], [1.0, 0.01], [1.0, 0.01], [1.0, 0.9]]),
    dwells=np.array([True, True, False, True, True]),
    stations=("0", "0∞"),
)


def infinite(name):
    return "∞" in name


def drawn(axes, colour):
    return [line.get_xdata() for line in axes.lines if to_hex(line.get_color()) == colour]


def test_stays_are_green_where_finite_and_violet_at_infinity_and_dotted_at_none():
    [axes] = dwelling.stays({"data": [VISIT]}, infinite).axes
    [green] = drawn(axes, dwelling.FINITE)
    [violet] = drawn(axes, dwelling.INFINITE)
    assert green.tolist() == [10, 100]
    assert violet.tolist() == [10_000]
    [dotted] = [line for line in axes.lines if line.get_linestyle() == ":"]
    assert np.isfinite(dotted.get_ydata()).tolist() == VISIT.dwells.tolist()
    assert {text.get_text().strip() for text in axes.texts} == {"0", "0∞"}


def test_shares_count_all_stations_and_the_finite_ones_alone():
    [axes] = dwelling.shares({"data": [VISIT]}, infinite).axes
    curves = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
    assert [line.get_ydata()[0] for line in curves.values()] == [0, 0]
    at_tenth = {name: np.interp(10, line.get_xdata(), line.get_ydata()) for name, line in curves.items()}
    assert at_tenth == {"with infinity": 0.75, "finite alone": 0.5}


def test_ways_out_show_the_measured_part_beside_chance():
    way = Leaving(np.array([-2.0, -1.0, 0.5, 1.0]), np.array([0.6, 0.3, 0.1, 0.0]), np.ones(1), np.ones(1))
    left, right = dwelling.ways_out({"0∞": [way]}).axes
    assert [line.get_xdata()[0] for line in left.lines] == [0.6 + 0.3, 0.5]
    assert to_hex(left.lines[0].get_color()) == SIGN_COLOURS["negative"]
    assert np.allclose(right.lines[0].get_ydata(), [0.6, 0.9, 1.0, 1.0])
    assert np.allclose(right.lines[1].get_ydata(), [0.25, 0.5, 0.75, 1.0])


def test_every_station_that_is_left_has_its_row():
    way = Leaving(np.array([-1.0, 1.0]), np.array([0.9, 0.1]), np.ones(1), np.ones(1))
    left, _ = dwelling.ways_out({str(number): [way] for number in range(7)}).axes
    rows = [line.get_ydata()[0] for line in left.lines if line.get_xdata()[0] == 0.9]
    assert rows == list(range(7))


def test_waits_fall_together_when_time_is_measured_in_the_unit_of_the_prediction():
    times = np.linspace(0, 100, 11)
    runs = [(50, times, np.exp(-times / 50), 0.1), (200, 2 * times, np.exp(-times / 50), 0.05)]
    figure = dwelling.waits(runs, level=1.0, rate=0.2)
    left, right = figure.axes
    first, second = (line.get_xdata() for line in left.lines[:2])
    assert not np.allclose(first, second)
    first, second = (line.get_xdata() for line in right.lines[:2])
    assert np.allclose(first, second)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["50", "200"]
