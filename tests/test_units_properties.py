"""Every kind of unit: output and gradient map kept to rounding, the law exact wherever signs are decided."""

import pytest
import torch
from torch import nn

import epbook as ep
from epbook.units.dense import dense_hessian
from epbook.units.read import read

EXAMPLES = ep.units.EXAMPLES


def shares(seed):
    """Two-way and k-way shares whose new parts lie in [−3, 3], and the edges of the law."""
    draw = torch.Generator().manual_seed(seed)
    new = [(6 * torch.rand(k, generator=draw, dtype=torch.float64) - 3).tolist() for k in (1, 1, 2)]
    return [(1 - sum(f), *f) for f in new] + [(1.0, 0.0)]


@pytest.mark.parametrize("seed", range(17))  # 1,020 cases
@pytest.mark.parametrize("kind", EXAMPLES)
def test_output_gradient_and_inertia_are_those_of_the_theorem(kind, seed):
    net, x, y, family = EXAMPLES[kind].draw(seed)
    trials = ep.units.verify(net, x, y, shares(seed), units=family, unit=seed % len(family))
    assert max(trial.output for trial in trials) < 1e-13
    assert max(trial.gradient for trial in trials) < 1e-12
    assert [trial for trial in trials if trial.decided and not trial.exact] == []


def test_most_cases_are_decided():
    decided = []
    for kind in EXAMPLES:
        net, x, y, family = EXAMPLES[kind].draw(11)
        decided += [trial.decided for trial in ep.units.verify(net, x, y, shares(1), units=family)]
    assert sum(decided) >= 0.8 * len(decided)


def test_the_matrices_of_a_neuron_are_those_of_the_closed_form():
    net, x, y, _ = EXAMPLES["neuron, second of three layers"].draw(0)
    for layer, units in enumerate(("0", "2", "4")):
        closed = ep.split_law(net, x, y, layer=layer, neuron=1)
        ours = ep.units.split_law(net, x, y, units=units, unit=1)
        assert torch.allclose(closed.S, ours.S, rtol=1e-10, atol=1e-13)
        assert torch.allclose(closed.M, ours.M, rtol=1e-10, atol=1e-13)


def test_a_channel_with_one_output_adds_as_many_ways_down_as_m_has_rank():
    net, x, y, family = EXAMPLES["channel, max pooling"].draw(0)
    law = ep.units.split_law(net, x, y, units=family)
    assert law.M.shape == (8, 5)  # 2 × 2 taps into 2 channels; 2 × 2 kernel and bias
    assert law.rank == 5
    for alpha in (-2.0, 0.0, 0.5, 1.0, 3.0):
        assert law.added((1 - alpha, alpha)).negative >= 5


@pytest.mark.parametrize("kind", ["value channel", "query-key channel"])
def test_what_is_linear_in_w_has_no_s(kind):
    net, x, y, family = EXAMPLES[kind].draw(0)
    assert float(ep.units.split_law(net, x, y, units=family).S.abs().max()) == 0


def test_a_chunk_of_rows_at_a_time_gives_the_same():
    net, x, y, family = EXAMPLES["gated unit (SwiGLU)"].draw(0)
    whole, parts = (ep.units.split_law(net, x, y, units=family, chunk=chunk) for chunk in (None, 3))
    assert torch.allclose(whole.S, parts.S, rtol=1e-12, atol=1e-14)


def test_cross_entropy_and_labels():
    net, x, _, family = EXAMPLES["gated unit (SwiGLU)"].draw(1)
    y = torch.arange(len(x)) % 2
    trials = ep.units.verify(net, x, y, shares(0), units=family, loss=nn.functional.cross_entropy)
    assert all(trial.exact for trial in trials if trial.decided)


def test_rounding_of_a_saturated_neuron_counts_as_zero():
    # 1 − tanh² at 18 is 1e-15, and known to ε of 1 only: S and M hold little but rounding.
    net = nn.Sequential(nn.Linear(1, 1), nn.Tanh(), nn.Linear(1, 1)).double()
    net[0].weight.data.fill_(0.1)
    net[0].bias.data.fill_(18.0)
    x = torch.linspace(-1, 1, 7, dtype=torch.float64)[:, None]
    law = ep.units.split_law(net, x, x)
    assert law.rank == 0
    assert law.added((0.5, 0.5)) == (0, 3, 0)


def test_embed_keeps_the_output_and_reaches_the_count():
    for kind in ("channel, batch norm", "attention head", "value channel", "query-key channel"):
        net, x, _, family = EXAMPLES[kind].draw(2)
        for seed in (None, 3):
            wide = ep.units.embed(net, 5, units=family, seed=seed)
            found = ep.units.find(wide)[family.name]
            assert len(found) == 5
            assert float((wide(x) - net(x)).detach().abs().max()) < 1e-12
    assert ep.units.embed(net, len(family), units=family) is not net


def test_one_network_of_every_mode_of_attention():
    # A mask that hides, padding, keys and values from elsewhere, sequences first: as PyTorch has them.
    torch.manual_seed(0)
    x, other = torch.randn(5, 2, 4), torch.randn(3, 2, 6)
    given = nn.MultiheadAttention(4, 2, kdim=6, vdim=6)
    padding = torch.tensor([[False, False, True], [False, True, True]])
    theirs, _ = given(x, other, other, key_padding_mask=padding)
    ours, _ = ep.units.attention.plain_attention(given)(x, other, other, key_padding_mask=padding)
    assert torch.allclose(theirs, ours, atol=1e-6)
    own = nn.MultiheadAttention(4, 2, bias=False, batch_first=True)
    read_so = ep.units.attention.plain_attention(own)
    mask = torch.randn(5, 5)
    x = x.transpose(0, 1)
    theirs, _ = own(x, x, x, attn_mask=mask)
    assert torch.allclose(theirs, read_so(x, x, x, attn_mask=mask)[0], atol=1e-6)
    causal, _ = own(x, x, x, attn_mask=torch.ones(5, 5).triu(1).bool())
    assert torch.allclose(causal, read_so(x, x, x, is_causal=True)[0], atol=1e-6)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_a_split_encoder_layer_still_is_one_in_every_mode():
    torch.manual_seed(0)
    net = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2).eval()
    wide = ep.units.split(net, units="layers.1.self_attn.heads", unit=0, alpha=-0.4)
    wide = ep.units.split(wide, units="layers.0.linear1", unit=7, fractions=(0.2, 0.3, 0.5))
    x = torch.randn(2, 5, 4)
    padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    for switch in (torch.no_grad, torch.enable_grad):
        with switch():
            assert torch.allclose(net(x), wide(x), atol=1e-5)
            kept = ~padding
            one, two = (each(x, src_key_padding_mask=padding) for each in (net, wide))
            assert torch.allclose(one[kept], two[kept], atol=1e-5)
    assert [type(part).__name__ for part in (wide.layers[0].self_attn, wide.layers[1].self_attn)] == [
        "MultiheadAttention",
        "Attention",
    ]


def test_a_decoder_layer_is_read_too_and_split_in_one_with_two_inputs():
    torch.manual_seed(0)
    net = nn.TransformerDecoderLayer(4, 2, 6, dropout=0.0, batch_first=True)
    names = [name for name in ep.units.find(net) if "head0" not in name and "head1" not in name]
    assert names == ["linear1", "self_attn.heads", "multihead_attn.heads"]
    x, memory = torch.randn(2, 3, 4), torch.randn(2, 5, 4)
    for name in names:
        wide = ep.units.split(net, units=name, unit=1, fractions=(0.8, 0.6, -0.4))
        assert torch.allclose(wide(x, memory), net(x, memory), atol=1e-5)


def test_a_float32_network_is_compared_in_float64():
    net, x, y, family = EXAMPLES["attention head"].draw(0)
    [trial] = ep.units.verify(net.float(), x, y, [(0.3, 0.7)], units=family)
    assert trial.output < 1e-13


def test_the_network_given_is_left_as_it_was():
    net, x, y, family = EXAMPLES["attention head"].draw(0)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    ep.units.verify(net, x, y, [(0.5, 0.5)], units=family)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert dense_hessian(read(net, x, y)).shape == (127, 127)
