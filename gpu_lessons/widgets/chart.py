"""A chart that its controls move in the browser, and that leaves nothing behind there when it goes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import traitlets
import vl_convert

__all__ = ["Chart"]


class Chart(anywidget.AnyWidget):
    """A Vega-Lite chart as a widget.

    Altair's own keeps a copy of Vega for each chart, and every chart it has ever shown, until the page is closed. Its
    parameters do not listen to other widgets: each move of a slider would wait for the kernel, which may be busy.

    Attributes
    ----------
    spec : dict
        The chart; a new one is drawn anew.
    sentences : list of str
        What it shows, for those who do not see it: one for each combination of options, as `itertools.product` orders
        them.
    controls : dict
        By parameter of the chart, the `StepSlider` or `ipywidgets.ToggleButtons` that sets it.
    values : dict
        By parameter, what the options of its widget stand for.
    """

    _esm = Path(__file__).with_name("chart.js")
    vega = traitlets.Unicode().tag(sync=True)
    spec = traitlets.Dict().tag(sync=True)
    sentences = traitlets.List(traitlets.Unicode()).tag(sync=True)
    controls = traitlets.Dict().tag(sync=True, **widgets.widget_serialization)
    values = traitlets.Dict().tag(sync=True)

    def __init__(self, spec: dict[str, Any], sentences: list[str], controls: dict[str, Any]) -> None:
        values = {parameter: [value for _, value in control.options] for parameter, control in controls.items()}
        super().__init__(vega=_vega(), spec=spec, sentences=sentences, controls=controls, values=values)

    def draw(self, spec: dict[str, Any], sentences: list[str]) -> None:
        """Draw another chart in the same place."""
        with self.hold_sync():
            self.sentences, self.spec = sentences, spec


@cache
def _vega() -> str:
    """Return Vega, Vega-Lite and their embedding as a module, from the wheel: it needs no network."""
    bundle: str = vl_convert.javascript_bundle("export default vegaEmbed;", vl_version="5.20")
    return bundle
