"""The residual stream: which embeddings keep the output, which the critical point; targets too."""

import pytest
import torch
from torch import nn

import epbook as ep
from epbook.units.stream import READERS, Stream, copied, extended, in_gauge

ONE, TWO, F = [0, 1, 2, 3, 0], [0, 1, 2, 3] * 2, [0.7, 1, 1, 1, 0.3]
UNEVEN = dict.fromkeys(READERS, F) | {"up": [0.5, 1, 1, 1, 0.5]}
WAYS = {
    "no norm": (None, lambda net: copied(net, ONE, F), True, True),
    "no norm, shares differ by reader": (None, lambda net: copied(net, ONE, UNEVEN), True, False),
    "RMSNorm, one": ("rms", lambda net: copied(net, ONE, F), False, False),
    "RMSNorm, all, unequal": ("rms", lambda net: copied(net, TWO, [0.7] * 4 + [0.3] * 4), True, False),
    "RMSNorm, all, equal": ("rms", lambda net: copied(net, TWO, [0.5] * 8), True, True),
    "RMSNorm, zero": ("rms", extended, True, True),
    "RMSNorm, zero, eps": ("rms", lambda net: extended(net, scale_eps=False), False, False),
    "LayerNorm, all, equal": ("layer", lambda net: copied(net, TWO, [0.5] * 8), True, True),
    "LayerNorm, mean": ("layer", lambda net: extended(net, mean=True), True, False),
    "LayerNorm, mean, gauge": ("gauge", lambda net: extended(net, mean=True), True, True),
}


def slope(net, x, y):
    parts = torch.autograd.grad(nn.functional.mse_loss(net(x), y), list(net.parameters()))
    return max(part.abs().max().item() for part in parts)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_kept_is_kept_to_rounding_and_what_breaks_breaks_clearly(way):
    norm, widen, output, critical = WAYS[way]
    torch.manual_seed(0)
    net = Stream("layer" if norm == "gauge" else norm).double()
    for part in net.parameters():
        part.data = 0.7 * torch.randn_like(part) + (part.ndim == 1 and len(part) == 4)
    net = in_gauge(net) if norm == "gauge" else net
    x = torch.randn(30, 3, 3, dtype=torch.float64)
    y = ep.critical.critical_targets(net, x, residual=0.5)
    assert slope(net, x, y) < 1e-13
    wide = widen(net)
    change = (wide(x) - net(x)).abs().max().item()
    assert change < 1e-12 if output else change > 1e-3
    assert slope(wide, x, y) < 1e-12 if critical else slope(wide, x, y) > 1e-5


def test_targets_need_more_outputs_than_the_tangent_space_has_dimensions():
    net = nn.Sequential(nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 1))
    with pytest.raises(ValueError, match="Take more samples"):
        ep.critical.critical_targets(net, torch.randn(5, 1))


def test_every_way_of_splitting_a_critical_channel_leads_down():
    net, _, _, family = ep.units.EXAMPLES["channel, max pooling"].draw(1)
    x = torch.randn(50, 1, 7, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    law = ep.units.split_law(net, x, ep.critical.critical_targets(net, x), units=family)
    assert 1 <= law.rank <= law.M.shape[0] - 1
    C = family.vectors({name: part.detach() for name, part in net.named_parameters()}, 0)[1]
    assert float((C @ law.M).abs().max()) < 1e-12
