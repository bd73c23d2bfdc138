"""The data sets of the book."""

from epbook.data.flowers import iris
from epbook.data.teachers import relu_teacher, tanh_teacher

__all__ = ["iris", "relu_teacher", "tanh_teacher"]
