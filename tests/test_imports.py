"""The numerics load nothing that draws, shows or reads data sets: `ep.hessian` needs none of it."""

import subprocess
import sys
from pathlib import Path

NOT_NEEDED = ["IPython", "ipywidgets", "matplotlib", "mlxtend", "pandas", "sklearn"]
WORK = f"""
import sys
import torch
import epbook as ep

x = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
net = ep.two_layer(1, 2, activation="tanh", std=0.5)
ep.find_critical(net, x, x**2, steps=5)
ep.reduce(ep.split(net, layer=0, neuron=0, alpha=0.3), x, x**2, similarity=0.9)
ep.train_many([2], 2, x, x**2, steps=3, lr=0.1, activation="tanh", jobs=1)
print(*sorted(set({NOT_NEEDED}) & set(sys.modules)))
"""


def test_the_numerics_load_nothing_that_draws():
    child = subprocess.run(
        [sys.executable, "-c", WORK],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (child.returncode, child.stdout.strip()) == (0, ""), child.stderr[-2000:]
