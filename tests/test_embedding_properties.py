"""Every kind of embedding, on random nets of depth 2-4: output, gradient, gradient map."""

import numpy as np
import torch
from embedding_cases import (
    ACTIVATIONS,
    KINDS,
    at_critical_point,
    flat,
    gradient,
    jacobian,
    pushed,
    random_net,
    random_step,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from epbook.embedding import Plan, Split

EPS = torch.finfo(torch.float64).eps
CASES = settings(max_examples=1000, derandomize=True, deadline=None, database=None)
nets = {
    "seed": st.integers(0, 2**31),
    "depth": st.integers(2, 4),
    "outputs": st.integers(1, 3),
    "activation": st.sampled_from(ACTIVATIONS),
}
kinds = st.lists(st.sampled_from(KINDS), min_size=1, max_size=3)


@CASES
@given(kinds=kinds, **nets)
def test_an_embedding_keeps_output_and_criticality(seed, depth, outputs, activation, kinds):
    rng = np.random.default_rng(seed)
    net = random_net(rng, depth, outputs, activation)
    x, y = at_critical_point(net, rng)
    wide, applied = net, 0
    for kind in kinds:
        if (plan := random_step(kind, wide, rng)) is not None:
            wide, applied = plan(wide), applied + 1
    assume(applied)
    before, after = net(x).detach(), wide(x).detach()
    assert (after - before).abs().max() <= 1e-13 * before.abs().max()

    source = flat(gradient(net, x, y)).abs().sum()
    embedded = flat(gradient(wide, x, y)).abs().sum()
    # One ulp of every term of f = Σ a_j h_j + c and of e = 2(f − y)/N, carried to the gradient Jᵀe.
    terms = wide[-1].weight.abs() @ wide[:-1](x).abs().T
    e = 2 * ((after - y).abs() + terms.T.detach()) / y.numel()
    rounding = EPS * (jacobian(wide, x).abs().T @ e.flatten()).sum()
    assert embedded <= 10 * torch.maximum(source, rounding)


@CASES
@given(kind=st.sampled_from(KINDS), **nets)
def test_the_gradient_map_is_linear_and_knows_no_data(seed, depth, outputs, activation, kind):
    rng = np.random.default_rng(seed)
    net = random_net(rng, depth, outputs, activation)
    plan = random_step(kind, net, rng)
    assume(plan is not None)
    wide = plan(net)
    x = torch.from_numpy(rng.normal(size=(7, net[0].in_features)))
    y = torch.from_numpy(rng.normal(size=(7, outputs)))
    for loss in (nn.functional.mse_loss, nn.functional.smooth_l1_loss):
        expected, narrow = gradient(net, x, y, loss), net
        for step in plan:
            expected = pushed(step, narrow, expected)
            narrow = type(plan)((step,))(narrow)
        expected, found = flat(expected), flat(gradient(wide, x, y, loss))
        assert (found - expected).abs().max() <= 1e-12 * expected.abs().max().clamp(min=1e-3)


@settings(CASES, max_examples=300)
@given(alpha=st.floats(-3, 3), noise=st.floats(1e-9, 1e-2), **nets)
def test_one_split_raises_a_small_gradient_at_most_tenfold(seed, depth, outputs, activation, alpha, noise):
    rng = np.random.default_rng(seed)
    net = random_net(rng, depth, outputs, activation)
    x, y = at_critical_point(net, rng)
    y = y + noise * torch.from_numpy(rng.normal(size=y.shape))  # near the critical point, not at it
    plan = Plan((Split(depth - 2, 0, (1 - alpha, alpha)),))
    before = flat(gradient(net, x, y)).abs().sum()
    after = flat(gradient(plan(net), x, y)).abs().sum()
    assert after <= 10 * before
