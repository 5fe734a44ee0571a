"""A chart that the kernel can move, and that leaves nothing behind in the browser when it goes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets
import vl_convert

__all__ = ["Chart"]


class Chart(anywidget.AnyWidget):
    """A Vega-Lite chart as a widget.

    Altair's own keeps a copy of Vega for each chart, and every chart it has ever shown, until the page is closed.

    Attributes
    ----------
    spec : dict
        The chart; a new one is drawn anew.
    chosen : dict
        Values of its parameters; new ones move it.
    sentence : str
        What it shows there, for those who do not see it.
    """

    _esm = Path(__file__).with_name("chart.js")
    vega = traitlets.Unicode().tag(sync=True)
    spec = traitlets.Dict().tag(sync=True)
    chosen = traitlets.Dict().tag(sync=True)
    sentence = traitlets.Unicode().tag(sync=True)

    def __init__(self, spec: dict[str, Any], chosen: dict[str, Any], sentence: str) -> None:
        super().__init__(vega=_vega(), spec=spec, chosen=chosen, sentence=sentence)

    def move(self, chosen: dict[str, Any], sentence: str) -> None:
        """Let the chart show the row where its parameters have the values ``chosen``."""
        with self.hold_sync():
            self.sentence, self.chosen = sentence, chosen

    def draw(self, spec: dict[str, Any], chosen: dict[str, Any], sentence: str) -> None:
        """Draw another chart in the same place."""
        with self.hold_sync():
            self.sentence, self.chosen, self.spec = sentence, chosen, spec


@cache
def _vega() -> str:
    """Return Vega, Vega-Lite and their embedding as a module, from the wheel: it needs no network."""
    bundle: str = vl_convert.javascript_bundle("export default vegaEmbed;", vl_version="5.20")
    return bundle
