"""The dense Hessian of a two-layer network: `ep.hessian` beside torch.func, curvlinops and JAX.

tanh networks of one input on 50 points, float64, mean squared error, one thread. Processor time of one
Hessian; all results are compared with ours first. JAX is timed after compilation, on arrays that are on its
device already.
"""

import os
import warnings

import numpy as np
import torch
from rows import fastest, main, row
from threadpoolctl import threadpool_limits
from torch import nn
from torch.func import functional_call

import epbook as ep

WIDTHS = (4, 16, 50, 128, 333)


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


def measure():
    torch.set_num_threads(1)
    threadpool_limits(1)  # NumPy's BLAS
    x, y = ep.data.tanh_teacher()
    peers = {"torch.func": with_torch_func, "curvlinops": with_curvlinops, "jax.jit(hessian)": with_jax}
    for width in WIDTHS:
        net = ep.two_layer(1, width, activation=nn.Tanh, std=0.5)
        H = ep.hessian(net, x, y)
        tools = {name: build(net, x, y) for name, build in peers.items()}
        for name, tool in tools.items():
            error = np.abs(np.asarray(tool()) - H.numpy()).max() / H.abs().max().item()
            assert error < 1e-12, f"{name} differs by {error:.1e}"
        yield row(
            {"parameters": len(H)},
            fastest({"ep.hessian": lambda net=net: ep.hessian(net, x, y), **tools}),
        )


if __name__ == "__main__":
    main(measure)
