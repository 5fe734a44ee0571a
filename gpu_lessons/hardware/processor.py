"""The CPU of this machine: its name, cores, caches, and what of it this process may use."""

from __future__ import annotations

import math
import os
import platform
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpu_lessons.hardware.asking import asked
from gpu_lessons.hardware.cgroups import cpu_quota, memory_left_bytes, memory_limit_bytes
from gpu_lessons.hardware.machines import Machine
from gpu_lessons.hardware.recognition import Found, known_cpu, with_found

__all__ = ["available_memory_bytes", "this_cpu", "usable_cores"]

_VENDORS = {"AuthenticAMD": "AMD", "GenuineIntel": "Intel"}
_SIMD = (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("avx", "AVX"), ("sve", "SVE"), ("asimd", "NEON"))


def this_cpu(root: Path = Path("/")) -> Machine:
    """Return the CPU of this machine with what the operating system tells of it, and a catalogue CPU's peaks.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` lie; only tests pass another one.
    """
    told = _cpuinfo(root)
    name = _name(told)
    cores = asked(lambda: _psutil().cpu_count(logical=False))
    memory_bytes = asked(lambda: min(_psutil().virtual_memory().total, memory_limit_bytes(root) or math.inf))
    known: Machine | None = asked(lambda: known_cpu(name, cores))
    here = "this machine, as the operating system tells"
    clock_hz, clock_source = _clock()
    vendor = _VENDORS.get(told.get("vendor_id", ""), "Apple" if "Apple" in name else "unknown")
    unknown = Machine(slug="this-cpu", name=_spoken(name), kind="cpu", vendor=vendor)
    found = {
        "cores": Found(cores, here),
        "threads": Found(os.cpu_count(), here),
        "simd": Found(None if known else _simd(told), f"{here}: CPU flags"),
        "clock_hz": Found(None if known else clock_hz, clock_source),
        "cache_bytes": Found(_last_cache_bytes(root), f"{here}: last cache of the first core"),
        "memory_bytes": Found(memory_bytes, f"{here}, within the limit of its control group"),
        "shares_memory_with_cpu": Found(True if "Apple" in name else None, "Apple: one memory for CPU and GPU"),
    }
    return with_found(replace(known, slug="this-cpu") if known else unknown, found)


def usable_cores(root: Path = Path("/")) -> int:
    """Return how many hardware threads this process may keep busy: its affinity, cut by a container's quota.

    A quota of 1.5 CPUs counts as 1: threads beyond the quota only make each other wait.
    """
    allowed = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        with suppress(OSError):
            allowed = len(os.sched_getaffinity(0))
    return max(1, min(allowed, math.floor(cpu_quota(root) or allowed)))


def available_memory_bytes(root: Path = Path("/")) -> int:
    """Return how much memory can be had now without swapping, within a container's limit."""
    free: int | None = asked(lambda: int(_psutil().virtual_memory().available))
    if free is None:  # without psutil, what is not in use at all
        free = asked(lambda: os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) or 0
    left = memory_left_bytes(root)
    return free if left is None else min(free, left)


def _psutil() -> Any:  # noqa: ANN401  (psutil has no types of its own)
    import psutil

    return psutil


def _cpuinfo(root: Path) -> dict[str, str]:
    """Return the first processor's entries of /proc/cpuinfo; empty where there is no such file."""
    text = asked(lambda: (root / "proc" / "cpuinfo").read_text(encoding="utf-8", errors="replace")) or ""
    entries: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        entries.setdefault(key.strip(), value.strip())
    return entries


def _name(told: dict[str, str]) -> str:
    names = (
        lambda: told.get("model name") or told.get("Model"),
        lambda: _sysctl("machdep.cpu.brand_string"),
        platform.processor,
        platform.machine,
    )
    return next((name for ask in names if (name := asked(ask))), "")


def _spoken(name: str) -> str:
    """Return the name as people say it, without trademarks, clock and core count."""
    name = re.sub(r"\((?:R|TM)\)|@.*|\bw/.*|\bwith Radeon.*", " ", name, flags=re.IGNORECASE)
    name = re.sub(r"\b\d+-Core\b|\bProcessor\b|\bCPU\b", " ", name)
    return " ".join(name.split()) or "unknown CPU"


def _simd(told: dict[str, str]) -> str | None:
    flags = set(told.get("flags", told.get("Features", "")).split())
    return next((name for flag, name in _SIMD if flag in flags), None)


def _clock() -> tuple[float | None, str]:
    """Return the highest clock, or the present one where a virtual machine hides it by saying 0."""
    clock = asked(lambda: _psutil().cpu_freq())
    if clock and clock.max:
        return clock.max * 1e6, "this machine: highest clock"
    if clock and clock.current:
        return clock.current * 1e6, "this machine: clock just now; its highest is not told"
    return None, ""


def _last_cache_bytes(root: Path) -> int | None:
    levels: dict[int, int] = {}
    for folder in (root / "sys" / "devices" / "system" / "cpu" / "cpu0" / "cache").glob("index*"):
        with suppress(OSError, ValueError):
            size = re.fullmatch(r"(\d+)([KMG])", (folder / "size").read_text().strip())
            if size and (folder / "type").read_text().strip() != "Instruction":
                factor = {"K": 2**10, "M": 2**20, "G": 2**30}[size[2]]
                levels[int((folder / "level").read_text())] = int(size[1]) * factor
    if levels:
        return levels[max(levels)]
    told = asked(lambda: _sysctl("hw.l3cachesize") or _sysctl("hw.l2cachesize"))
    return int(told) if told and told.isdecimal() else None


def _sysctl(key: str) -> str | None:
    """Return what macOS says of ``key``, None elsewhere."""
    if sys.platform != "darwin":
        return None
    answer = subprocess.run(["/usr/sbin/sysctl", "-n", key], capture_output=True, text=True, timeout=1, check=False)
    return answer.stdout.strip() or None
