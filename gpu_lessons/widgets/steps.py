"""A slider over named steps: 256, not the eighth of fifteen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

__all__ = ["StepSlider"]


class StepSlider(anywidget.AnyWidget):
    """A slider over ``options``, words and the values they stand for, with the interface of ipywidgets' selections.

    The slider of ipywidgets tells screen readers the place of an option, and loses its arrow keys in Notebook 7.

    Parameters
    ----------
    options : sequence of (str, value)
        From left to right.
    value : value
        The one chosen at first.
    description : str
        What stands beside it and is its name.
    readout : bool
        Whether the words of the chosen option stand beside it as well.
    """

    _esm = Path(__file__).with_name("steps.js")
    description = traitlets.Unicode().tag(sync=True)
    steps = traitlets.List(traitlets.Unicode()).tag(sync=True)
    place = traitlets.Int().tag(sync=True)
    readout = traitlets.Bool(True).tag(sync=True)
    value = traitlets.Any()

    def __init__(
        self, *, options: Sequence[tuple[str, Any]], value: object, description: str, readout: bool = True
    ) -> None:
        self.options = tuple(options)
        values = [each for _, each in options]
        super().__init__(
            steps=[words for words, _ in options],
            place=values.index(value),
            value=value,
            description=description,
            readout=readout,
        )

    @traitlets.observe("place")
    def _slid(self, change: dict[str, Any]) -> None:
        self.value = self.options[change["new"]][1]

    @traitlets.observe("value")
    def _set(self, change: dict[str, Any]) -> None:
        self.place = [each for _, each in self.options].index(change["new"])
