"""The bound of a reduction holds, whatever the signs, the units and the number type, rounding included."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from epbook.activations import KNOWN, activation_of
from epbook.embedding import add_null, scale, split
from epbook.given import layers
from epbook.networks import Layer, sequential, two_layer
from epbook.reduction import reduce
from epbook.reduction.bound import computed

MODES = ["random", "mean", "least-squares"]
BOUNDED = [*(kind() for kind in KNOWN), nn.LeakyReLU(0.1), nn.LeakyReLU(-2.0), nn.ELU(), nn.ELU(3.0)]
BOUNDED += [nn.CELU(2.0), nn.ReLU6(), nn.Hardtanh(-2.0, 3.0), nn.Softplus(beta=3.0)]


def normal(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("module", BOUNDED, ids=repr)
def test_a_lipschitz_constant_is_the_steepest_slope(module):
    """GELU and SiLU are steeper than 1. Too small a constant breaks the bound, too large a one wastes it."""
    facts = activation_of(module)
    steepest = facts.first(torch.linspace(-12, 12, 24_001, dtype=torch.float64) + 1e-5).abs().max().item()
    assert 0.999 * facts.lipschitz <= steepest <= facts.lipschitz


def assert_bounded(net, x, **options):
    small, report = reduce(net, x, **options)
    assert report.change <= report.bound
    assert report.bound < math.inf
    # The same layer by layer, where data say nothing.
    for layer in range(len(layers(net)) - 1):
        alone, single = reduce(net, x, layers=layer, **options)
        [entry] = single.layers
        far = 30 * normal(50, layers(net)[layer].inputs, seed=3)
        length = (
            torch.hypot(far.norm(dim=1), torch.ones(1))
            if layers(net)[layer].bias is not None
            else far.norm(dim=1)
        )
        (before, first), (after, second) = (pair(one, layer, far) for one in (net, alone))
        off = (first + second).norm(dim=1)
        assert ((after - before).norm(dim=1) <= entry.offset + entry.slope * length + off).all()
    return small, report


def pair(net, layer, x):
    """What the layer behind `layer` receives, and the rounding in it."""
    this, following = layers(net)[layer : layer + 2]
    return computed([this, following._replace(activation=None)], x)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    activation=st.sampled_from([nn.Identity, nn.Tanh, nn.ReLU, nn.Sigmoid, nn.GELU, nn.Softplus]),
    similarity=st.sampled_from([0.02, 0.2, 0.35, 0.5, 0.9]),
    mode=st.sampled_from(MODES),
    low=st.sampled_from([0.0, 0.3]),
    bias=st.booleans(),
)
def test_the_bound_holds_whatever_is_merged(seed, activation, similarity, mode, low, bias):
    """Low thresholds merge neurons whose signs contradict each other: u, v and −w can be similar in pairs."""
    rows = normal(9, 3, seed=seed)
    rows[4] = -rows[0] + 0.1 * rows[4]
    rows[5] = 0.0 if bias else rows[5]
    inner = (rows[:, :2], rows[:, 2] if bias else None, activation())
    between = (normal(6, 9, seed=seed + 1) / 3, normal(6, seed=seed + 2) if bias else None, activation())
    net = sequential([inner, between, (normal(2, 6, seed=seed + 3), None, None)])
    x = normal(30, 2, seed=seed + 4)
    assert_bounded(net, x, similarity=similarity, mode=mode, low_amplitude=low)


@pytest.mark.parametrize("activation", [nn.Identity, nn.Tanh])
def test_three_lines_whose_signs_contradict_each_other(activation):
    """Each pair of lines is closer than 70°, but no choice of signs brings all three vectors together."""
    angles = [math.radians(v) for v in (0, 66.5, -65.9)]
    rows = torch.tensor([[math.cos(v), math.sin(v)] for v in angles], dtype=torch.float64)
    out = torch.tensor([[1e-6, -0.004, 2.302]], dtype=torch.float64)
    net = sequential([(rows, None, activation()), (out, None, None)])
    x = 0.3 * normal(2000, 2, seed=0)
    report = reduce(net, x, similarity=0.35, low_amplitude=0.0)[1]
    assert report.widths_after == (1,)
    assert 0 < report.change <= report.bound


class Sigmoid(nn.Module):
    """A reader's own, eight times as steep as PyTorch's."""

    def forward(self, z):
        return torch.sigmoid(8 * z)


def test_a_class_of_the_readers_own_has_no_bound_whatever_it_is_called():
    rows = normal(4, 2, seed=1).repeat(3, 1) + 0.02 * normal(12, 2, seed=2)
    nets = [
        sequential([(rows, None, module), (normal(1, 12, seed=3), None, None)])
        for module in (Sigmoid(), nn.Sigmoid())
    ]
    own, known = (reduce(net, normal(50, 2, seed=4))[1] for net in nets)
    assert own.bound is None
    assert own.change > 0
    assert known.change <= known.bound


@pytest.mark.parametrize("number", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Softplus])
def test_rounding_is_part_of_the_bound(number, activation):
    """Undoing a split changes nothing but the last digits; the bound has them too, in every number type."""
    for seed in range(12):
        wide = split(
            two_layer(2, 5, outputs=2, activation=activation, std=1.0, seed=seed), neuron=1, alpha=0.3
        )
        wide = split(wide, neuron=3, alpha=-1.7).to(number)
        small, report = reduce(wide, normal(40, 2, seed=seed), similarity=1.0, low_amplitude=0.0)
        assert report.widths_after == (5,)
        assert small[0].weight.dtype == number
        assert report.change <= report.bound
        assert report.bound < (4000 if number is torch.float64 else 100) * torch.finfo(number).eps


def test_the_rounding_of_what_is_not_reduced_is_in_the_bound_too():
    """Both outputs are near 10⁶, where each is rounded by up to 10⁻¹⁰, in the order of its own sum."""
    for seed in range(4):
        net = two_layer(2, 5, std=1.0, output_bias=True, seed=seed)
        net[2].bias.data.fill_(1e6)
        report = reduce(split(net, neuron=1, alpha=0.3), normal(200, 2, seed=seed), similarity=1.0)[1]
        assert report.change <= report.bound
        assert 1e6 * 2.0**-53 < report.bound < 1e-7


@pytest.mark.parametrize("number", [torch.float16, torch.bfloat16])
def test_a_constant_that_is_rounded_into_the_next_bias_is_in_the_bound(number):
    """Nothing else is merged here, so the bound is what the rounding of the bias adds."""
    for seed in range(6):
        net = two_layer(1, 2, activation=nn.Sigmoid, std=1.0, output_bias=True, seed=seed).to(number)
        wide = add_null(net, bias=0.7)
        wide[2].weight.data[:, 2] = 0.3
        report = reduce(wide, normal(10, 1, seed=seed), similarity=1.0, low_amplitude=0.0)[1]
        assert report.layers[0].groups.constant == (2,)
        assert 0 < report.change <= report.bound < 2 * torch.finfo(number).eps


@pytest.mark.parametrize("number", [torch.float64, torch.float32, torch.float16])
def test_the_report_speaks_of_the_network_that_is_returned(number):
    net = two_layer(2, 12, outputs=2, std=1.0, seed=2).to(number)
    x = normal(30, 2, seed=5)
    small, report = reduce(net, x, x, similarity=0.6, mode="least-squares")
    with torch.no_grad():
        before, after = net.double()(x), small.double()(x)
    assert report.change == pytest.approx((after - before).norm(dim=1).max().item(), rel=1e-12)
    assert report.loss_after == pytest.approx(nn.functional.mse_loss(after, x).item(), rel=1e-12)
    assert report.change <= report.bound


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.Tanh(), nn.Softplus(), nn.LeakyReLU(0.1)])
def test_the_rounding_of_a_forward_pass_is_bounded(activation):
    """Against exact fractions and 50-digit functions; sums that cancel are where rounding shows."""
    exact = {
        nn.ReLU: lambda z: max(z, Fraction(0)),
        nn.LeakyReLU: lambda z: z if z > 0 else Fraction(0.1) * z,
        nn.Tanh: lambda z: mpmath.tanh(mpmath.mpf(z.numerator) / z.denominator),
        nn.Softplus: lambda z: mpmath.log1p(mpmath.exp(mpmath.mpf(z.numerator) / z.denominator)),
    }[type(activation)]
    weight, bias = normal(4, 60, seed=1), normal(4, seed=2)
    x = normal(20, 60, seed=3)
    x[:, 30:] = x[:, :30] * (1 + 1e-13)
    weight[:, 30:] = -weight[:, :30]
    x *= torch.logspace(-3, 3, 20, dtype=torch.float64)[:, None]
    value, error = computed([Layer(weight, bias, activation)], x)
    with mpmath.workdps(50):
        for sample, neuron in itertools.product(range(20), range(4)):
            products = zip(weight[neuron].tolist(), x[sample].tolist(), strict=True)
            z = sum(Fraction(w) * Fraction(v) for w, v in products) + Fraction(bias[neuron].item())
            true = exact(z)
            true = mpmath.mpf(true.numerator) / true.denominator if isinstance(true, Fraction) else true
            assert abs(value[sample, neuron].item() - true) <= error[sample, neuron].item()
    # Not by being huge: within a hundred times what n products of this size can lose.
    assert (error <= 100 * 64 * 2.0**-53 * (1 + x.abs() @ weight.abs().T + bias.abs())).all()


def test_an_error_of_the_layer_before_is_passed_on():
    weight = torch.tensor([[3.0]], dtype=torch.float64)
    once = Layer(torch.full((1, 10), 0.1, dtype=torch.float64), None, None)
    [[first]] = computed([once], torch.ones(1, 10, dtype=torch.float64))[1].tolist()
    [[second]] = computed([once, Layer(weight, None, None)], torch.ones(1, 10, dtype=torch.float64))[
        1
    ].tolist()
    assert second >= 3 * first


@pytest.mark.parametrize(("inner", "outer"), [(1e-200, 1e200), (1e200, 1e-200), (1e-150, 1.0), (1.0, 1e250)])
def test_units_do_not_matter(inner, outer):
    net = scale(split(two_layer(2, 8, outputs=2, std=1.0, seed=3), neuron=1, alpha=0.4), 3.0, neuron=8)
    other = sequential(
        [(net[0].weight * inner, net[0].bias * inner, nn.ReLU()), (net[2].weight * outer, None, None)]
    )
    x = normal(30, 2, seed=1)
    for mode, similarity in itertools.product(MODES, (1.0, 0.8, 0.5)):
        (_, one), (_, two) = (reduce(each, x, similarity=similarity, mode=mode) for each in (net, other))
        assert two.layers[0].groups.members == one.layers[0].groups.members
        assert two.change <= two.bound
        if similarity < 1:  # there the bound is that of rounding, and both say so
            assert two.bound == pytest.approx(one.bound * (inner * outer))
        assert two.layers[0].dropped_amplitude == pytest.approx(one.layers[0].dropped_amplitude)


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_data_of_any_unit_have_a_bound(unit):
    inner, outer = 1e30 / unit * normal(6, 2, seed=1), 1e-30 * normal(1, 6, seed=2)
    net = sequential([(inner, None, nn.ReLU()), (outer, None, None)])
    report = reduce(net, unit * normal(20, 2, seed=3), similarity=0.5)[1]
    assert 0.01 < report.change <= report.bound < 100


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
def test_what_leaves_the_numbers_is_refused_in_words(activation):
    net = sequential(
        [(1e200 * normal(3, 2, seed=1), None, activation()), (1e200 * normal(1, 3, seed=2), None, None)]
    )
    with pytest.raises(ValueError, match="neuron 0 of layer 0 has an amplitude beyond the largest float64"):
        reduce(net)
    net = sequential([(normal(3, 2, seed=1), None, nn.ReLU()), (1e300 * normal(1, 3, seed=2), None, None)])
    with pytest.raises(ValueError, match=r"the output for x\[0\] is beyond the largest float64"):
        reduce(net, 1e100 * normal(1, 2, seed=3).abs().repeat(4, 1))


def test_a_merged_weight_that_the_number_type_cannot_hold_is_refused():
    rows = torch.tensor([[1.0], [1.0]], dtype=torch.float16)
    net = sequential([(rows, None, nn.ReLU()), (torch.full((1, 2), 6e4, dtype=torch.float16), None, None)])
    with pytest.raises(ValueError, match=r"1.2e\+05, too large for torch.float16"):
        reduce(net)
