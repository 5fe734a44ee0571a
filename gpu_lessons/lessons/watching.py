"""Watch a network learn: loss and accuracy are drawn while it trains, and a training that runs away is stopped."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gpu_lessons.arguments import require_count, shown

__all__ = ["LearningCurve", "watch_training"]

#: Seconds from one drawing to the next: a figure takes a tenth of that.
_REDRAW_S = 0.5


@dataclass
class LearningCurve:
    """What a training did, epoch by epoch.

    Attributes
    ----------
    losses, accuracies : list of float
        Mean loss of each epoch, and the share of test samples that were told right after it.
    epochs : int
        How many there might be.
    goal : float or None
        Accuracy at which the training ends.
    guessing : float
        Loss of a network that guesses: the logarithm of the number of classes.
    """

    epochs: int
    goal: float | None
    guessing: float
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)

    @property
    def reached_goal(self) -> bool:
        """Whether the last epoch reached the goal."""
        return self.goal is not None and bool(self.accuracies) and self.accuracies[-1] >= self.goal

    @property
    def ran_away(self) -> bool:
        """Whether the loss is no number any more, or worse than guessing and no longer falling."""
        if not self.losses:
            return False
        *before, last = self.losses
        if not math.isfinite(last):
            return True
        return bool(before) and last > self.guessing and last >= min(before)

    def __str__(self) -> str:
        done = len(self.losses)
        if not done:
            return f"Epoch 1 of {self.epochs}."
        epochs = f"{done} epoch{'s' if done > 1 else ''}"
        loss, right = self.losses[-1], 100 * self.accuracies[-1]
        if self.ran_away:
            what = f"the loss is {loss:.3g}, where guessing gives {self.guessing:.2f}"
            if not math.isfinite(loss):
                what = f"the loss is no number any more ({loss})"
            return f"Stopped after {epochs}: {what}. The steps are too long; try a smaller learning rate."
        return f"{right:.1f}% right after {epochs}, loss {loss:.3g}."


def watch_training(
    epoch: Callable[[], tuple[float, float]], epochs: int, *, goal: float | None = None, classes: int = 10
) -> LearningCurve:
    """Train epoch by epoch, draw loss and accuracy meanwhile, and stop at the goal or when the training runs away.

    Parameters
    ----------
    epoch : callable
        Trains for one epoch; returns the mean loss and the share of test samples told right.
    epochs : int
        How many at most.
    goal : float, optional
        Accuracy at which to stop, from 0 to 1.
    classes : int
        Of the samples; a network that guesses has a loss of log(classes).

    Returns
    -------
    LearningCurve
        Its text is how it ended.

    Raises
    ------
    TypeError, ValueError
        If ``epochs`` or ``classes`` is no count, or ``epoch`` returns anything but two numbers.
    KeyboardInterrupt
        If somebody stops it; the curve so far stays.
    """
    curve = LearningCurve(
        require_count("epochs", epochs), goal, math.log(require_count("classes", classes, at_least=2))
    )
    drawing = _Drawing(curve)
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # the curve says it better
            while len(curve.losses) < epochs and not (curve.reached_goal or curve.ran_away):
                loss, accuracy = _two_numbers(epoch())
                curve.losses.append(loss)
                curve.accuracies.append(accuracy)
                drawing.refresh()
    finally:
        drawing.finish()
    return curve


def _two_numbers(got: Any) -> tuple[float, float]:  # noqa: ANN401 - whatever the learner returns
    try:
        loss, accuracy = got
        return float(loss), float(accuracy)
    except (TypeError, ValueError):
        raise TypeError(f"epoch must return loss and accuracy, two numbers, got {shown(got)}") from None


class _Drawing:
    """The figure of a curve on the page: drawn over now and then, and complete at the end."""

    def __init__(self, curve: LearningCurve) -> None:
        from gpu_lessons.charts.display import is_live

        self._curve = curve
        self._handle: Any = None
        self._drawn_s = -math.inf
        self._live = is_live()

    def refresh(self) -> None:
        """Draw the curve so far, if somebody looks and the last drawing is some time ago."""
        from gpu_lessons.charts.bundle import EMBEDDED, VEGA_LITE, vega_lite

        if not self._live or time.monotonic() - self._drawn_s < _REDRAW_S:
            return
        figure = self._figure()
        # No picture: it takes longest, and only the last one is kept.
        self._show({VEGA_LITE: vega_lite(figure.chart(), figure.needed), "text/plain": figure.sentence()}, EMBEDDED)
        self._drawn_s = time.monotonic()

    def finish(self) -> None:
        """Leave the whole curve on the page, or its sentence where there is no page."""
        ipython = sys.modules.get("IPython")
        if ipython is None or ipython.get_ipython() is None:
            print(self._curve)
        elif self._curve.losses:
            self._show(*self._figure()._repr_mimebundle_())

    def _figure(self) -> Any:  # noqa: ANN401 - charts are imported when something is drawn
        from gpu_lessons.charts.learning_curve import learning_figure

        curve = self._curve
        return learning_figure(
            curve.losses,
            curve.accuracies,
            epochs=curve.epochs,
            guessing=curve.guessing,
            goal=curve.goal,
            sentence=str(curve),
        )

    def _show(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(data, metadata=metadata, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(data, metadata=metadata, raw=True)
