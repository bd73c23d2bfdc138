"""The law of a split on a transformer block beside a full Hessian by torch.func: time and memory by width.

`nn.TransformerEncoderLayer` of stream width 8, 16, 32, … (4 heads, MLP of twice the width), 8 sequences of
6 words, mean squared error, float64, one thread. For one head: S and M of the law, alone and with the
measurement of rounding that `ep.units.split_law` makes, and, where it fits, the dense Hessian of the whole
block, which is what one would count eigenvalues of without the law. Each runs in a process of its own:
processor time, and the memory its peak adds to that of the loaded libraries. A dense Hessian of P parameters
has 8 P² bytes, and stands there three times over while its halves are averaged: where that is more than the
machine has, it does not fit.
"""

import multiprocessing
import os
import resource
import time

import torch
from rows import main, row
from torch import nn

import epbook as ep
from epbook.units.dense import dense_hessian
from epbook.units.law import law_matrices
from epbook.units.read import read

WIDTHS = (8, 16, 32, 64)
COPIES = 3  # of the dense Hessian at the peak: H, H + Hᵀ and its half


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


def memory():
    """Bytes of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MB on Linux


def in_process(task, width, answer):
    torch.set_num_threads(1)
    matrices(4)  # what PyTorch loads at the first call is not the method's
    before, begin = peak(), time.process_time()
    task(width)
    answer.send((time.process_time() - begin, peak() - before))


def apart(task, width):
    """(seconds, MB) of one task in a fresh process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=in_process, args=(task, width, theirs))
    process.start()
    theirs.close()  # so that a killed process ends the wait
    found = ours.recv()
    process.join()
    return found


def measure():
    tasks = {"S and M": matrices, "split_law": law, "torch.func, dense Hessian": dense}
    for width in WIDTHS:
        net, *_ = block(width)
        parameters = sum(part.numel() for part in net.parameters())
        family = ep.units.find(net)["self_attn.heads"]
        w, C = family.vectors(read(net, torch.zeros(1, 1, width)).values, 0)
        needed = COPIES * 8 * parameters**2
        found = {
            name: apart(task, width)
            for name, task in tasks.items()
            if task is not dense or needed <= memory()
        }
        absent = f"does not fit: {needed / 1e9:.0f} GB of {memory() / 1e9:.0f}"
        yield row(
            {"stream": width, "parameters": parameters, "of one head": len(w) + len(C)},
            {name: found[name][0] if name in found else None for name in tasks},
            {f"MB, {name}": f"{found[name][1]:,.0f}" if name in found else absent for name in tasks},
        )


if __name__ == "__main__":
    main(measure)
