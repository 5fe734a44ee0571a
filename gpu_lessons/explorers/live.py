"""The live display of any explorer: ipywidgets around the same chart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from html import escape
from itertools import product
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from gpu_lessons.charts.widget_view import STAYS
from gpu_lessons.explorers.controls import Buttons, Control, Picker, Slider, starts
from gpu_lessons.widgets import Chart, StepSlider

if TYPE_CHECKING:
    from gpu_lessons.explorers.explorer import Explorer

__all__ = ["Button", "Live"]

_WRAPPED = {"flex_flow": "row wrap"}
_WIDGETS: dict[type[Control], tuple[Callable[..., Any], dict[str, Any]]] = {
    Slider: (StepSlider, {}),
    Buttons: (
        widgets.ToggleButtons,
        {
            "style": {"button_width": "auto", "description_width": "initial"},
            "layout": {"width": "auto"},  # else the buttons wrap below their own description
        },
    ),
    Picker: (widgets.Dropdown, {"style": {"description_width": "initial"}, "layout": {"width": "max-content"}}),
}


@dataclass(frozen=True, slots=True)
class Button:
    """What a kernel can do at the press of a button.

    Attributes
    ----------
    label : str
        What stands on it.
    press : callable
        Takes the `Live` display; what it raises is said below the buttons.
    can_press : callable
        Says whether it may be pressed yet; asked whenever the display has changed.
    prepare : callable
        Takes the new display before it is shown.
    """

    label: str
    press: Callable[[Live], None]
    can_press: Callable[[], bool] = lambda: True
    prepare: Callable[[Live], None] = lambda live: None


class Live:
    """Controls, pickers and buttons around the figure of an explorer.

    The chart holds its rows and follows the controls in the browser; the kernel only learns where they are. A picker
    asks the question anew. Nothing here raises into a callback unseen: every refusal is a sentence under the buttons.
    """

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.controls = {each.parameter: _widget(each) for each in explorer.controls}
        self.pickers = {each.parameter: _widget(each) for each in explorer.pickers}
        self.buttons = [(each, _button(each)) for each in explorer.buttons]
        self.progress = widgets.FloatProgress(max=1.0, layout={"visibility": "hidden"})
        self.message = widgets.HTML()
        self._picked = starts(explorer.pickers)
        self._restoring = False
        self._warning = ""
        self._answer = explorer.answer
        self.figure = Chart(*self._drawn(), self.controls)
        self.figure.add_class(STAYS)
        self._connect()
        for button, _ in self.buttons:
            button.prepare(self)
        self._let_press()

    def chosen(self) -> dict[str, Any]:
        """Return what the controls say."""
        return {parameter: control.value for parameter, control in self.controls.items()}

    def picked(self) -> dict[str, Any]:
        """Return the pickers' values that the figure shows."""
        return dict(self._picked)

    def view(self) -> widgets.VBox:
        """Return all of it, one row below the other."""
        rows = [row for row in (list(self.controls.values()), list(self.pickers.values())) if row]
        presses = [*(widget for _, widget in self.buttons), self.progress]
        boxes = [widgets.HBox(row, layout=_WRAPPED) for row in rows]
        boxes.append(widgets.HBox(presses, layout=_WRAPPED if self.buttons else {"display": "none"}))
        return widgets.VBox([*boxes, self.message, self.figure])

    def say(self, text: str) -> None:
        """Put plain text below the buttons."""
        self.message.value = escape(text, quote=False).replace("\n", "<br>")

    def report(self, share: float, text: str) -> None:
        """Say what is being done, and which share of it is."""
        self.progress.value = share
        self.say(text)

    def offer(self, parameter: str, words: str, value: object) -> None:
        """Offer one more option, first in its picker, unless it is there."""
        picker = self.pickers[parameter]
        if value not in [each for _, each in picker.options]:
            picker.options = [(words, value), *picker.options]

    def pick(self, parameter: str, value: object) -> None:
        """Let a picker have ``value``, and the figure show what is known of it by now."""
        if self.pickers[parameter].value == value:
            self._ask_again()
        self.pickers[parameter].value = value

    def warn(self, text: str) -> None:
        """Let the headline say ``text`` besides, until something else is picked."""
        self._warning = text
        self.figure.draw(*self._drawn())

    def _connect(self) -> None:
        for control in self.controls.values():
            control.observe(lambda _change: self.say(""), "value")
        for picker in self.pickers.values():
            picker.observe(self._guarded(self._pick_anew), "value")
        for button, widget in self.buttons:
            widget.on_click(self._guarded(partial(self._press, button)))

    def _guarded(self, action: Callable[[], None]) -> Callable[[object], None]:
        """Return a callback that says what ``action`` raises: a traceback would land in a log nobody reads."""

        def callback(_event: object) -> None:
            self.message.value = ""
            try:
                action()
            except Exception as error:
                self.say(str(error) or type(error).__name__)

        return callback

    def _drawn(self) -> tuple[dict[str, Any], list[str]]:
        spec = self.explorer.drawn(self._answer, self.chosen(), warning=self._warning).to_dict()
        combinations = product(*(control.values for control in self.explorer.controls))
        return spec, [self._answer.sentence(**dict(zip(self.controls, each, strict=True))) for each in combinations]

    def _press(self, button: Button) -> None:
        for _, widget in self.buttons:
            widget.disabled = True
        self.progress.layout.visibility = "visible"
        try:
            button.press(self)
        finally:
            self.progress.layout.visibility = "hidden"
            self._let_press()

    def _let_press(self) -> None:
        for button, widget in self.buttons:
            widget.disabled = not button.can_press()

    def _pick_anew(self) -> None:
        if not self._restoring:
            self._warning = ""
            self._ask_again()

    def _ask_again(self) -> None:
        picked = {parameter: picker.value for parameter, picker in self.pickers.items()}
        try:
            self._answer = self.explorer.ask(**picked)
        except Exception:
            self._restore_pickers()
            raise
        self._picked = picked
        self.figure.draw(*self._drawn())

    def _restore_pickers(self) -> None:
        """Let the pickers say again what the figure shows."""
        self._restoring = True
        try:
            for parameter, picker in self.pickers.items():
                picker.value = self._picked[parameter]
        finally:
            self._restoring = False


def _widget(control: Control) -> widgets.DOMWidget:
    kind, look = _WIDGETS[type(control)]
    return kind(description=control.label, options=list(control.options), value=control.start, **look)


def _button(button: Button) -> widgets.Button:
    return widgets.Button(description=button.label, layout={"width": "max-content"})
