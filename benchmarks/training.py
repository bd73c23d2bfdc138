"""Ensembles of two-layer nets: `train_many` beside torch.func and JAX, as ratios measured in one run.

    python benchmarks/training.py

100 nets, float64, full-batch gradient descent on the mean squared error, from the condensed regime of
section 1.1. Peers take the same start and their results are compared with ours. PyTorch takes fewer steps,
since its cost per step does not depend on the state; JAX and we take the same ones. On one core processor
time is measured, on all cores the clock. Prints the cost of one
step of the whole ensemble and how many times longer the peers take, on one core and on all, and how our own
cost grows with the width m and the number of points n. Needs Linux and the extra `benchmarks` (JAX).
"""

import argparse
import os
import subprocess
import sys
import time

NETS = 100


def clock():
    """Processor seconds on one core, which other programs do not disturb; else seconds."""
    return time.process_time() if len(os.sched_getaffinity(0)) == 1 else time.perf_counter()


def limit(cores):
    """Leave this process that many cores; before any import that starts threads."""
    if cores == 1:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(cores)


def ours(kind, m, x, y, steps):
    """Seconds per step of the ensemble, and the trained output weights."""
    import epbook as ep

    options = {"lr": 0.05, "activation": kind}
    ep.train_many([m], 2, x, y, steps=20, **options)  # compile
    begin = clock()
    runs = ep.train_many([m], NETS, x, y, steps=steps, **options)
    return (clock() - begin) / steps, runs


def with_torch(kind, m, x, y, steps):
    import torch

    import epbook as ep

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    sigma = {"relu": torch.relu, "tanh": torch.tanh}[kind]
    nets = [ep.two_layer(1, m, seed=seed) for seed in range(NETS)]
    w, b, a = (torch.stack([list(net.parameters())[i].detach() for net in nets]) for i in range(3))

    def loss(w, b, a):
        return ((sigma(x @ w.T + b) @ a.T - y) ** 2).mean()

    slopes = torch.func.vmap(torch.func.grad(loss, argnums=(0, 1, 2)))
    begin = None
    for step in range(-2, steps):
        if step == 0:  # the first two warm up, and are steps all the same
            begin = clock()
        w, b, a = (p - 0.05 * g for p, g in zip((w, b, a), slopes(w, b, a), strict=True))
    return (clock() - begin) / steps, a.numpy(), steps + 2


def with_jax(kind, m, x, y, steps):
    import jax
    import jax.numpy as jnp
    import numpy as np

    import epbook as ep

    jax.config.update("jax_enable_x64", True)
    sigma = {"relu": jax.nn.relu, "tanh": jnp.tanh}[kind]
    nets = [ep.two_layer(1, m, seed=seed) for seed in range(NETS)]
    start = [jnp.stack([list(net.parameters())[i].detach().numpy() for net in nets]) for i in range(3)]
    points, values = x.numpy(), y.numpy()

    def loss(parameters):
        w, b, a = parameters
        return ((sigma(points @ w.T + b) @ a.T - values) ** 2).mean()

    def step(parameters, _):
        losses, slopes = jax.vmap(jax.value_and_grad(loss))(parameters)
        return [p - 0.05 * g for p, g in zip(parameters, slopes, strict=True)], losses

    run = jax.jit(lambda parameters: jax.lax.scan(step, parameters, None, length=steps))
    jax.block_until_ready(run(start))
    begin = clock()
    trained, losses = jax.block_until_ready(run(start))
    return (clock() - begin) / steps, np.asarray(trained[2]), np.asarray(losses)


def compare(kind, m, n, steps, torch_steps):
    import numpy as np

    import epbook as ep

    x, y = ep.data.relu_teacher(n)
    mine, runs = ours(kind, m, x, y, steps)
    theirs, jax_weights, _ = with_jax(kind, m, x, y, steps)
    torch_time, torch_weights, done = with_torch(kind, m, x, y, torch_steps)
    short = ep.train_many([m], NETS, x, y, steps=done, lr=0.05, activation=kind)
    for trained, peer in ((runs, jax_weights), (short, torch_weights)):
        weights = np.stack([trained.final(m, seed)[2].weight.detach().numpy() for seed in range(NETS)])
        assert abs(weights - peer).max() < 1e-9, "the tools do not agree"
    print(
        f"{kind:<6}{m:>5}{n:>5}{steps:>7}{1e6 * mine:>12.1f}{1e6 * theirs:>12.1f}{1e6 * torch_time:>12.1f}"
        f"{theirs / mine:>9.1f}×{torch_time / mine:>9.1f}×",
        flush=True,
    )


def growth():
    import epbook as ep

    print("\nour cost of one step of 100 ReLU nets over 20,000 steps, microseconds")
    for name, cases in (
        ("m, n = 50", [(m, 50) for m in (10, 50, 200, 800)]),
        ("n, m = 50", [(50, n) for n in (20, 50, 200, 800)]),
    ):
        cells = []
        for m, n in cases:
            seconds, _ = ours("relu", m, *ep.data.relu_teacher(n), 20_000)
            cells.append(f"{m if name[0] == 'm' else n}: {1e6 * seconds:.0f}")
        print(f"  against {name}:  " + "   ".join(cells), flush=True)


def main():
    """One child for each number of cores, so that no tool has started its threads before."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cores", type=int)
    cores = parser.parse_args().cores
    if cores is None:
        for count in sorted({1, len(os.sched_getaffinity(0))}):
            subprocess.run([sys.executable, __file__, "--cores", str(count)], check=True)
        return
    limit(cores)
    print(f"\n{NETS} nets on {cores} core(s): microseconds for one step of the ensemble, and ratios to ours")
    print(
        f"{'':<6}{'m':>5}{'n':>5}{'steps':>7}{'ours':>12}{'JAX':>12}{'torch.func':>12}{'JAX':>10}{'torch':>10}"
    )
    compare("relu", 50, 50, 20_000, 100)
    compare("relu", 400, 50, 2000, 20)
    compare("tanh", 50, 50, 2000, 100)
    growth()


if __name__ == "__main__":
    main()
