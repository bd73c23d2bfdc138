"""The dense Hessian of a two-layer net: `ep.hessian` beside torch.func, curvlinops and JAX, in one run.

    python benchmarks/hessian.py

tanh nets of 4, 50 and 333 neurons with one input on 50 points, float64, mean squared error, one thread. Ours
and each other take turns; the fastest of several rounds counts, in processor time. All results are compared
with ours first. `jax.jit(hessian)` is timed after compilation, on arrays that are on its device already.
Needs the extra `benchmarks`.
"""

import os
import time
import warnings

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn
from torch.func import functional_call

import epbook as ep

ROUNDS = 7


def fastest(ours, other, calls):
    """Seconds of one call of each, in the fastest of several rounds in which they take turns."""
    best = [float("inf")] * 2
    for _ in range(ROUNDS):
        for index, (function, repeats) in enumerate(((ours, calls), (other, max(1, calls // 10)))):
            begin = time.process_time()
            for _ in range(repeats):
                function()
            best[index] = min(best[index], (time.process_time() - begin) / repeats)
    return best


def with_torch_func(net, x, y):
    names = [(name, p.shape) for name, p in net.named_parameters()]
    theta = nn.utils.parameters_to_vector(net.parameters()).detach()

    def risk(vector):
        pieces = vector.split([shape.numel() for _, shape in names])
        values = {name: piece.view(shape) for (name, shape), piece in zip(names, pieces, strict=True)}
        return nn.functional.mse_loss(functional_call(net, values, (x,)), y)

    hessian = torch.func.hessian(risk)
    return lambda: hessian(theta)


def with_curvlinops(net, x, y):
    import curvlinops

    def dense():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            operator = curvlinops.HessianLinearOperator(
                net, nn.MSELoss(), [*net.parameters()], [(x, y)], check_deterministic=False
            )
            return (operator @ torch.eye(operator.shape[1], dtype=torch.float64)).detach()

    return dense


def with_jax(net, x, y):
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    import jax

    jax.config.update("jax_enable_x64", True)
    m = net[0].out_features
    data, target = jax.numpy.asarray(x.numpy()), jax.numpy.asarray(y.numpy())
    theta = jax.numpy.asarray(nn.utils.parameters_to_vector(net.parameters()).detach().numpy())

    def risk(t):
        hidden = jax.numpy.tanh(data @ t[:m][None, :] + t[m : 2 * m])
        return ((hidden @ t[2 * m :][:, None] - target) ** 2).mean()

    hessian = jax.jit(jax.hessian(risk))
    return lambda: hessian(theta).block_until_ready()


def main():
    torch.set_num_threads(1)
    threadpool_limits(1)  # NumPy's BLAS
    x, y = ep.data.tanh_teacher()
    print("parameters  epbook        torch.func       curvlinops       jax.jit(hessian)")
    for width, calls in ((4, 100), (50, 30), (333, 3)):
        net = ep.two_layer(1, width, activation=nn.Tanh, std=0.5)

        def ours(net=net):
            return ep.hessian(net, x, y)

        H, best, cells = ours(), float("inf"), []
        for build in (with_torch_func, with_curvlinops, with_jax):
            other = build(net, x, y)
            error = np.abs(np.asarray(other()) - H.numpy()).max() / H.abs().max().item()
            assert error < 1e-12, f"{build.__name__} differs by {error:.1e}"
            mine, seconds = fastest(ours, other, calls)
            best = min(best, mine)
            cells.append(f"{1e3 * seconds:8.2f} ms {seconds / mine:5.1f}x")
        print(f"{len(H):10d}  {1e3 * best:8.3f} ms  {'  '.join(cells)}")


if __name__ == "__main__":
    main()
