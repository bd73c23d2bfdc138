"""What is no unit is refused, with the reason."""

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

import epbook as ep

X = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))


class Own(nn.Module):
    """Two Linear with whatever between them."""

    def __init__(self, between, width=None):
        super().__init__()
        self.first, self.last, self.between = nn.Linear(3, 4), nn.Linear(4, 2), between
        self.width = width

    def forward(self, x):
        z = self.between(self.first(x))
        return self.last(z if self.width is None else z.reshape(-1, self.width))


@pytest.mark.parametrize(
    ("between", "reason"),
    [
        (nn.LayerNorm(4), "norm across units"),
        (nn.Softmax(dim=-1), "norm across units"),
        (nn.GroupNorm(2, 4), "norm across units"),
        (nn.Dropout(0.5), "call net.eval"),
        (nn.GLU(), "not known to treat each unit alone"),
    ],
)
def test_what_mixes_units_in_a_sequential_is_refused(between, reason):
    net = nn.Sequential(nn.Linear(3, 4), between, nn.Linear(4, 2))
    with pytest.raises(ValueError, match=reason):
        ep.units.split(net, units="0")


@pytest.mark.parametrize("between", ["norm", "softmax"])
def test_what_mixes_units_of_your_own_is_found_on_the_data(between):
    class Norm(nn.Module):
        def forward(self, z):
            return nn.functional.layer_norm(z, z.shape[-1:]) if between == "norm" else z.softmax(-1)

    with pytest.raises(ValueError, match="a split of unit 0 moves the output"):
        ep.units.named(Own(Norm()), X, incoming=["first"], outgoing="last")


def test_a_width_written_into_the_forward_is_told():
    with pytest.raises(ValueError, match="the number 4 written into it"):
        ep.units.named(Own(nn.Tanh(), width=4), X, incoming=["first"], outgoing="last")


def test_a_sum_that_is_not_linear_is_told():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2), nn.Tanh())
    with pytest.raises(ValueError, match="not linear"):
        ep.units.named(net, X, incoming=["0"], outgoing="2", sum_at="3")


def test_parts_of_different_numbers_are_shared():
    class Grouped(nn.Module):  # two query heads share one key: a split would need a key of its own
        def __init__(self):
            super().__init__()
            self.query, self.key, self.out = nn.Linear(3, 4), nn.Linear(3, 2), nn.Linear(4, 2)

    with pytest.raises(ValueError, match="are some of them shared"):
        ep.units.named(Grouped(), X, incoming=["query", "key"], outgoing="out")


def test_weights_used_twice_are_refused():
    shared = nn.Linear(3, 3)
    net = nn.Sequential(shared, nn.Tanh(), nn.Linear(3, 3), nn.Tanh(), shared)
    assert "used twice" in ep.units.find(net).refused["0"]

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.mlp = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))

        def forward(self, x):
            return self.mlp(self.mlp(x))

    with pytest.raises(ValueError, match="called 2 times"):
        ep.units.split_law(Twice(), X, X)


@pytest.mark.parametrize(
    ("net", "reason"),
    [
        (nn.Sequential(nn.Conv2d(2, 4, 3, groups=2), nn.ReLU(), nn.Conv2d(4, 2, 3)), "in groups"),
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Linear(6, 2)), "without a Flatten"),
        (nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Conv1d(4, 2, 1)), "one by one"),
        (nn.MultiheadAttention(4, 2, add_zero_attn=True), "add_zero_attn"),
    ],
)
def test_modules_that_share_their_units_out_are_refused(net, reason):
    assert reason in " ".join(ep.units.find(net).refused.values())


def test_kinks_dropout_and_what_is_not_there():
    net = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
    net[0].bias.data.zero_()
    x = torch.tensor([[0.0], [1.0]])
    with pytest.raises(ValueError, match="away from its kink"):
        ep.units.split_law(net, x, x)
    with pytest.raises(ValueError, match="at work"):
        ep.units.split_law(
            nn.TransformerEncoderLayer(4, 2), torch.randn(2, 1, 4), torch.zeros(2, 1, 4), units="linear1"
        )
    with pytest.raises(ValueError, match="there is no unit 2"):
        ep.units.split(net, unit=2)
    with pytest.raises(ValueError, match="no units are called"):
        ep.units.split(net, units="nowhere")
    with pytest.raises(ValueError, match="say which units"):
        ep.units.split(nn.MultiheadAttention(4, 2))
    with pytest.raises(ValueError, match="must be of shape"):
        ep.units.split_law(net, x + 1, torch.zeros(2))
    with pytest.raises(TypeError, match=r"nn\.Module"):
        ep.units.find([net])
    with pytest.raises(ValueError, match="must not be below"):
        ep.units.embed(net, 1)
    with pytest.raises(ValueError, match="cancel"):
        ep.units.split(net, alpha=1e9)
    with pytest.raises(ValueError, match="must be finite"):
        ep.units.split_law(net, x / 0, x)


def linear_and(change):
    """Three layers, with a change to the first; PyTorch's old spectral norm warns that it is old."""
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    change(net)
    return net


class Softened(nn.Linear):
    def forward(self, x):
        return super().forward(x).softmax(-1)


def lazy(net):
    net[0] = nn.LazyLinear(4)


def subclass(net):
    net[0] = Softened(3, 4)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda net: nn.utils.parametrizations.weight_norm(net[0]), "parametrized"),
        (lambda net: nn.utils.parametrizations.weight_norm(net[2]), "parametrized"),
        (lambda net: nn.utils.spectral_norm(net[0]), "hooks .* take them off"),
        (lambda net: prune.l1_unstructured(net[0], "weight", amount=0.5), "make the pruning permanent"),
        (lambda net: net[1].register_forward_hook(lambda _m, _x, z: z.softmax(-1)), "has hooks"),
        (subclass, "is a subclass"),
        (lazy, "run the network once"),
    ],
)
def test_modules_that_compute_something_else_than_they_say_are_refused(change, reason):
    net = linear_and(change)
    with pytest.raises(ValueError, match=f"0 cannot be split.*{reason}"):
        ep.units.split(net, units="0")
    with pytest.raises(ValueError, match=f"no units are read here.*{reason}"):
        ep.units.split(net)
    if "hook" not in reason or "off" in reason:  # of what stands between, named asks the data
        with pytest.raises(ValueError, match=reason):
            ep.units.named(net, X, incoming=["0"], outgoing="2")


def test_the_same_for_attention_and_its_layer():
    layer = nn.TransformerEncoderLayer(4, 2, 5, batch_first=True)
    nn.utils.parametrizations.weight_norm(layer.linear1)
    layer.self_attn.register_forward_pre_hook(lambda _m, given: given)

    class Own(nn.TransformerEncoderLayer):
        def forward(self, x):
            return self.linear2(self.linear1(x))

    refused = ep.units.find(layer).refused
    assert "parametrized" in refused["linear1"]
    assert "has hooks" in refused["self_attn.heads"]
    assert "subclass" in ep.units.find(Own(4, 2, 5)).refused["linear1"]


def test_a_sequential_that_is_not_run_as_a_whole_is_found_on_the_data():
    class Pieces(nn.Module):
        def __init__(self, way):
            super().__init__()
            self.seq, self.way = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), way

        def forward(self, x):
            return self.way(self.seq, x)

    twice = Pieces(lambda seq, x: seq(x) + seq[0](x)[:, :2])
    mixed = Pieces(lambda seq, x: seq[2](seq[0](x).softmax(-1)))
    with pytest.raises(ValueError, match=r"seq\.0 is called 2 times"):
        ep.units.split_law(twice, X, X[:, :2])
    with pytest.raises(ValueError, match="moves the output"):
        ep.units.split_law(mixed, X, X[:, :2])


def test_a_mask_for_each_head_is_refused():
    x = torch.randn(1, 3, 4)
    wide = ep.units.split(nn.MultiheadAttention(4, 2, batch_first=True), units="heads")
    with pytest.raises(ValueError, match="a mask for each head"):
        wide(x, x, x, attn_mask=torch.zeros(2, 3, 3))
