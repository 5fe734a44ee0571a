"""Build a network by hand, train it, and move it to another device by naming another array namespace.

What one can do with it:

- ``Dense``, ``Conv2d``, ``MaxPool2d``, ``Flatten``, ``ReLU``: layers; ``forward(x)`` computes, ``backward(dy)`` gives
  the gradients.
- ``SoftmaxCrossEntropy``: the loss of a classifier.
- ``Network``: layers one after another, used like one layer; ``Recomputed``, ``KeptAsFloat16``: with less memory.
- ``SGD``, ``Momentum``, ``Adam``: the update that makes a network learn.

Every array operation is one of the array API standard, so the same code runs on NumPy, on CuPy and on the
simulated GPU. Learn exclusive or, which no single layer can:

>>> import numpy as np
>>> from gpu_lessons.nn import SGD, Dense, Network, ReLU, SoftmaxCrossEntropy
>>> x = np.asarray([[0, 0], [0, 1], [1, 0], [1, 1]], dtype="float32")
>>> labels = np.asarray([0, 1, 1, 0])
>>> network = Network([Dense(2, 16, seed=1), ReLU(), Dense(16, 2, seed=2)])
>>> loss, sgd = SoftmaxCrossEntropy(), SGD(learning_rate=0.5)
>>> for _ in range(200):
...     mean_loss = loss.forward(network.forward(x), labels)
...     dx = network.backward(loss.backward())
...     sgd.step(network)
>>> mean_loss < 0.05
True
>>> network.forward(x).argmax(axis=1)
array([0, 1, 1, 0])

To use another device, make the layers with its namespace, ``Dense(2, 16, xp=xp)``, and feed them its arrays.
"""

from __future__ import annotations

from gpu_lessons.nn.activations import ReLU
from gpu_lessons.nn.conv import Conv2d
from gpu_lessons.nn.dense import Dense
from gpu_lessons.nn.losses import SoftmaxCrossEntropy
from gpu_lessons.nn.network import Network
from gpu_lessons.nn.optimizers import SGD, Adam, Momentum
from gpu_lessons.nn.pooling import Flatten, MaxPool2d
from gpu_lessons.nn.sparing import KeptAsFloat16, Recomputed

__all__ = [
    "SGD",
    "Adam",
    "Conv2d",
    "Dense",
    "Flatten",
    "KeptAsFloat16",
    "MaxPool2d",
    "Momentum",
    "Network",
    "ReLU",
    "Recomputed",
    "SoftmaxCrossEntropy",
]
