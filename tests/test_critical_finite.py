"""Critical points that are not isolated, or look as if at infinity: finite, their zeros explained."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import epbook as ep

LINE = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None]
# No symmetry, so that nothing vanishes by accident.
NOISE = torch.tensor([0.3, -1.1, 0.4, 0.9, -0.2, 1.7, -0.6, 0.1, 0.8], dtype=torch.float64)[:, None]


def net_of(W, b, A, activation):
    """Lists of numbers; A has a row for each output."""
    W, b, A = (torch.tensor(part, dtype=torch.float64) for part in (W, b, A))
    return ep.sequential([(W.reshape(len(b), -1), b, activation()), (A, None, None)])


def root(function, low, high):
    """Where a function of one number changes sign."""
    assert function(low) * function(high) < 0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) * function(low) > 0 else (low, middle)
    return middle


def off_curve(w, activation, x, y):
    """b with Σ y_i σ(w x_i + b) = 0: there a neuron with output weight 0 is critical where f = 0."""
    return root(lambda b: float((y * activation()(w * x + b)).sum()), -3.0, 3.0)


def test_an_absent_neuron_is_critical_on_a_curve():
    """a = 0 and Σ y σ = 0, at small weights: it was called diverging."""
    y = NOISE - 0.15
    b = off_curve(-2.0, nn.Sigmoid, LINE, y)
    point = ep.find_critical(net_of([-2.0], [b], [[1e-7]], nn.Sigmoid), LINE, y)
    assert (point.status, point.inertia) == ("finite", (1, 1, 1))
    assert "symmetries explain" in point.reason


def test_an_absent_neuron_is_free_where_the_fit_is_perfect():
    point = ep.find_critical(net_of([0.7], [0.2], [[0.0]], nn.Tanh), LINE, torch.zeros(9, 1).double())
    assert (point.status, point.inertia) == ("finite", (0, 2, 1))


@pytest.mark.parametrize(
    ("activation", "z"), [(nn.SiLU, -1.2784645427610737), (nn.GELU, -0.7517916243894656)]
)
def test_a_neuron_at_the_minimum_of_its_activation_is_not_saturated(activation, z):
    """σ' = 0 on all samples, but σ'' is not: w = 0 and b = z are pinned."""
    net = net_of([1e-4], [z + 1e-4], [[-2.0]], activation)
    point = ep.find_critical(net, LINE, NOISE**2)
    assert (point.status, point.inertia.zero) == ("finite", 0)


def test_a_constant_neuron_exchanges_bias_and_output_weight():
    """w = 0: only a σ(b) counts, so there is one flat direction."""
    net = net_of([0.0], [0.3], [[1.0]], nn.Sigmoid)
    point = ep.find_critical(net, LINE, torch.full((9, 1), 0.6).double())
    assert (point.status, point.inertia) == ("finite", (0, 1, 2))


def test_more_parameters_than_data_fit_perfectly_on_a_set():
    start = net_of([1.0, -2.0, 1.5], [0.5, 0.3, -0.6], [[0.2, -0.4, 0.6]], nn.Tanh)
    x = LINE[::4]
    point = ep.find_critical(start, x, start(x).detach() + 0.01 * NOISE[:3])
    assert (point.status, point.inertia) == ("finite", (0, 6, 3))
    assert "the fit is perfect" in point.reason
    assert point.loss < 1e-28


def test_softmax_does_not_see_a_shift_of_all_logits():
    """a = 0: probabilities are equal; the shift of both logits by a neuron is flat, and so is its curve."""
    labels = torch.tensor([0, 1, 0, 1, 1, 0, 1, 0])
    x = torch.linspace(-1, 1, 8, dtype=torch.float64)[:, None]
    signs = (1.0 - 2.0 * labels)[:, None].double()
    b = off_curve(3.0, nn.Tanh, x, signs)
    point = ep.find_critical(net_of([3.0], [b], [[1e-8], [-1e-8]], nn.Tanh), x, labels, loss=cross_entropy)
    assert point.status == "finite"
    assert point.inertia == (1, 2, 1)


def test_a_dead_relu_net_is_flat_everywhere_and_says_why():
    net = net_of([1.0, -1.0], [-3.0, -2.0], [[1.0, 2.0]], nn.ReLU)
    point = ep.find_critical(net, LINE, NOISE)
    assert (point.status, point.inertia) == ("finite", (0, 6, 0))
    assert "symmetries explain" in point.reason
    assert "invertible" not in point.reason


def test_relu_neurons_with_one_pattern_act_together():
    """Both are on for all samples: they fit one line, so 4 of 6 directions are flat."""
    net = net_of([1.0, 0.5], [3.0, 2.0], [[0.3, -0.4]], nn.ReLU)
    point = ep.find_critical(net, LINE, NOISE)
    assert (point.status, point.inertia) == ("finite", (0, 4, 2))


def test_an_elu_neuron_that_is_straight_on_the_data_scales_like_relu():
    point = ep.find_critical(net_of([1.0], [3.0], [[0.3]], nn.ELU), LINE, 2 + NOISE)
    assert (point.status, point.inertia) == ("finite", (0, 1, 2))


def test_where_symmetries_explain_nothing_the_finder_does_not_pretend():
    """a tanh(wx) on data with Σ x y = 0 and Σ x³ y ≠ 0: θ = 0 is critical, of higher order, H = 0."""
    x = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]], dtype=torch.float64)
    y = torch.tensor([[1.0], [-2.0], [2.0], [-1.0]], dtype=torch.float64)
    net = ep.sequential(
        [(torch.zeros(1, 1).double(), None, nn.Tanh()), (torch.zeros(1, 1).double(), None, None)]
    )
    point = ep.find_critical(net, x, y)
    assert (point.status, point.signs) == ("not converged", None)
    assert "no curvature, and no symmetry explains it" in point.reason


def test_a_curvature_below_what_rounding_of_the_gradient_hides_proves_nothing():
    """w³/6 + λw²/2 has a minimum at 0 and a maximum at −2λ: for small λ float64 cannot tell them apart."""
    net = ep.sequential([(torch.zeros(1, 1, dtype=torch.float64), None, None)])
    # Two samples for one weight, so that it cannot be called a perfect fit.
    one, zero = torch.ones(2, 1, dtype=torch.float64), torch.zeros(2, 1, dtype=torch.float64)
    for curvature, status in ((1e-2, "finite"), (1e-10, "not converged")):
        point = ep.find_critical(
            net, one, zero, loss=lambda f, y, c=curvature: (f**3 / 6 + c * f**2 / 2).sum()
        )
        assert point.status == status
