"""What a survey counts: who met a station, what only a cut found, what is left out, what is still unseen."""

import dataclasses
import sys

import pytest

import epbook as ep

X, Y = ep.data.relu_teacher()


@pytest.fixture(scope="module")
def atlas():
    return ep.atlas.survey(X, Y, starts=[8, 8], at_infinity=[6])


def test_the_starts_that_met_a_station_add_up_to_its_hits_and_to_all_points(atlas):
    for station in atlas.stations:
        assert station.hits == sum(met.get(station.name, 0) for met in atlas.met.values())
    for kind, points in atlas.found.items():
        assert sum(atlas.met[kind].values()) >= sum(points.hits) > 0


def test_the_chance_of_a_new_station_is_that_of_good_and_turing(atlas):
    once = dataclasses.replace(atlas, met={(1, False): {"0": 7, "1a": 1}, (2, True): {"0∞": 3}})
    assert once.unseen(1) == 1 / 8
    assert once.unseen(2, linear=True) == 0
    with pytest.raises(ValueError, match="met a station"):
        once.unseen(2)


@pytest.fixture
def unsure(monkeypatch, atlas):
    """Surveys in which width 2 finds station 1a, split, so many times, and its cut is not vouched for."""
    module = sys.modules["epbook.atlas.survey"]
    point = ep.find_critical(ep.split(atlas["1a"].net, alpha=0.3), X, Y)
    assert point.status == "finite"

    def again(*args, **options):
        found = ep.find_critical(*args, **options)
        return dataclasses.replace(found, status="not converged", signs=None)

    def run(hits):
        split = ep.critical.CriticalPoints((point,), (hits,), {"finite": hits})
        none = ep.critical.CriticalPoints((), (), {})
        monkeypatch.setattr(module, "find_critical", again)
        monkeypatch.setattr(module, "find_critical_points", lambda w, *a, **k: split if w == 2 else none)
        return ep.atlas.survey(X, Y, starts=[1, 9], at_infinity=[])

    return run


def test_a_finite_point_that_is_not_isolated_is_listed_as_finite_where_two_starts_met_it(unsure, atlas):
    twice = unsure(2)
    assert [station.name for station in twice.stations] == ["0", "1a", "0∞"]
    assert (twice["1a"].linear, twice["1a"].inertia, twice["1a"].hits) == (False, None, 2)
    assert (twice["1a"].outputs - atlas["1a"].outputs).norm() < 1e-8
    assert (twice.late, twice.dropped) == (("1a",), ())


def test_a_point_that_is_vouched_for_and_not_listed_is_told(unsure, atlas):
    once = unsure(1)
    assert [station.name for station in once.stations] == ["0", "0∞"]
    [dropped] = once.dropped
    assert (dropped.width, dropped.linear, dropped.hits) == (1, False, 1)
    assert (dropped.outputs - atlas["1a"].outputs).norm() < 1e-8


def test_a_point_met_once_at_each_of_two_widths_counts_for_both_if_the_second_lists_it(monkeypatch, atlas):
    module = sys.modules["epbook.atlas.survey"]
    point = ep.find_critical(atlas["1a"].net, X, Y)
    unsure = dataclasses.replace(point, signs=None, status="not converged")
    found = {1: unsure, 2: point}
    monkeypatch.setattr(
        module,
        "find_critical_points",
        lambda w, *a, **k: ep.critical.CriticalPoints((found[w],), (1,), {"finite": 1}),
    )
    both = ep.atlas.survey(X, Y, starts=[1, 1], at_infinity=[])
    assert (both["1a"].hits, both.dropped) == (2, ())
    assert both.met == {(1, False): {"1a": 1}, (2, False): {"1a": 1}}


def test_what_cannot_be_cut_keeps_the_word_of_the_finder(monkeypatch):
    module = sys.modules["epbook.atlas.survey"]

    def refuse(*args, **options):
        raise AssertionError("searched again")

    monkeypatch.setattr(module, "find_critical", refuse)
    assert ep.atlas.survey(X, Y, starts=[10], at_infinity=[])["1a"].inertia == (0, 0, 3)


def test_a_survey_that_starts_wide_finds_the_narrow_stations_by_cutting(monkeypatch):
    module = sys.modules["epbook.atlas.survey"]

    search = module.find_critical_points
    monkeypatch.setattr(module, "find_critical_points", lambda w, *a, **k: search(2, *a, **k))
    atlas = ep.atlas.survey(X, Y, starts=[40, 1], at_infinity=[])
    assert atlas["1a"].width == 1


def test_late_names_what_only_a_wider_network_met(monkeypatch):
    module = sys.modules["epbook.atlas.survey"]

    search, narrow = module.find_critical_points, ep.critical.CriticalPoints((), (), {})
    monkeypatch.setattr(
        module, "find_critical_points", lambda w, *a, **k: narrow if w == 1 else search(w, *a, **k)
    )
    atlas = ep.atlas.survey(X, Y, starts=[1, 40], at_infinity=[])
    assert atlas.late == ("1a",)
