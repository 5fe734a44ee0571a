"""Write fitted values into a machine's file: one block with one source, in place of what it held of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

MACHINES = Path(__file__).parents[1] / "data" / "machines"


def facts_block(source: str, values: Mapping[str, float]) -> str:
    """Return a ``[[facts]]`` block, each value with three digits."""
    lines = [f"{key} = {value:.3g}" for key, value in values.items()]
    return "\n".join(["[[facts]]", f'source = "{source}"', *lines, ""])


def replace_facts(slug: str, block: str) -> None:
    """Put a block at the end of a machine's file, and take its keys out of the others; one left empty goes."""
    path = MACHINES / f"{slug}.toml"
    keys = {line.split(" = ")[0] for line in block.splitlines()[2:]}
    head, *blocks = path.read_text(encoding="utf-8").split("[[facts]]\n")
    kept = []
    for each in blocks:
        lines = [line for line in each.splitlines() if line.split(" = ")[0] not in keys]
        if any(" = " in line and not line.startswith(("source", "#")) for line in lines):
            kept.append("\n".join(lines).strip() + "\n")
    text = "\n".join([head, *(f"[[facts]]\n{each}" for each in kept), block])
    path.write_text(text.replace("\n\n\n", "\n\n"), encoding="utf-8")
