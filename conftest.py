"""Every test, doctests included, runs without a screen and with the same cases every time, on one thread
where the surroundings ask for no other number."""

import os
import signal
import threading

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and PyTorch are loaded, which read it

import hypothesis
import matplotlib
import torch

matplotlib.use("agg")
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
# No deadline: a first call may compile.
hypothesis.settings.register_profile("book", deadline=None, derandomize=True)
hypothesis.settings.load_profile("book")
# What a shell starts in the background is deaf to Ctrl-C, and the tests of Ctrl-C would wait for ever.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)
