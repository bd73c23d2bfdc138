"""Growing on the target of three steps: split along S or Q, look ahead, or a new neuron computed by gromo.

As on the page on growing: tanh, from one neuron to three, twenty starts, our L-BFGS between the steps.
gromo (Verbockhaven et al. 2024; `pip install gromo`) computes its new neuron from the gradient and the
covariance of what comes in; its length is chosen as ours, among the same five. Seconds of processor time for
one whole growth, the fraction of the starts that end exact, and the median loss.
"""

import statistics
import time

import torch
from rows import main, row
from torch import nn

import epbook as ep
from epbook.growing.ways import STEPS

X, Y = ep.data.tanh_teacher()
SEEDS = 20
ENOUGH = 1e-12


def start(seed):
    return ep.two_layer(1, 1, activation=nn.Tanh, std=1.0, seed=seed)


def risk(net):
    return nn.functional.mse_loss(net(X), Y).item()


def one_neuron_more(net):
    """The network with gromo's new neuron, which TINY calls optimal."""
    from gromo.modules.linear_growing_module import LinearGrowingModule

    (W, b, tanh), (A, _, _) = ep.layers(net)
    options = {"device": torch.device("cpu")}
    first = LinearGrowingModule(1, len(W), post_layer_function=nn.Tanh(), name="first", **options).double()
    last = LinearGrowingModule(
        len(W), 1, use_bias=False, previous_module=first, name="last", **options
    ).double()
    first.layer.weight.data, first.layer.bias.data = W.detach().clone(), b.detach().clone()
    last.layer.weight.data = A.detach().clone()
    last.init_computation()
    nn.functional.mse_loss(last(first(X)), Y, reduction="sum").backward()
    last.update_computation()
    last.compute_optimal_updates(maximum_added_neurons=1, compute_delta=False, dtype=torch.float64)
    new, out = first.extended_output_layer, last.extended_input_layer
    if new is None:
        return net  # gromo sees nothing to gain
    longer = (
        ep.sequential(
            [
                (torch.cat([W, e * new.weight]), torch.cat([b, e * new.bias]), tanh),
                (torch.cat([A, e * out.weight], 1), None, None),
            ]
        )
        for e in STEPS
    )
    return min(longer, key=risk)


def by_gromo(seed):
    net = ep.growing.fit(start(seed), X, Y, enough=ENOUGH).net
    for _ in range(2):
        net = ep.growing.fit(one_neuron_more(net), X, Y, enough=ENOUGH).net
    return risk(net)


def by_law(by, seed):
    return ep.grow(start(seed), X, Y, width=3, by=by, enough=ENOUGH, seed=seed).loss


def measure():
    torch.set_num_threads(1)
    ways = {by: lambda seed, by=by: by_law(by, seed) for by in ("S", "Q", "look-ahead")}
    seconds, ends = {}, {}
    for name, way in {**ways, "gromo": by_gromo}.items():
        try:
            way(0)  # what is imported late
            begin = time.process_time()
            losses = [way(seed) for seed in range(SEEDS)]
            seconds[name] = (time.process_time() - begin) / SEEDS
            exact = sum(loss < 1e-10 for loss in losses)
            ends[f"{name}: exact, median loss"] = f"{exact} of {SEEDS}, {statistics.median(losses):.0e}"
        except ImportError:
            seconds[name] = None
    yield row({"target": "three steps", "from": 1, "to": 3}, seconds, ends)


if __name__ == "__main__":
    main(measure)
