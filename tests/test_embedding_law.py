"""The split law as code: any number type, σ and units; what counts as zero; data that do not fit."""

import numpy as np
import pytest
import torch
from embedding_cases import SMOOTH, at_critical_point, random_net
from torch import nn
from torch.nn.functional import cross_entropy, huber_loss, mse_loss

import epbook as ep
from epbook.embedding import critical_directions


def all_laws(net, x, y, **options):
    """(rank, signs added by a split) of every hidden neuron."""
    found = []
    for layer, here in enumerate(ep.layers(net)[:-1]):
        for neuron in range(here.width):
            law = ep.split_law(net, x, y, layer=layer, neuron=neuron, **options)
            found.append((law.rank, tuple(law.added((0.7, 0.3)))))
    return found


def test_float32_counts_as_its_float64_copy():
    rng = np.random.default_rng(0)
    for case in range(15):
        net = random_net(rng, 2 + case % 2, 1 + case % 2, SMOOTH[case % 5]).float()
        x = torch.from_numpy(rng.normal(size=(9, 1)).astype("float32")).repeat(1, net[0].in_features)
        y = torch.from_numpy(rng.normal(size=(9, net[-1].out_features)).astype("float32"))
        double = net.double()
        expected = all_laws(double, x.double(), y.double())
        assert all_laws(net.float(), x, y) == expected
        assert all_laws(net, x.double(), y) == expected  # one of each kind
        law = ep.split_law(net, x, y)
        assert (law.S.dtype, law.M.dtype) == (torch.float64, torch.float64)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_counts_as_its_float64_copy(dtype):
    x, y = (part.to(dtype) for part in ep.data.tanh_teacher(9))
    for seed in range(4):
        net = ep.two_layer(1, 3, activation=nn.Tanh, std=1.0, seed=seed).to(dtype)
        found = all_laws(net, x, y)
        assert found == all_laws(net.double(), x.double(), y.double())


def test_float32_has_the_directions_of_its_float64_copy():
    rng = np.random.default_rng(1)
    for case in range(8):
        net = random_net(rng, 3, 1, nn.Tanh).float()
        plan = ep.plan.random_compatible(net, [layer.width + 2 for layer in ep.layers(net)[:-1]], seed=case)
        tangent = critical_directions(net, plan)
        assert tangent.dtype == torch.float64
        assert tangent.shape == critical_directions(net.double(), plan).shape
        eye = torch.eye(tangent.shape[1], dtype=torch.float64)
        torch.testing.assert_close(tangent.T @ tangent, eye, rtol=0, atol=1e-12)


def test_directions_do_not_depend_on_units():
    net = ep.two_layer(1, 2, activation=nn.Tanh, std=1.0, output_bias=True, seed=3)
    for factor in (1e-12, 1.0, 1e12):
        first, _, last = (part for part in net)
        scaled = ep.sequential(
            [(first.weight, first.bias, nn.Tanh()), (last.weight * factor, last.bias * factor, None)]
        )
        plan = ep.plan.split(scaled) + ep.plan.Plan((ep.plan.Null(0, 0.4),))
        assert critical_directions(scaled, plan).shape[1] == 2


@pytest.mark.parametrize("activation", [nn.SiLU, nn.ReLU, nn.LeakyReLU, nn.ELU])
def test_an_activation_in_place_is_read_out_of_place(activation):
    x, y = ep.data.tanh_teacher()
    nets = [ep.two_layer(1, 3, activation=activation(inplace=inplace), std=1.0) for inplace in (True, False)]
    (one, other) = (ep.split_law(net, x, y) for net in nets)
    assert one == other
    assert nets[0][1].inplace


def test_units_of_data_do_not_change_the_counts():
    rng = np.random.default_rng(3)
    for case in range(12):
        net = random_net(rng, 2, 1 + case % 2, SMOOTH[case % 5])
        x, y = at_critical_point(net, rng)
        expected = all_laws(net, x, y)
        first, last = ep.layers(net)
        for small, large in ((1e-5, 1e4), (1e5, 1e-6)):
            bias = None if last.bias is None else last.bias * large
            moved = ep.sequential(
                [first._replace(weight=first.weight / small), (last.weight * large, bias, None)]
            )
            assert all_laws(moved, x * small, y * large) == expected
            assert all_laws(net, x, y, loss=lambda f, y, large=large: large * mse_loss(f, y)) == expected


def test_a_coupling_of_zero_is_zero_however_far_the_data_lie_from_the_origin():
    # At a critical point with one output, Mᵀc is the gradient of the incoming weights: M = 0 exactly. The
    # same point with its inputs moved by an offset rounds more, and its zeros are zeros all the same.
    rng, checked = np.random.default_rng(4), 0
    for case in range(40):
        net = random_net(rng, 2, 1, SMOOTH[case % 5])
        first, last = ep.layers(net)
        if first.bias is None:
            continue
        x, y = at_critical_point(net, rng)
        for offset in (0.0, 10.0, 1e2, 1e3, 1e4):
            moved = first._replace(bias=first.bias - offset * first.weight.sum(dim=1))
            for neuron in range(first.width):
                law = ep.split_law(ep.sequential([moved, last]), x + offset, y, neuron=neuron)
                assert law.rank == 0
                checked += 1
    assert checked > 150


def test_what_the_hessian_calls_zero_the_law_calls_zero():
    # σ''(v s) s² of one number s in (0, 1) is nearly in the span of what a critical residual misses:
    # S is of the size of rounding, far below what eigenvalues can show. Where it comes out just above what
    # the law calls zero, the law is no more decided than eigenvalues of that size are.
    decided = 0
    for case in range(40):
        draw = torch.Generator().manual_seed(case)
        w, v, c, b, x = (
            torch.randn(*shape, generator=draw, dtype=torch.float64)
            for shape in ((1, 2), (3, 1), (1, 3), (1,), (60, 2))
        )
        net = ep.sequential([(w, None, nn.Sigmoid()), (v, None, nn.Sigmoid()), (c, b, None)])
        y = ep.critical.critical_targets(net, x, seed=case)
        before = ep.inertia(ep.hessian(net, x, y))
        for neuron in range(3):
            after = ep.inertia(ep.hessian(ep.split(net, layer=1, neuron=neuron, alpha=-0.9), x, y))
            added = ep.split_inertia(net, x, y, layer=1, neuron=neuron, alpha=-0.9)
            clear = added.smallest_nonzero >= 1e3 * added.tolerance  # the gap that `inertia` asks for
            if before.decided and after.decided and clear:
                decided += 1
                assert tuple(np.subtract(after, before)) == tuple(added)
    assert decided >= 3


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_a_saturated_neuron_adds_no_signs_of_rounding(offset):
    # 1 − tanh² is known to ε of 1: at z ≈ 8 to 8 digits (M = 0 still, at a critical point), at 18 to none.
    for seed in range(6):
        draw = torch.Generator().manual_seed(seed)
        w, c = (torch.randn(2, generator=draw, dtype=torch.float64) for _ in range(2))
        x = torch.randn(14, 1, generator=draw, dtype=torch.float64)
        for bias in (8.0, -12.0, 18.0):
            b = torch.tensor([bias, 0.3], dtype=torch.float64)
            net = ep.sequential([(0.3 * w[:, None], b, nn.Tanh()), (c[None], None, None)])
            y = ep.critical.critical_targets(net, x, seed=seed)
            same = ep.sequential([(0.3 * w[:, None], b - 0.3 * w * offset, nn.Tanh()), (c[None], None, None)])
            law = ep.split_law(same, x + offset, y)
            assert law.rank == 0
            if bias == 18.0:
                assert tuple(law.added((0.7, 0.3))) == (0, 3, 0)


@pytest.mark.parametrize("factor", [1.0, 1e8])
def test_no_error_no_signs_whatever_the_loss_is_measured_in(factor):
    for case in range(6):
        net = ep.two_layer(2, 3, activation=SMOOTH[case % 5], std=1.0, seed=case, outputs=2)
        x = torch.randn(40, 2, generator=torch.Generator().manual_seed(case), dtype=torch.float64)
        y = net(x + 1e-16).detach() * (1 + 1e-16) + 0.0  # the output up to rounding
        law = ep.split_law(net, x, y, loss=lambda f, y: factor * mse_loss(f, y))
        assert law.rank == 0
        assert tuple(law.added((0.7, 0.3))) == (0, 5, 0)


@pytest.mark.parametrize("call", [ep.split_law, ep.split_inertia, ep.critical.flat_volume])
@pytest.mark.parametrize("loss", [mse_loss, huber_loss, nn.MSELoss(reduction="sum")])
def test_targets_that_would_broadcast_are_refused(call, loss):
    x, y = ep.data.tanh_teacher()
    net = ep.two_layer(1, 2, activation=nn.Tanh, std=1.0)
    with pytest.raises(ValueError, match=r"Use y\[:, None\]"):
        call(net, x, y[:, 0], loss=loss)


def test_labels_are_targets_and_autograd_may_be_off_outside():
    net = ep.two_layer(1, 2, activation=nn.Tanh, std=1.0, outputs=3)
    x, labels = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None], torch.arange(9) % 3
    law = ep.split_law(net, x, labels, loss=cross_entropy)
    for off in (torch.no_grad, torch.inference_mode):
        with off():
            assert ep.split_law(net, x, labels, loss=cross_entropy) == law
            assert critical_directions(net, ep.plan.split(net)).shape[1] == 1
            ep.critical.critical_targets(net, x)
            ep.critical.flat_volume(net, x, labels, loss=cross_entropy, particles=40, deepest=0.1)


def test_a_loss_without_curvature_has_a_law():
    x, y = ep.data.tanh_teacher()
    law = ep.split_law(ep.two_layer(1, 2, activation=nn.Tanh, std=1.0), x, y, loss=nn.functional.l1_loss)
    assert law.rank == 1


def test_a_kink_is_refused_whatever_its_units():
    for unit in (1.0, 1e-12):
        x = torch.tensor([[0.0], [1.0]], dtype=torch.float64) * unit
        net = ep.sequential([(torch.ones(1, 1), None, nn.ReLU()), (torch.ones(1, 1), None, None)]).double()
        with pytest.raises(ValueError, match=r"kink of ReLU\(\)"):
            ep.split_law(net, x, x)
        assert ep.split_law(net, x[1:], x[1:] * 2).rank == 1


@pytest.mark.parametrize("bad", [{"alpha": 0.5, "fractions": [0.5, 0.5]}, {"alpha": float("inf")}])
def test_shares_are_read_as_by_split(bad):
    x, y = ep.data.tanh_teacher()
    net = ep.two_layer(1, 2, activation=nn.Tanh, std=1.0)
    messages = []
    for call in (lambda: ep.split(net, **bad), lambda: ep.split_inertia(net, x, y, **bad)):
        with pytest.raises(ValueError, match="alpha") as raised:
            call()
        messages.append(str(raised.value))
    assert messages[0] == messages[1]
