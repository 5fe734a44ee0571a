"""What a learner sets in an explorer, declared once; each display makes of it what it can."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gpu_lessons.arguments import require_power_of_two

__all__ = ["Buttons", "Control", "Picker", "Slider", "controls_of", "inputs", "power_slider", "starts"]


@dataclass(frozen=True, slots=True)
class Control:
    """One choice of the learner's.

    Attributes
    ----------
    parameter : str
        What it sets: a column of the rows and a parameter of the chart, or, of a `Picker`, an argument of the question.
    label : str
        What stands beside it.
    options : sequence of (str, value)
        The words a learner reads, and what they stand for.
    start : value
        The option chosen at first.
    """

    parameter: str
    label: str
    options: Sequence[tuple[str, Any]]
    start: Any

    @property
    def values(self) -> list[Any]:
        """What the options stand for."""
        return [value for _, value in self.options]

    @property
    def words(self) -> list[str]:
        """What a learner reads."""
        return [words for words, _ in self.options]


class Slider(Control):
    """A choice among the rows that the chart holds, in an order: it answers within a frame."""

    __slots__ = ()


class Buttons(Control):
    """A choice of few among the rows that the chart holds."""

    __slots__ = ()


class Picker(Control):
    """A choice that asks the question anew: the chart gets other rows. It needs a kernel."""

    __slots__ = ()


def power_slider(parameter: str, label: str, exponents: range, argument: str, start: object) -> Slider:
    """Return a slider whose options read ``256`` and stand for the exponent 8.

    Raises
    ------
    TypeError, ValueError
        If ``start``, which the caller was given as ``argument``, is no power of two with one of the exponents.
    """
    options = [(f"{2**exponent:,}", exponent) for exponent in exponents]
    return Slider(parameter, label, options, require_power_of_two(argument, start, exponents))


def starts(controls: Iterable[Control]) -> dict[str, Any]:
    """Return the value each parameter has at first."""
    return {control.parameter: control.start for control in controls}


def inputs(controls: Iterable[Control]) -> list[dict[str, Any]]:
    """Return the signals by which a chart without a kernel has its own inputs."""
    return [signal for control in controls for signal in _INPUTS[type(control)](control)]


def controls_of(signals: Iterable[dict[str, Any]]) -> list[Control]:
    """Return the controls from which `inputs` made the signals of a saved chart, for a page with inputs of its own."""
    named = {signal["name"]: signal for signal in signals}
    return [each for name in named for kind in _READ if (each := kind(name, named)) is not None]


def _read_range(name: str, named: dict[str, dict[str, Any]]) -> Control | None:
    place, said = named.get(f"{name}_place"), named.get(f"{name}_said")
    if place is None or said is None:
        return None
    values, words = (json.JSONDecoder().raw_decode(each["update"])[0] for each in (named[name], said))
    return Slider(name, said["bind"]["name"], tuple(zip(words, values, strict=True)), values[place["value"]])


def _read_select(name: str, named: dict[str, dict[str, Any]]) -> Control | None:
    bind = named[name].get("bind", {})
    if bind.get("input") != "select":
        return None
    return Buttons(name, bind["name"], tuple(zip(bind["labels"], bind["options"], strict=True)), named[name]["value"])


def _range(control: Control) -> list[dict[str, Any]]:
    """Return a slider over the places of the options, what it chooses, and the words of that as its readout."""
    place, parameter = f"{control.parameter}_place", control.parameter
    words = control.words
    # Vega writes a raw number beside its own "range". The browser reads RANGE alike, Vega does not, and adds nothing.
    slides = {
        "input": "RANGE",
        "min": 0,
        "max": len(words) - 1,
        "step": 1,
        "name": " ",
        "aria-label": f"{control.label}, {len(words)} steps from {words[0]} to {words[-1]}",
        # Its value stands right of it, with the label.
        "style": "float: left; clear: left; width: 200px; margin: 2px 12px 2px 0",
    }
    said = {
        "input": "text",
        "readonly": "",
        "tabindex": "-1",
        "name": control.label,
        "style": "border: 0; background: none; font: inherit; color: inherit; width: 10em; margin-left: 6px",
    }
    return [
        {"name": place, "value": control.values.index(control.start), "bind": slides},
        {"name": parameter, "update": f"{json.dumps(control.values)}[toNumber({place})]"},
        {"name": f"{parameter}_said", "update": f"{json.dumps(words)}[toNumber({place})]", "bind": said},
    ]


def _select(control: Control) -> list[dict[str, Any]]:
    bind = {"input": "select", "options": control.values, "labels": control.words, "name": control.label}
    return [{"name": control.parameter, "value": control.start, "bind": bind}]


_INPUTS = {Slider: _range, Buttons: _select}
_READ = (_read_range, _read_select)
