"""The learner's calibration: confidence against being right, and the errors of predictions over the course."""

from __future__ import annotations

import statistics
from typing import Any

from gpu_lessons.lessons.answers import CONFIDENCES
from gpu_lessons.lessons.scores import CLOSE, by_confidence, scored_predictions
from gpu_lessons.units import format_factor

__all__ = ["Calibration", "my_calibration"]

_NOTHING = "No prediction has met its truth yet, and no claim is rated: there is nothing to draw."


class Calibration:
    """How sure the learner was and how often that was right; in a notebook it shows as a figure."""

    def __init__(self) -> None:
        self._predictions = scored_predictions()
        self._sure = by_confidence()

    def __bool__(self) -> bool:
        return bool(self._predictions) or any(count for _, count in self._sure.values())

    def sentence(self) -> str:
        """Return it in a sentence or two."""
        if not self:
            return _NOTHING
        shares = ", ".join(f"{name} {right} of {of}" for name, (right, of) in self._sure.items() if of)
        return f"Right, by how sure you were: {shares or 'nothing rated'}. {self._error()}"

    def _error(self) -> str:
        factors = [each.factor for each in self._predictions]
        if not factors:
            return "No prediction has met its truth yet."
        halves = factors[: len(factors) // 2], factors[len(factors) // 2 :]
        middle = [format_factor(statistics.median(half or factors))[:-1] for half in halves]
        return (
            f"{len(factors)} predictions were off by a factor of {middle[0]} in the middle of the first half and "
            f"{middle[1]} in that of the second."
        )

    def sure(self) -> list[dict[str, Any]]:
        """Return one row a confidence: the share that was right."""
        return [
            {"confidence": name, "share": right / of if of else 0.0, "said": f"{right} of {of}"}
            for name in CONFIDENCES
            for right, of in [self._sure[name]]
        ]

    def errors(self) -> list[dict[str, Any]]:
        """Return one row a prediction: its lesson and the factor it was off by."""
        return [
            {"lesson": each.key[:2], "factor": float(f"{each.factor:.4g}"), "question": each.question or each.key}
            for each in self._predictions
        ]

    def chart(self) -> Any:  # noqa: ANN401  (altair is imported where a chart is shown)
        """Return the Altair chart."""
        from gpu_lessons.charts.calibration import calibration_chart

        return calibration_chart(self.sure(), self.errors(), CLOSE, self.sentence())

    def svg(self) -> str:
        """Return the figure as a picture that stands in a page; its texts are escaped."""
        import vl_convert

        from gpu_lessons.charts.bundle import own_data

        with own_data():
            return str(vl_convert.vegalite_to_svg(self.chart().to_dict(), vl_version="5.20"))

    def __repr__(self) -> str:
        return self.sentence()

    def _repr_mimebundle_(self, **_: object) -> Any:  # noqa: ANN401  (a bundle and its metadata, or a bundle)
        if not self:
            return {"text/plain": self.sentence()}
        from gpu_lessons.charts.bundle import static_bundle

        return static_bundle(self.chart(), self.sentence())


def my_calibration() -> Calibration:
    """Return how sure you were of your predictions and ratings and how often you were right, as a figure.

    A prediction counts as right within a factor of two, a claim if it was first rated as the course found it. Only the
    first answer to a question counts, and only once its truth was shown.
    """
    return Calibration()
