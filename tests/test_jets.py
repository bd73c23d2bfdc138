"""σ, σ' and σ'' in NumPy, against mpmath's fifty digits and against the facts of the activation."""

import mpmath
import numpy as np
import pytest
import torch
from torch import nn

from epbook.activations import activation_of
from epbook.critical.jets import jet_of

tanh, exp, exactly = (np.vectorize(f, otypes=[object]) for f in (mpmath.tanh, mpmath.exp, mpmath.mpf))


def tanh_jet(z):
    t = tanh(z)
    return t, 1 - t * t, -2 * t * (1 - t * t)


def sigmoid_jet(z):
    s = 1 / (1 + exp(-z))
    return s, s * (1 - s), s * (1 - s) * (1 - 2 * s)


@pytest.mark.parametrize(("activation", "exact"), [(nn.Tanh, tanh_jet), (nn.Sigmoid, sigmoid_jet)])
def test_jets_hold_their_precision(activation, exact):
    """σ to a few roundings of itself, in the far left tail too; σ' and σ'' to a few roundings of 1."""
    z = np.array([-690.0, -40.3, -9.7, -1.3, -1e-9, 0.0, 0.4, 2.6, 17.0, 35.0])
    with mpmath.workdps(50):
        found, expected = jet_of(activation())(z), exact(exactly(z))
        errors = [np.abs(exactly(ours) - theirs) for ours, theirs in zip(found, expected, strict=True)]
        eps = 8 * float(np.finfo(float).eps)
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
