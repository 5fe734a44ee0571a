"""Checks of lesson 11."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpu_lessons.lessons.checks import check, compare, compare_cases
from gpu_lessons.units import format_bytes

__all__ = ["Choosable", "check_choose_machine", "check_widest_claims"]


@dataclass(frozen=True, slots=True)
class Choosable:
    """A machine that could do a piece of work: what it holds, how long it takes, and what an hour of it costs."""

    name: str
    memory_bytes: float
    hours: float
    usd_per_hour: float

    def __repr__(self) -> str:
        memory, hours = format_bytes(self.memory_bytes), f"{self.hours:.3g} hours"
        return f"({self.name}: {memory}, {hours}, {self.usd_per_hour:.3g} USD an hour)"


def _widest(gpu_s: Mapping[str, float], cpu_s: Mapping[str, float]) -> tuple[float, float]:
    return min(cpu_s.values()) / max(gpu_s.values()), max(cpu_s.values()) / min(gpu_s.values())


_HOSTS = "That pairs each GPU with one CPU only. Any GPU may be set against any CPU."
_WIDEST_MISTAKES = (
    (
        lambda gpu_s, cpu_s: (
            min(cpu / gpu for gpu, cpu in zip(gpu_s.values(), cpu_s.values(), strict=True)),
            max(cpu / gpu for gpu, cpu in zip(gpu_s.values(), cpu_s.values(), strict=True)),
        ),
        _HOSTS,
    ),
    (lambda gpu_s, cpu_s: _widest(gpu_s, cpu_s)[::-1], "The smallest factor comes first."),
    (
        lambda gpu_s, cpu_s: (min(cpu_s.values()) / min(gpu_s.values()), max(cpu_s.values()) / max(gpu_s.values())),
        "For the smallest factor take the slowest GPU, for the largest the fastest.",
    ),
    (
        lambda gpu_s, cpu_s: (min(gpu_s.values()) / max(cpu_s.values()), max(gpu_s.values()) / min(cpu_s.values())),
        "That is GPU time over CPU time. A speed-up is CPU time over GPU time.",
    ),
)


@check(
    hints=(
        "A factor is the time of a CPU divided by the time of a GPU. Which CPU and which GPU make it small?",
        "The smallest: the fastest CPU beside the slowest GPU. gpu_s.values() are the times without their names.",
        "min(cpu_s.values()) / max(gpu_s.values()), and the other way round for the largest",
    )
)
def check_widest_claims(widest_claims: object) -> str:
    """Judge the smallest and the largest speed-up that the same times allow."""
    rng = random.Random("widest_claims")
    cases: list[tuple[dict[str, float], dict[str, float]]] = [
        ({"old": 0.5, "new": 0.02}, {"laptop": 1.0, "server": 4.0}),
        ({"one": 0.25}, {"one": 0.125}),
    ]
    for count in (3, 4, 2):
        names = rng.sample("abcdefgh", count)
        gpu_s = {name: rng.uniform(1e-3, 0.2) for name in names}
        cpu_s = {name: rng.uniform(1e-2, 3.0) for name in rng.sample("stuvwxyz", count)}
        cases.append((gpu_s, cpu_s))
    compare_cases(widest_claims, cases, _widest, mistakes=_WIDEST_MISTAKES)
    fewer = ({"a": 0.01}, {"r": 0.4, "s": 2.0, "t": 0.05})  # as many CPUs as GPUs is an accident
    compare(widest_claims, fewer, expected=_widest(*fewer))
    return "Whoever chooses the pair chooses the factor."


#: What stands for no machine.
_NONE = "none"


def _good(
    machines: Sequence[Choosable], needed_bytes: float, deadline_hours: float, budget_usd: float
) -> list[Choosable]:
    return [
        each
        for each in machines
        if each.memory_bytes >= needed_bytes
        and each.hours <= deadline_hours
        and each.hours * each.usd_per_hour <= budget_usd
    ]


def _cheapest(*asked: Any) -> str:  # noqa: ANN401
    return min(((each.hours * each.usd_per_hour, each.name) for each in _good(*asked)), default=(0, _NONE))[1]


def _least(key: str, machines: Sequence[Choosable], *limits: float) -> str:
    return min(((getattr(each, key), each.name) for each in _good(machines, *limits)), default=(0, _NONE))[1]


def _without(name: str) -> Any:  # noqa: ANN401
    """Return a choice that forgets a limit."""

    def choose(machines: Sequence[Choosable], needed_bytes: float, hours: float, budget_usd: float) -> str:
        limits = {"needed_bytes": needed_bytes, "hours": hours, "budget_usd": budget_usd}
        limits[name] = 0.0 if name == "needed_bytes" else float("inf")
        return _cheapest(machines, *limits.values())

    return choose


_CHOICE_MISTAKES = (
    (_without("needed_bytes"), "One of them lacks the memory."),
    (_without("hours"), "One of them is too late."),
    (_without("budget_usd"), "One of them costs more than the budget."),
    (lambda *asked: _least("usd_per_hour", *asked), "That is the cheapest hour. The whole costs hours times that."),
    (lambda *asked: _least("hours", *asked), "That is the fastest. Asked is the cheapest of those that are in time."),
)


@check(
    hints=(
        "Leave out the machines that break one of the three limits. What does the work cost on each of the others?",
        'The work costs each.hours * each.usd_per_hour. Take the least of those that are left; if none is, "none".',
        "good = [each for each in machines if ...], then min(good, key=a function of the cost).name, if good",
    )
)
def check_choose_machine(choose_machine: object) -> str:
    """Judge the cheapest machine that has the memory and is in time and in budget."""
    small = Choosable("small", 12e9, 9.0, 0.2)
    middle = Choosable("middle", 24e9, 4.0, 0.4)
    large = Choosable("large", 80e9, 1.0, 3.0)
    three = [small, middle, large]
    cases: list[tuple[Any, ...]] = [
        (three, 10e9, 10.0, 10.0),  # middle: its hour costs more, the whole less
        (three, 30e9, 10.0, 10.0),  # only large has the memory
        (three, 10e9, 2.0, 10.0),  # only large is in time
        (three, 24e9, 4.0, 1.6),  # middle, exactly at every limit
        (three, 10e9, 2.0, 2.0),  # in time is only large, and it is too dear
        (three, 90e9, 100.0, 100.0),
        ([Choosable("mine", 64e9, 8.0, 0.0), *three], 20e9, 10.0, 1.0),  # one that costs nothing
        ([Choosable("fast", 16e9, 1.0, 0.9), Choosable("slow", 24e9, 30.0, 0.01)], 10e9, 10.0, 1.0),  # late and cheap
    ]
    rng = random.Random("choose_machine")
    for _ in range(8):
        found = [
            Choosable(name, rng.choice((8e9, 16e9, 24e9, 80e9)), rng.uniform(0.5, 20), rng.uniform(0.1, 4))
            for name in rng.sample(("ash", "birch", "cedar", "elm", "fir", "oak", "pine"), 5)
        ]
        cases.append((found, rng.choice((4e9, 12e9, 20e9)), rng.uniform(4, 20), rng.uniform(2, 20)))
    compare_cases(choose_machine, cases, _cheapest, mistakes=_CHOICE_MISTAKES)
    return "Memory first, then time, then money: the fastest machine is seldom the one to take."
