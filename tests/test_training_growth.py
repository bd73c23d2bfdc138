"""The tree of rests, the directions in which tiny neurons grow, the lines of a spectrum, ‖∇R‖₁."""

import numpy as np
import pytest
import torch

import epbook as ep
from epbook.training import escape_directions, growth_tree, spectral_lines
from epbook.training.directions import directions


@pytest.fixture(scope="module")
def data():
    return ep.data.relu_teacher()


@pytest.fixture(scope="module")
def rests(data):
    return growth_tree(*data, depth=3)


@pytest.mark.parametrize("seed", range(6))
def test_directions_are_all_local_extremes_of_the_correlation(seed):
    draw = np.random.default_rng(seed)
    x, residual = np.sort(draw.normal(size=9)), draw.normal(size=9)
    fine = np.linspace(-np.pi, np.pi, 400_001)
    values = -2 / 9 * np.maximum(np.outer(np.cos(fine), x) + np.sin(fine)[:, None], 0) @ residual
    inner = values[1:-1]
    for sign in (1, -1):
        top = (
            (sign * inner >= sign * values[:-2]) & (sign * inner > sign * values[2:]) & (sign * inner > 1e-9)
        )
        seen = fine[1:-1][top]
        found = np.sort([way.angle for way in directions(x, residual) if way.sign == sign])
        assert found == pytest.approx(seen, abs=1e-4)


def test_a_tiny_neuron_grows_at_the_rate_that_is_told(data):
    x, y = data

    def net(*neurons):
        W, b, a = torch.tensor(neurons, dtype=torch.float64).T
        return ep.sequential([(W[:, None], b, torch.nn.ReLU()), (a[None], None, None)])

    first = (1.0, 0.5, 1.0)
    for way in escape_directions(net(first), x, y):
        wide = net(first, (1e-9 * np.cos(way.angle), 1e-9 * np.sin(way.angle), way.sign * 1e-9))
        loss = torch.nn.functional.mse_loss(wide(x), y)
        *_, outgoing = torch.autograd.grad(loss, list(wide.parameters()))
        assert -outgoing[0, 1].item() == pytest.approx(way.sign * way.rate * 1e-9, rel=1e-6)


def test_directions_need_one_input_and_one_output(data):
    with pytest.raises(ValueError, match="one input and one output, got 2 and 1"):
        escape_directions(ep.two_layer(2, 3), torch.ones(4, 2), torch.ones(4, 1))


def test_every_rest_is_where_plain_descent_stands_still(rests, data):
    x, y = data
    for rest in rests[1:]:
        net = rest.network()
        loss = torch.nn.functional.mse_loss(net(x), y).item()
        assert loss == pytest.approx(rest.loss, rel=1e-3)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.05)
        for _ in range(100):
            optimiser.zero_grad()
            torch.nn.functional.mse_loss(net(x), y).backward()
            optimiser.step()
        assert torch.nn.functional.mse_loss(net(x), y).item() == pytest.approx(loss, rel=1e-4)


def test_the_tree_goes_down_one_neuron_at_a_time_and_lists_nothing_twice(rests):
    assert rests[0].parent is None
    for rest in rests[1:]:
        above = rests[rest.parent]
        assert rest.width == above.width + 1
        assert rest.loss < 0.99 * above.loss
        assert 0.5 - 1e-9 <= rest.share <= 1
    keys = {
        (rest.width, round(np.log10(rest.loss), 2), tuple(rest.neurons().round(1).ravel())) for rest in rests
    }
    assert len(keys) == len(rests)


def test_the_tree_meets_the_first_lines_and_the_known_minima(rests, data):
    found = np.log10([rest.loss for rest in rests])
    for minimum in ep.critical.relu_minima(*data, pieces=1):
        if minimum.width == 1 and minimum.loss < 0.03:
            assert abs(found - np.log10(minimum.loss)).min() < 1e-4
    for line in (-0.4297, -1.5633, -1.5846, -2.2650, -3.1597, -3.1609, -3.8642):
        assert abs(found - line).min() < 2e-3


def test_only_the_fastest_make_a_smaller_tree(rests, data):
    fastest = growth_tree(*data, depth=3, share=1.0)
    assert len(fastest) < len(rests)
    assert all(rest.share > 1 - 1e-6 for rest in fastest)
    with pytest.raises(ValueError, match="between 0 and 1, got 2"):
        growth_tree(*data, share=2)
    with pytest.raises(ValueError, match="no network"):
        rests[0].network()


def test_a_line_is_sharp_where_its_pauses_agree(data):
    runs = ep.train_many([1, 2, 4], 6, *data, steps=30_000, lr=0.05)
    lines = spectral_lines(runs)
    [line] = [line for line in lines if line.centre == -1.5625]
    assert line.sharp
    assert line.between_widths < 1e-3
    assert sum(map(len, line.pauses.values())) == len(line.values) >= 5
    assert all((line.values >= -1.575) & (line.values < -1.55))
    assert spectral_lines(runs, least=1000) == []


def test_gradient_l1_is_that_of_autograd_and_leaves_no_trace(data):
    x, y = data
    net = ep.two_layer(1, 5, std=0.5, seed=1)
    loss = torch.nn.functional.mse_loss(net(x), y)
    parts = torch.autograd.grad(loss, list(net.parameters()))
    assert ep.gradient_l1(net, x, y) == pytest.approx(sum(p.abs().sum().item() for p in parts), rel=1e-12)
    assert all(parameter.grad is None for parameter in net.parameters())
