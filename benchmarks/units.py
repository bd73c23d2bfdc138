"""The law of a split on a transformer block beside a full Hessian by torch.func: time and memory by width.

    python benchmarks/units.py

`nn.TransformerEncoderLayer` of stream width 8, 16, 32, … (4 heads, MLP of twice the width), 8 sequences of 6
words, mean squared error, float64, one thread. For one head: S and M of the law (`ep.units.split_law`, with
its measurement of rounding, and the two matrices alone) and, where it fits, the dense Hessian of the whole
block, which is what one would count eigenvalues of without the law. Each runs in a process of its own:
processor seconds, and the memory its peak adds to that of the loaded libraries.
"""

import multiprocessing
import resource
import time

import torch
from torch import nn

import epbook as ep
from epbook.units.dense import dense_hessian
from epbook.units.law import law_matrices
from epbook.units.read import read

WIDTHS = (8, 16, 32, 64)
DENSE_UP_TO = 10_000  # parameters: 8 P² bytes are 800 MB there, and a few times as much while it is made


def block(width):
    torch.manual_seed(0)
    net = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, activation="gelu", batch_first=True)
    x = torch.randn(8, 6, width, dtype=torch.float64)
    return net.double(), x, torch.randn_like(x)


def law(width):
    net, x, y = block(width)
    ep.units.split_law(net, x, y, units="self_attn.heads", chunk=64)


def matrices(width):
    net, x, y = block(width)
    family, problem = ep.units.find(net)["self_attn.heads"], read(net, x, y)
    e, (w, C) = problem.slope(family.sum_at), family.vectors(problem.values, 0)

    def g(C, w):
        return (e * problem.sum(family.replaced(problem.values, 0, w, C), family.sum_at)).sum()

    law_matrices(g, C, w, chunk=64)


def dense(width):
    dense_hessian(read(*block(width)), chunk=64)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MB on Linux


def measure(task, width, answer):
    torch.set_num_threads(1)
    matrices(4)  # what PyTorch loads at the first call is not the method's
    before, begin = peak(), time.process_time()
    task(width)
    answer.send((time.process_time() - begin, peak() - before))


def apart(task, width):
    """(seconds, MB) of one task in a fresh process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=measure, args=(task, width, theirs))
    process.start()
    found = ours.recv()
    process.join()
    return found


def main():
    print("stream  params  |w|+|C|   matrices s, MB   law with rounding s, MB   dense Hessian s, MB")
    for width in WIDTHS:
        net, *_ = block(width)
        parameters = sum(part.numel() for part in net.parameters())
        family = ep.units.find(net)["self_attn.heads"]
        w, C = family.vectors(read(net, torch.zeros(1, 1, width)).values, 0)
        row = [apart(task, width) for task in (matrices, law)]
        cells = [f"{seconds:8.2f} {memory:7.0f}" for seconds, memory in row]
        cells += [
            "{:8.2f} {:7.0f}".format(*apart(dense, width)) if parameters <= DENSE_UP_TO else "  not run"
        ]
        print(f"{width:6d} {parameters:7d} {len(w) + len(C):8d}   {'      '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
