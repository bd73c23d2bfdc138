"""The list of local minima of ReLU nets on a line: each is one, none is missing, whatever the units."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from relu_cases import brute_force
from scipy.optimize import linprog
from torch import nn

import epbook as ep
from epbook.critical.neuron_count import solvable
from tools.campaign.relu import campaign

SMALL = ep.data.relu_teacher(8)


def column(*values):
    return torch.tensor(values, dtype=torch.float64)[:, None]


def listed(x, y, pieces, **options):
    return [(m.loss, m.width) for m in ep.critical.relu_minima(x, y, pieces=pieces, **options)]


def on_a_sample(minimum):
    return any(neuron.low == neuron.high for neuron in minimum.neurons)


def test_each_is_a_minimum_of_a_net_with_that_loss_and_width():
    x, y = SMALL
    kinds = set()
    for minimum in ep.critical.relu_minima(x, y, pieces=3):
        net = minimum.network(x, y)
        loss = nn.functional.mse_loss(net(x), y)
        assert loss.item() == pytest.approx(minimum.loss, rel=1e-9, abs=1e-15)
        assert net[0].out_features == minimum.width
        kinds.add((on_a_sample(minimum), minimum.width > 3))
        if minimum.width == 0:
            continue
        if on_a_sample(minimum):
            theta = nn.utils.parameters_to_vector(net.parameters()).detach()
            moves = torch.from_numpy(np.random.default_rng(0).normal(size=(100, len(theta))))
            for move in moves:
                nn.utils.vector_to_parameters(theta + 1e-6 * move, net.parameters())
                assert nn.functional.mse_loss(net(x), y) > minimum.loss - 1e-13
        else:
            gradient = torch.autograd.grad(loss, list(net.parameters()))
            size = max(piece.abs().max().item() for piece in net.parameters())
            assert max(piece.abs().max().item() for piece in gradient) < 1e-12 * size
            assert ep.inertia(ep.hessian(net, x, y), tolerance=1e-9 * size**2, gap=1).negative == 0
    assert {(False, False), (True, False), (False, True)} <= kinds


@pytest.mark.parametrize(
    ("seed", "points", "pieces", "on_samples"),
    [(0, 4, 2, True), (1, 5, 2, True), (2, 4, 3, False), (3, 5, 3, False)],
)
def test_the_list_is_that_of_brute_force(seed, points, pieces, on_samples):
    rng = np.random.default_rng(seed)
    x, y = np.sort(rng.uniform(-1, 1, points)), rng.normal(size=points)
    found = listed(column(*x), column(*y), pieces, on_samples=on_samples)
    expected = brute_force(x, y, pieces, on_samples=on_samples)
    found = sorted((loss, width) for loss, width in found if width <= pieces)
    assert len(expected) > points
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_ends_of_training_are_listed_in_all_units():
    report = campaign(40, seed=2)
    assert report.missing == []
    assert report.minima >= 35


# Each of these has gradient zero, and was not listed, or with too large a width.
LOST = {
    "on at one sample only": (column(-0.7, -0.4, -0.2, 0.9, 1), column(-0.5, 0.6, 0.4, 0.3, 0), 0.122, 1),
    "sets that differ by one sample": (column(-1, -0.6, -0.2, 0.2, 0.6, 1), None, 0.29 / 3, 2),
}


@pytest.mark.parametrize("case", LOST)
def test_minima_that_were_lost(case):
    x, y, loss, width = LOST[case]
    y = x.abs() - 0.3 if y is None else y
    for pieces in (width, width + 1):
        assert min(m for near, m in listed(x, y, pieces) if abs(near - loss) < 1e-9) == width


def test_two_outputs_with_much_in_common_are_two():
    found = np.array([loss for loss, width in listed(*ep.data.relu_teacher(), 3) if width == 3])
    assert all(abs(found - loss).min() < 1e-12 for loss in (0.000136710196544, 0.000690726817043))


UNITS = {
    "x small": (1e-5, 0.0, 1.0),
    "x tiny": (1e-200, 0.0, 1.0),
    "x far away": (1.0, 1000.0, 1.0),
    "x mirrored": (-3.0, 7.0, 1.0),
    "y tiny": (1.0, 0.0, 1e-10),
    "y large": (1.0, 0.0, 1e6),
    "y turned": (1.0, 0.0, -1.0),
}


# Nine samples in pairs and alone, the pairs nearly as close as is allowed.
DRAW = np.random.default_rng(28)
PLACES = DRAW.uniform(size=6)
CLOSE = column(*np.sort(np.append(PLACES, PLACES[:3] + 2e-5))), column(*DRAW.normal(size=9))


@pytest.mark.parametrize(("x", "y", "pieces"), [(*SMALL, 4), (*CLOSE, 3)], ids=["even", "close"])
@pytest.mark.parametrize("units", UNITS)
def test_units_do_not_matter(units, x, y, pieces):
    scale, shift, size = UNITS[units]
    order = torch.argsort(scale * x[:, 0])
    there = ep.critical.relu_minima((scale * x + shift)[order], size * y[order], pieces=pieces)
    here = ep.critical.relu_minima(x, y, pieces=pieces)
    assert len(here) == len(there) > 300
    assert sorted(m.width for m in here) == sorted(m.width for m in there)
    losses = np.array([m.loss for m in there]) / size**2
    # Outputs that agree to nine digits are one minimum, with the loss of either.
    np.testing.assert_allclose(losses, [m.loss for m in here], rtol=0, atol=1e-8)


def test_number_types_do_not_matter():
    x, y = (data.float() for data in SMALL)
    assert listed(x, y, 2) == listed(x.double().requires_grad_(), y.double(), np.int64(2))
    assert listed(x.numpy(), y.numpy(), 2.0) == listed(x, y, 2)


def test_more_pieces_add_minima_and_change_none():
    lists = {pieces: listed(*SMALL, pieces) for pieces in (1, 2, 3)}
    for fewer in (1, 2):
        known = sorted(found for found in lists[fewer] if found[1] <= fewer)
        again = sorted(found for found in lists[fewer + 1] if found[1] <= fewer)
        np.testing.assert_allclose(known, again, rtol=1e-12)


def test_a_perfect_fit_has_loss_zero_and_no_target_needs_no_neuron():
    x = column(-1, -0.5, 0.1, 0.4, 1)
    fit = torch.relu(x - 0.2) - 2 * torch.relu(-0.3 - x)
    best = ep.critical.relu_minima(x, fit, pieces=3)[-1]
    assert (best.loss, best.width) == (0.0, 2)
    assert listed(x, 0 * x, 3) == [(0.0, 0)]


def test_more_pieces_than_there_are_add_nothing():
    x, y = ep.data.relu_teacher(3)
    assert listed(x, y, 7) == listed(x, y, 8) == listed(x, y, 1000)


def test_the_bar_comes_to_its_end_in_any_portions(monkeypatch):
    bars = []

    class Bar:
        def __init__(self, label, total):
            self.done, self.total = 0, total
            bars.append(self)

        def update(self, steps):
            self.done += steps

        __enter__, __exit__ = (lambda self: self), (lambda self, *_: None)

    module = sys.modules["epbook.critical.relu_minima"]
    monkeypatch.setattr(module, "progress", Bar)
    whole = listed(*SMALL, 2)
    monkeypatch.setattr(module, "_PORTION", 7)
    assert listed(*SMALL, 2) == whole
    assert [bar.done for bar in bars] == [bar.total for bar in bars] == [27 + 27 * 26 // 2] * 2


INTERRUPTED = """
import os, signal, threading, time
import epbook as ep
x, y = ep.data.relu_teacher(40)
ep.critical.relu_minima(x, y, pieces=1)
sent = []
def send():
    sent.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)
threading.Timer(0.5, send).start()
try:
    ep.critical.relu_minima(x, y, pieces=7)
except KeyboardInterrupt:
    print("interrupted", time.monotonic() - sent[0])
"""


def test_control_c_is_heard():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    word, seconds = done.stdout.split()
    assert word == "interrupted"
    assert float(seconds) < 2


@pytest.mark.parametrize("pieces", [0, -1, True, 2.5, "2", None, float("nan")])
def test_bad_pieces_are_named(pieces):
    with pytest.raises(ValueError, match=f"pieces must be a whole number of at least 1, got {pieces!r}"):
        ep.critical.relu_minima(*SMALL, pieces=pieces)


BROKEN = SMALL[1].clone()
BROKEN[2] = torch.nan


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (SMALL[0].flip(0), SMALL[1], r"ascending.* x\[0\] is 1.0, x\[1\] is 0.71"),
        (column(0, 1, 1), column(1, 2, 3), r"x\[1\] is 1.0, x\[2\] is 1.0"),
        (SMALL[0][:, 0], SMALL[1], r"x must have shape \(points, dimensions\)"),
        (SMALL[0], SMALL[1][:5], r"one shape .* got \(8, 1\) and \(5, 1\)"),
        (SMALL[0][:2], SMALL[1][:2], "n ≥ 3"),
        (SMALL[0], BROKEN, r"y\[2, 0\] is nan"),
        (BROKEN, SMALL[1], r"x\[2, 0\] is nan"),
        (column(0, 0.5, 0.500001, 1), column(0, 1, 2, 3), r"apart.* x\[1\] is 0.5, x\[2\] is 0.500001"),
    ],
)
def test_bad_data_are_named(x, y, message):
    with pytest.raises(ValueError, match=message):
        ep.critical.relu_minima(x, y, pieces=1)


def test_a_minimum_of_other_data_is_refused():
    x, y = SMALL
    single = next(m for m in ep.critical.relu_minima(x, y, pieces=1) if m.width == 1)
    with pytest.raises(ValueError, match="x and y of the minimum"):
        single.network(x, -y)


def test_inequalities_are_solved_as_a_linear_program_solves_them():
    rng = np.random.default_rng(0)
    verdicts = []
    for _ in range(300):
        variables, count = rng.integers(1, 4), rng.integers(1, 9)
        rows = rng.integers(-2, 3, size=(count, 1 + variables)).astype(float)
        best = linprog(  # the largest t ≤ 1 with all rows ≥ t
            np.append(np.zeros(variables), -1.0),
            A_ub=np.hstack([-rows[:, 1:], np.ones((count, 1))]),
            b_ub=rows[:, 0],
            bounds=[(None, None)] * variables + [(None, 1.0)],
        )
        verdicts.append(best.x[-1] > 1e-9)
        assert solvable(rows) == verdicts[-1]
    assert 50 < sum(verdicts) < 250
