"""An explorer: one declaration, from which every display of it is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import altair as alt

from gpu_lessons.charts.bundle import Figure
from gpu_lessons.charts.composition import Panels, compose
from gpu_lessons.charts.display import is_live
from gpu_lessons.charts.front_end import when_it_draws
from gpu_lessons.charts.widget_view import running_cell, with_widgets
from gpu_lessons.explorers.controls import Control, Picker, inputs, starts
from gpu_lessons.explorers.live import Button, Live

__all__ = ["Answer", "Explorer"]


class Answer(Protocol):
    """What a question is answered with: everything the figure can show until a picker is used."""

    def rows(self) -> list[dict[str, Any]]:
        """Return the chart's rows: one for every combination of the controls, whose values are columns of it."""

    def table(self) -> list[dict[str, Any]]:
        """Return the numbers for a reader; the chart's rows where those are flat."""
        return self.rows()

    def sentence(self, **chosen: int) -> str:
        """Return the figure in one sentence where the controls have the values ``chosen``."""


class Explorer(Figure):
    """A figure with controls, as the last line of a cell.

    Parameters
    ----------
    controls : sequence of Slider or Buttons
        What chooses among the rows of an answer.
    ask : callable
        The question: takes the values of the pickers by name and returns an `Answer`. It raises ValueError, with one
        sentence, where there is none.
    chart : callable
        Takes the answer and returns the panels of the figure.
    pickers : sequence of Picker
        What the question takes.
    buttons : sequence of Button
        What else a kernel can do, such as measuring.
    """

    def __init__(
        self,
        *,
        controls: Sequence[Control],
        ask: Callable[..., Any],
        chart: Callable[[Any], Panels],
        pickers: Sequence[Picker] = (),
        buttons: Sequence[Button] = (),
    ) -> None:
        self.controls, self.pickers, self.buttons = controls, pickers, buttons
        self.ask, self._panels = ask, chart
        self.answer = answer = ask(**starts(pickers))
        chosen = starts(controls)
        super().__init__(
            lambda: self.drawn(answer, chosen, inputs(controls)), answer.sentence(**chosen), answer.table()
        )

    def drawn(
        self, answer: Answer, chosen: dict[str, Any], inputs: Sequence[dict[str, Any]] = (), warning: str = ""
    ) -> alt.TopLevelSpec:
        """Return the chart of ``answer`` with the controls at ``chosen``, and with its own inputs where given.

        A ``warning`` stands in the headline.
        """
        return compose(
            self._panels(answer),
            rows=answer.rows(),
            parameters=chosen,
            inputs=inputs,
            sentence=answer.sentence(**chosen),
            warning=warning,
        )

    def live(self) -> Live:
        """Return the widgets around the same chart, for a display with a kernel."""
        return Live(self)

    def _ipython_display_(self) -> None:
        if not is_live():
            raise NotImplementedError  # IPython then takes the bundle
        from IPython.display import display

        cell = running_cell()
        draws = when_it_draws(lambda: self._become_live(handle, cell))
        data, metadata = self._live_bundle(cell) if draws else super()._repr_mimebundle_()
        handle = display(data, metadata=metadata, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def _become_live(self, handle: Any, cell: tuple[str, str] | None) -> None:  # noqa: ANN401  (IPython has no types)
        data, metadata = self._live_bundle(cell)
        handle.update(data, metadata=metadata, raw=True)

    def _live_bundle(self, cell: tuple[str, str] | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        # The static chart stays in the bundle: it is what a notebook opened without its kernel can show.
        return with_widgets(self.live().view(), *super()._repr_mimebundle_(), cell=cell)

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        return self._live_bundle() if is_live() else super()._repr_mimebundle_()
