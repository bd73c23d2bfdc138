"""σ, σ' and σ'' in NumPy's types, and what is computed with them, against mpmath's fifty digits."""

import mpmath
import numpy as np
import pytest
import torch
from torch import nn

import epbook as ep
from epbook.activations import activation_of
from epbook.critical.closed_form import TwoLayer
from epbook.critical.jets import has_extended, jet_of


def exactly(values):
    """NumPy's numbers as mpmath's, without rounding: a long double is the sum of two doubles."""
    high = np.asarray(values, dtype=np.float64)
    low = np.asarray(values - high, dtype=np.float64)
    mpf = np.vectorize(mpmath.mpf, otypes=[object])
    return mpf(high) + mpf(low)


tanh, exp = (np.vectorize(f, otypes=[object]) for f in (mpmath.tanh, mpmath.exp))


def tanh_jet(z):
    t = tanh(z)
    return t, 1 - t * t, -2 * t * (1 - t * t)


def sigmoid_jet(z):
    s = 1 / (1 + exp(-z))
    return s, s * (1 - s), s * (1 - s) * (1 - 2 * s)


@pytest.mark.parametrize(("activation", "exact"), [(nn.Tanh, tanh_jet), (nn.Sigmoid, sigmoid_jet)])
@pytest.mark.parametrize("kind", [np.float64, np.longdouble])
def test_jets_hold_their_precision(activation, exact, kind):
    """σ to a few roundings of itself, in the far left tail too; σ' and σ'' to a few roundings of 1."""
    assert has_extended(activation())
    z = np.array([-690.0, -40.3, -9.7, -1.3, -1e-9, 0.0, 0.4, 2.6, 17.0, 35.0], dtype=kind)
    with mpmath.workdps(50):
        found, expected = jet_of(activation())(z), exact(exactly(z))
        assert all(part.dtype == kind for part in found)
        errors = [np.abs(exactly(ours) - theirs) for ours, theirs in zip(found, expected, strict=True)]
        eps = 8 * float(np.finfo(kind).eps)
        assert (errors[0] <= eps * np.abs(expected[0])).all()
        assert max(errors[1].max(), errors[2].max()) <= eps


@pytest.mark.parametrize("activation", [nn.Tanh, nn.Sigmoid, nn.ReLU, nn.Softplus, nn.GELU, nn.SiLU])
def test_jets_agree_with_the_facts_of_the_activation(activation):
    z = np.concatenate([np.linspace(-30, 30, 241) + 1e-3, [-800.0, 800.0]])
    facts = activation_of(activation())
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        jet = jet_of(activation())(z)
    for found, function in zip(jet, (facts.value, facts.first, facts.second), strict=True):
        np.testing.assert_allclose(found, function(torch.from_numpy(z)).numpy(), rtol=1e-12, atol=1e-15)


def test_risk_and_gradient_in_the_precision_of_the_parameters():
    """What `polish` lives on: cancellation in ∇R leaves an error of the wider type, not of float64."""
    draw = torch.Generator().manual_seed(0)
    net = ep.two_layer(2, 3, outputs=2, activation=nn.Tanh, std=0.8, output_bias=True)
    x, y = torch.randn(2, 13, 2, generator=draw, dtype=torch.float64)
    kind = np.longdouble
    problem = TwoLayer(*ep.layers(net), x, y, nn.functional.mse_loss)
    theta = nn.utils.parameters_to_vector(net.parameters()).detach().numpy().astype(kind)
    theta *= 1 + kind(1) / 3 * np.finfo(np.float64).eps  # digits that float64 does not have
    value, gradient, H = problem.evaluate(theta)
    assert value.dtype == gradient.dtype == H.dtype == kind
    with mpmath.workdps(40):
        m, p = 3, 2
        t, X, Y = exactly(theta), exactly(x.numpy()), exactly(y.numpy())
        W, b, A, c = t[: 2 * m].reshape(m, 2), t[2 * m : 3 * m], t[3 * m : -p].reshape(p, m), t[-p:]
        h, h1, _ = tanh_jet(X @ W.T + b)
        r = h @ A.T + c - Y
        e = 2 * r / r.size
        s = (e @ A) * h1
        pieces = [(s.T @ X).ravel(), s.sum(axis=0), (e.T @ h).ravel(), e.sum(axis=0)]
        error = np.abs(exactly(gradient) - np.concatenate(pieces)).max()
        assert error < 20 * float(np.finfo(kind).eps)
        assert abs(exactly(value) - (r * r).sum() / r.size) < 20 * float(np.finfo(kind).eps)
