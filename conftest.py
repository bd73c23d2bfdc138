"""Every test, doctests included, computes on one thread, draws without a screen and draws its cases by seed."""

import hypothesis
import matplotlib
import torch

matplotlib.use("agg")
torch.set_num_threads(1)
# No deadline: a first call may compile. Derandomised: the same cases in every run.
hypothesis.settings.register_profile("book", deadline=None, derandomize=True)
hypothesis.settings.load_profile("book")
