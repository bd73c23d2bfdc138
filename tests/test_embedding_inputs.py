"""Any number type and device goes through every embedding; what would lose the output is refused."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_embedding_plans import CALLS
from torch import nn

import epbook as ep
from epbook.embedding import Plan, Scale, Split

DEEP = [(2, 2, nn.Tanh()), (3, 2, nn.Tanh()), (1, 3, None)]


def deep(dtype=torch.float64, device="cpu"):
    draw = torch.Generator().manual_seed(5)

    def normal(*shape):
        return torch.randn(*shape, generator=draw, dtype=torch.float64).to(device, dtype)

    return ep.sequential([(normal(out, into), normal(out), act) for out, into, act in DEEP])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("name", CALLS)
def test_every_embedding_keeps_number_type_and_output(name, dtype):
    net, x = deep(dtype), torch.linspace(-2, 2, 18, dtype=torch.float64).view(9, 2)
    wide = getattr(ep.embedding, name)(net, **CALLS[name])
    assert {p.dtype for p in wide.parameters()} == {dtype}
    before, after = net.double()(x), wide.double()(x)
    assert (after - before).abs().max() <= 30 * torch.finfo(dtype).eps


@pytest.mark.parametrize("name", CALLS)
def test_every_embedding_takes_a_network_without_numbers(name):
    wide = getattr(ep.embedding, name)(deep(device="meta"), **CALLS[name])
    assert {p.device.type for p in wide.parameters()} == {"meta"}
    real = getattr(ep.embedding, name)(deep(), **CALLS[name])
    assert [p.shape for p in wide.parameters()] == [p.shape for p in real.parameters()]


def test_what_needs_numbers_says_so():
    net = ep.two_layer(1, 2).to("meta")
    x = torch.zeros(9, 1, device="meta")
    for call in (
        lambda: ep.embedding.critical_directions(net, ep.plan.split(net)),
        lambda: ep.embedding.nearest_embedded(net, net),
        lambda: ep.split_law(net, x, x),
        lambda: ep.split_inertia(net, x, x),
        lambda: ep.critical.critical_targets(net, x),
        lambda: ep.critical.flat_volume(net, x, x),
    ):
        with pytest.raises(ValueError, match="meta device"):
            call()


@pytest.mark.parametrize("width", [5, 5.0, np.int64(5), [5], (np.int64(5),), torch.tensor([5])])
def test_a_width_is_any_whole_number(width):
    assert ep.embed(ep.two_layer(1, 2), width)[0].out_features == 5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda n: ep.embedding.permute(n, [True, False]), "order must be a whole number.* got True"),
        (lambda n: ep.embedding.permute(n, [0, -1]), "got -1"),
        (lambda n: ep.split(n, alpha=1e17), "lose the output in rounding"),
        (lambda n: ep.split(n, fractions=[1e9, -1e9, 1]), "lose the output in rounding"),
        (lambda n: ep.split(n.float(), alpha=1e4), "lose the output in rounding.* torch.float32"),
        (lambda n: ep.embed(n, 3, fractions=[[1e17]]), "lose the output in rounding"),
        (lambda n: ep.split(n, alpha=True), "alpha must be a finite number, got True"),
        (lambda n: ep.split(n, fractions=0.5), "sequence of numbers, got 0.5"),
        (lambda n: ep.embedding.scale(n, 1e-320), "not be zero, nor so small"),
        (lambda n: ep.embedding.scale(n.half(), 1e6), "beyond the range of torch.float16"),
        (lambda n: ep.embed(n, 5.5), "widths must be a whole number"),
        (lambda n: ep.embed(n, True), "widths must be a whole number"),
        (lambda n: ep.embed(n, 5, seed=-1), "seed"),
        (lambda n: ep.embedding.random_compatible(n, 5, spread=float("nan")), "spread must be a finite"),
        (lambda n: ep.embedding.compatible(n, [[0, 1]], [[[1], ["a"]], [[1, 1]]]), r"alphas\[0\] must be"),
        (lambda n: ep.embedding.compatible(n, [[0, 1]], [[1, 1], [[1, 1]]]), r"alphas\[0\] must be"),
        (lambda n: ep.embedding.compatible(n, [[0, 1]], [[[1], [1j]], [[1, 1]]]), r"alphas\[0\] must be"),
        (lambda n: ep.embedding.compatible(n, [[0.5, 1]], [[[1], [1]], [[1, 1]]]), "maps must be a whole"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(ep.two_layer(1, 2, std=1.0))


def test_large_coefficients_do_not_hide_a_sum_that_is_missed():
    net = ep.two_layer(1, 2, activation=nn.Tanh, std=1.0)
    for row, message in (
        ([1e9, 1 - 1e9, 0.5], "neuron 0 over the copies of neuron 1 sum to 0.5, must be 1"),
        ([1e6, 0.75 - 1e6, 1], "neuron 0 over the copies of neuron 0 sum to 0.75, must be 1"),
        ([1e9, 1 - 1e9, 1], "lose the output in rounding"),
    ):
        with pytest.raises(ValueError, match=message):
            ep.embedding.compatible(net, [[0, 0, 1]], [np.ones((3, 1)), [row]])


@settings(max_examples=300, deadline=None)
@given(size=st.floats(0, 7.5), sign=st.sampled_from([-1, 1]), seed=st.integers(0, 1000))
def test_half_of_the_digits_survive_every_share_that_is_taken(size, sign, seed):
    net = ep.two_layer(1, 2, activation=nn.Tanh, std=1.0, seed=seed)
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    wide = ep.split(net, alpha=sign * 10**size)
    terms = (net[2].weight.abs() * torch.tanh(net[0](x)).abs()).max()
    assert (wide(x) - net(x)).abs().max() <= 4 * torch.finfo(torch.float64).eps ** 0.5 * terms


def test_a_scale_within_the_numbers_keeps_the_output():
    net, x = ep.two_layer(1, 2, std=1.0, seed=1), torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    for factor in (1e-150, 1e-3, 1e150):
        assert (ep.embedding.scale(net, factor)(x) - net(x)).abs().max() < 1e-14


def test_steps_refuse_what_no_network_could_take():
    for bad in (
        lambda: Split(0, 0.5, (0.5, 0.5)),
        lambda: Split(-1, 0, (0.5, 0.5)),
        lambda: Scale(0, 0, "a"),
    ):
        with pytest.raises(ValueError, match="must be"):
            bad()
    assert Plan((Split(0.0, 1.0, (1, 0)),))(ep.two_layer(1, 2))[0].out_features == 3
