"""The data sets of the book."""

from epbook.data.digits import Mnist, mnist
from epbook.data.flowers import iris
from epbook.data.idx import download_mnist
from epbook.data.teachers import relu_teacher, tanh_teacher

__all__ = ["Mnist", "download_mnist", "iris", "mnist", "relu_teacher", "tanh_teacher"]
