"""A neural network by hand: every forward pass beside its backward pass, on any array library.

With this module one can

- run a layer: ``y = Dense(784, 10).forward(x)``;
- train a network: ``network.forward``, ``loss.forward``, ``network.backward(loss.backward())``, ``optimizer.step``;
- do the same on a GPU: ``Dense(784, 10, xp=cupy)``. Nothing else changes.

>>> import numpy as np
>>> x = np.array([[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]], dtype="float32")  # three samples of two numbers
>>> labels = np.array([0, 1, 0])
>>> network, loss = Network([Dense(2, 8), ReLU(), Dense(8, 2)]), SoftmaxCrossEntropy()
>>> first = float(loss.forward(network.forward(x), labels))
>>> for _ in range(100):
...     dx = network.backward(loss.backward())
...     SGD(0.1).step(network)
...     last = float(loss.forward(network.forward(x), labels))
>>> last < first / 2
True
"""

from gpu_lessons.nn.activations import ReLU
from gpu_lessons.nn.dense import Dense
from gpu_lessons.nn.losses import SoftmaxCrossEntropy
from gpu_lessons.nn.network import Network
from gpu_lessons.nn.optimizers import SGD

__all__ = ["SGD", "Dense", "Network", "ReLU", "SoftmaxCrossEntropy"]
