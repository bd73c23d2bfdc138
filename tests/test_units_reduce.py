"""Reduction of units of any kind: the converse of a split, and the refit behind a cut."""

import pytest
import torch
from torch import nn

import epbook as ep

EXAMPLES = ep.units.EXAMPLES


@pytest.mark.parametrize("kind", EXAMPLES)
def test_reduction_undoes_an_embedding(kind):
    net, x, _, family = EXAMPLES[kind].draw(4)
    wide = ep.units.embed(net, len(family) + 3, units=family, seed=1)
    grown = family.resized([*range(len(family)), 0, 0, 0])
    name = family.name if family.name in ep.units.find(wide) else grown
    small, report = ep.units.reduce(wide, x, units=name, similarity=1.0)
    assert report.after == (len(family),)
    assert report.change < 1e-12
    for one, two in zip(
        ep.units.find(small).families.values(), ep.units.find(net).families.values(), strict=True
    ):
        assert len(one) == len(two)


def condensed(seed, noise, activation=nn.ReLU):
    """Channels that nearly repeat: 3 kernels, each copied to 9 with a little noise and a scale of its own."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), activation(), nn.MaxPool2d(2), nn.Conv2d(3, 2, 2, stride=2)
    )
    wide = ep.units.embed(net, 9, units="0")
    wide[0].weight.data += noise * torch.randn_like(wide[0].weight)
    return net, wide, torch.randn(20, 1, 8, 8)


def test_the_refit_comes_nearest_to_the_full_sum():
    _, wide, x = condensed(0, 0.01)
    changes = {}
    for mode in ("random", "mean", "least-squares"):
        small, report = ep.units.reduce(wide, x, similarity=0.95, mode=mode)
        assert report.after == (3,)
        assert small[0].out_channels == small[3].in_channels == 3
        changes[mode] = (small(x) - wide(x)).square().sum().item()
    assert changes["least-squares"] <= changes["mean"] * (1 + 1e-6)
    assert changes["least-squares"] < 0.01 * wide(x).square().sum().item()


def test_the_refit_is_the_least_squares_of_all_positions():
    # By hand: unfold the channels, solve for the kernel of the reader.
    _, wide, x = condensed(1, 0.3)
    kept = ep.units.keep(wide, [0, 4, 8], units="0", x=x)
    plain = ep.units.keep(wide, [0, 4, 8], units="0")
    with torch.no_grad():
        rows = nn.functional.unfold(plain[:3](x), 2, stride=2).transpose(1, 2).flatten(0, 1).double()
        wanted = wide(x).flatten(2).transpose(1, 2).flatten(0, 1).double() - wide[3].bias.double()
        solution = torch.linalg.lstsq(rows, wanted).solution.T.view(2, 3, 2, 2)
    assert torch.allclose(solution.float(), kept[3].weight, atol=1e-4)


def test_parallel_channels_merge_where_phi_is_homogeneous_and_only_there():
    for activation, count in ((nn.ReLU, 3), (nn.Tanh, 4)):
        net, _, x = condensed(2, 0.0, activation)
        wide = ep.units.split(net, units="0", unit=0, alpha=0.5)
        wide[0].weight.data[3] *= 2
        wide[0].bias.data[3] *= 2
        wide[3].weight.data[:, 3] /= 2
        small, report = ep.units.reduce(wide, x, similarity=0.999)
        assert report.after == (count,)
        assert torch.allclose(small(x), wide(x), atol=1e-5)


def test_silent_units_are_left_out():
    net, _, x = condensed(3, 0.0)
    net[3].weight.data[:, 1] = 0
    small, report = ep.units.reduce(net, x)
    assert report.groups[0].low == (1,)
    assert torch.allclose(small(x), net(x), atol=1e-6)
    assert "units of low amplitude" in str(report)


def test_numbers_of_the_report_and_refusals():
    net, wide, x = condensed(0, 0.0)
    y = torch.zeros_like(net(x).detach())
    _, report = ep.units.reduce(wide, x, y, similarity=0.999)
    assert report.loss_after == pytest.approx(report.loss_before, rel=1e-5)
    with pytest.raises(ValueError, match="fits on data"):
        ep.units.reduce(wide, mode="least-squares")
    with pytest.raises(ValueError, match="y was given without x"):
        ep.units.reduce(wide, None, y)
    with pytest.raises(ValueError, match="kept is empty"):
        ep.units.keep(wide, [])
    attention = nn.MultiheadAttention(4, 2, batch_first=True)
    with pytest.raises(ValueError, match="no neurons or channels"):
        ep.units.reduce(attention)
    ragged = ep.units.split(attention, units="head0.values")
    with pytest.raises(ValueError, match="differ in size"):
        ep.units.features(ragged, units="heads")


def test_the_refit_reaches_every_reader_that_it_can_and_refuses_the_others():
    # A Linear behind tokens, a one-dimensional convolution with dilation and padding, columns of one head.
    torch.manual_seed(0)
    x = torch.randn(30, 1, 12)
    line = nn.Sequential(
        nn.Conv1d(1, 3, 3), nn.ReLU(), nn.AvgPool1d(2), nn.Conv1d(3, 2, 2, dilation=2, padding=1)
    )
    layer = nn.TransformerEncoderLayer(4, 2, 5, dropout=0.0, batch_first=True).eval()
    words = torch.randn(30, 3, 4)
    for net, data, name in (
        (line, x, "0"),
        (layer, words, "self_attn.head1.values"),
        (layer, words, "linear1"),
    ):
        wide = ep.units.embed(net, len(ep.units.find(net)[name]) + 2, units=name, seed=3)
        count = len(ep.units.find(net)[name])
        cut = ep.units.keep(
            wide, range(count), units=name, x=data
        )  # the copies go, the refit takes their shares
        assert torch.allclose(cut(data), net(data), atol=1e-3)
    with pytest.raises(ValueError, match="cannot refit"):
        ep.units.keep(layer, [0], units="self_attn.head1.keys", x=words)
    same = nn.Sequential(nn.Conv1d(1, 3, 3), nn.ReLU(), nn.Conv1d(3, 2, 3, padding="same"))
    with pytest.raises(ValueError, match="only zero padding"):
        ep.units.keep(same, [0], x=x)
