"""One chart as a saved notebook holds it: Vega-Lite, a picture, and a sentence."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import altair as alt
import vl_convert
from PIL import Image

from gpu_lessons.charts.theme import prepare

__all__ = ["EMBEDDED", "VEGA_LITE", "WIDEST", "Figure", "own_data", "static_bundle", "vega_lite"]

#: Pixels a figure may take: what JupyterLab leaves it beside the file browser in a window of 1,280.
WIDEST = 836

VEGA_LITE = "application/vnd.vegalite.v5+json"
# Vega's default style shrinks the page of a figure to the figure, which then cannot see how much room it has.
EMBEDDED = {VEGA_LITE: {"embed_options": {"actions": False, "renderer": "svg", "defaultStyle": False}}}


@contextmanager
def own_data() -> Iterator[None]:
    """Let charts hold their rows, whatever data transformer a learner has switched on.

    Altair's "vegafusion" refuses to write Vega-Lite, "json" and "csv" put the rows into files, and "default" refuses
    many rows.
    """
    with alt.data_transformers.enable("default", max_rows=None):
        yield


def vega_lite(chart: alt.TopLevelMixin | alt.TopLevelSpec, needed: int = WIDEST) -> dict[str, Any]:
    """Return ``chart`` as Vega-Lite that fits its page and hides from screen readers what has no words."""
    with own_data():
        spec: dict[str, Any] = chart.to_dict()
    if not any(each["name"] == "room" for each in spec.get("params", [])):
        prepare(spec, needed)
    return spec


def static_bundle(
    chart: alt.TopLevelMixin | alt.TopLevelSpec, sentence: str, needed: int = WIDEST
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the mime bundle of ``chart`` and its metadata.

    JupyterLab draws the Vega-Lite, sliders alive, with no kernel; pages that run no JavaScript show the picture;
    everything else says the sentence.
    """
    spec = vega_lite(chart, needed)
    picture = _smaller(vl_convert.vegalite_to_png(spec, vl_version="5.20", scale=1.5))
    data = {VEGA_LITE: spec, "image/png": base64.b64encode(picture).decode(), "text/plain": sentence}
    return data, EMBEDDED


def _smaller(picture: bytes) -> bytes:
    """Return the same picture in a third of the bytes: a lesson holds several, and none has more than 256 colours."""
    smaller = io.BytesIO()
    flat = Image.open(io.BytesIO(picture)).convert("RGB")  # charts have a background
    flat.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(smaller, "PNG", optimize=True)
    return smaller.getvalue()


class Figure:
    """A chart without widgets, as the last line of a cell.

    Parameters
    ----------
    chart : callable
        Returns the altair chart. That may take half a second, so it is called when the figure is shown.
    sentence : str
        The chart in one sentence, for those who do not see it.
    rows : list of dict
        The numbers behind it.
    needed : int
        Pixels the chart takes at least where nothing has to be broken; see `gpu_lessons.charts.theme.fit_to_page`.
    """

    def __init__(
        self,
        chart: Callable[[], alt.TopLevelMixin | alt.TopLevelSpec],
        sentence: str,
        rows: list[dict[str, Any]],
        needed: int = WIDEST,
    ) -> None:
        self.chart = chart
        self._sentence = sentence
        self._rows = rows
        self.needed = needed

    def sentence(self) -> str:
        """Return the chart in one sentence."""
        return self._sentence

    def table(self) -> list[dict[str, Any]]:
        """Return the numbers behind the chart."""
        return self._rows

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        return static_bundle(self.chart(), self._sentence, self.needed)
