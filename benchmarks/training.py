"""Ensembles of two-layer networks: `train_many` beside JAX, torch.func and torch.compile.

100 networks of one input, float64, full-batch gradient descent on the mean squared error, from the small
weights of section 1.1; processor time of one step of the whole ensemble, on one core. All take the same
start, and what they end with is compared with ours. The others take fewer steps, since their cost per step
does not depend on the state; ours falls where ReLU neurons keep their pattern. Needs Linux.
"""

import os

from rows import fastest, main, row

NETS, LR = 100, 0.05


def limit():
    """Leave this process one core; before any import that starts threads."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def starts(m):
    """The three tensors of all networks: (NETS, m, 1), (NETS, m), (NETS, 1, m)."""
    import torch

    import epbook as ep

    nets = [ep.two_layer(1, m, seed=seed) for seed in range(NETS)]
    return tuple(torch.stack([[*net.parameters()][i].detach() for net in nets]) for i in range(3))


def with_epbook(kind, m, x, y, steps):
    import numpy as np

    import epbook as ep

    def run():
        runs = ep.train_many([m], NETS, x, y, steps=steps, lr=LR, activation=kind)
        return np.stack([runs.final(m, seed)[2].weight.detach().numpy() for seed in range(NETS)])

    return run


def with_torch(kind, m, x, y, steps, *, compiled=False):
    import torch

    torch.set_num_threads(1)
    sigma = {"relu": torch.relu, "tanh": torch.tanh}[kind]

    def loss(w, b, a):
        return ((sigma(x @ w.T + b) @ a.T - y) ** 2).mean()

    slopes = torch.func.vmap(torch.func.grad(loss, argnums=(0, 1, 2)))

    def step(w, b, a):
        return tuple(p - LR * g for p, g in zip((w, b, a), slopes(w, b, a), strict=True))

    if compiled:
        torch._dynamo.reset()
        step = torch.compile(step)

    def run():
        parts = starts(m)
        for _ in range(steps):
            parts = step(*parts)
        return parts[2].numpy()

    return run


def with_jax(kind, m, x, y, steps):
    import jax
    import jax.numpy as jnp
    import numpy as np

    jax.config.update("jax_enable_x64", True)
    sigma = {"relu": jax.nn.relu, "tanh": jnp.tanh}[kind]
    points, values = jnp.asarray(x.numpy()), jnp.asarray(y.numpy())

    def loss(parts):
        w, b, a = parts
        return ((sigma(points @ w.T + b) @ a.T - values) ** 2).mean()

    def step(parts, _):
        losses, slopes = jax.vmap(jax.value_and_grad(loss))(parts)
        return [p - LR * g for p, g in zip(parts, slopes, strict=True)], losses

    trained = jax.jit(lambda parts: jax.lax.scan(step, parts, None, length=steps))
    begin = [jnp.asarray(part.numpy()) for part in starts(m)]
    return lambda: np.asarray(jax.block_until_ready(trained(begin))[0][2])


def compare(kind, m, n, *, steps=2000, few=20, compiled=False):
    """A row: seconds for one step of the ensemble. PyTorch takes `few` steps, JAX ten times as many."""
    import epbook as ep

    x, y = ep.data.relu_teacher(n)
    tools = {
        "train_many": (with_epbook(kind, m, x, y, steps), steps),
        "JAX": (with_jax(kind, m, x, y, 10 * few), 10 * few),
        "torch.func": (with_torch(kind, m, x, y, few), few),
    }
    if compiled:
        tools["torch.compile"] = (with_torch(kind, m, x, y, few, compiled=True), few)
    for name, (tool, count) in tools.items():
        apart = abs(tool() - with_epbook(kind, m, x, y, count)()).max()
        assert apart < 1e-9, f"{name} ends {apart:.0e} from ours"
    best = fastest({name: tool for name, (tool, _) in tools.items()}, rounds=3)
    case = {"activation": kind, "neurons": m, "points": n, "our steps": steps}
    return row(case, {name: best[name] / count for name, (_, count) in tools.items()})


def measure():
    limit()
    yield compare("relu", 50, 50, steps=20_000, few=100, compiled=True)
    yield compare("relu", 400, 50, compiled=True)
    yield compare("tanh", 50, 50, compiled=True)
    for m in (10, 50, 200, 800):
        yield compare("relu", m, 50)
    for n in (20, 200, 800):
        yield compare("relu", 50, n)


if __name__ == "__main__":
    main(measure)
