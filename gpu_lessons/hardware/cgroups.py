"""What a container lets this process use: Linux control groups, version 1 and 2."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["cpu_quota", "memory_left_bytes", "memory_limit_bytes"]

#: Version 1 writes "no limit" as the largest multiple of a page in 63 bits.
_NO_LIMIT_BYTES = 2**60


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Return how many CPUs' worth of time this process may use, or None without a quota.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` lie; only tests pass another one.
    """
    quotas = []
    for folder in _folders(root, "cpu"):
        words = _read(folder / "cpu.max").split() or [
            _read(folder / "cpu.cfs_quota_us"),
            _read(folder / "cpu.cfs_period_us"),
        ]
        quota, period = (_number(word) for word in (*words, "", "")[:2])
        if quota and period:
            quotas.append(quota / period)
    return min(quotas, default=None)


def memory_limit_bytes(root: Path = Path("/")) -> int | None:
    """Return the most memory this process's group may hold, or None without a limit."""
    return min((limit for limit, _ in _memory(root)), default=None)


def memory_left_bytes(root: Path = Path("/")) -> int | None:
    """Return what is left of the tightest limit, or None without one; cached file pages count as left."""
    return min((max(limit - used, 0) for limit, used in _memory(root)), default=None)


def _memory(root: Path) -> Iterator[tuple[int, int]]:
    """Yield (limit, use) in bytes for this process's group and the groups around it."""
    for folder in _folders(root, "memory"):
        limit = _number(_read(folder / "memory.max") or _read(folder / "memory.limit_in_bytes"))
        if limit is None or limit >= _NO_LIMIT_BYTES:
            continue
        used = _number(_read(folder / "memory.current") or _read(folder / "memory.usage_in_bytes")) or 0
        stat = dict(line.split(maxsplit=1) for line in _read(folder / "memory.stat").splitlines() if " " in line)
        reclaimable = _number(stat.get("total_inactive_file", stat.get("inactive_file", ""))) or 0
        yield limit, max(used - reclaimable, 0)


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """Yield the group's folder and the folders around it, each of which can set its own limit.

    Inside a container the path that the kernel tells is often the host's and is not there; the mount point
    itself then is the container's group.
    """
    mount = root / "sys" / "fs" / "cgroup"
    for line in _read(root / "proc" / "self" / "cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number != "0" and controller not in controllers.split(","):
            continue
        parts = [part for part in path.split("/") if part and part != ".."]
        for base in [mount] if number == "0" else [mount / controllers, mount / controller]:
            for depth in range(len(parts), -1, -1):
                yield base.joinpath(*parts[:depth])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _number(word: str) -> int | None:
    """Return the positive number, or None for "max", -1 or nothing."""
    return int(word) if word.isdecimal() and int(word) > 0 else None
