"""Every test, doctests included, runs on one thread, without a screen, and with the same cases every time."""

import hypothesis
import matplotlib
import torch

matplotlib.use("agg")
torch.set_num_threads(1)
# No deadline: a first call may compile.
hypothesis.settings.register_profile("book", deadline=None, derandomize=True)
hypothesis.settings.load_profile("book")
