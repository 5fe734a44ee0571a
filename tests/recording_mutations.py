"""Damaged recordings: bytes and structure mutated at random. By hand: ``python tests/recording_mutations.py 10000``."""

import json
import random
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from gpu_lessons.hardware.machines import machine
from gpu_lessons.recorded import Recording, RecordingError, read_recording, write_recording
from gpu_lessons.records import Measurement, Provenance, Sweep
from gpu_lessons.work import Conv2dForward, Copy, DenseForward, DenseTrainStep, DependentChain, Elementwise, TrainEpoch

SLUG = "some-host-2026-11-24"
GPU = replace(machine("nvidia-t4"), slug=SLUG)
CPU = replace(machine("intel-xeon-platinum-8280"), slug=SLUG)
PROVENANCE = Provenance(
    date="2026-11-24", command="gpu-lessons record", seed=7, quick=False, complete=True,
    operating_system="Linux 6 x86_64", usable_cores=28,
    versions={"gpu_lessons": "0.1.0", "python": "CPython 3.13.0", "numpy": "2.3.0", "blas": "OpenBLAS 0.3.30"},
)  # fmt: skip

# What a field may be turned into: other types, limits, and texts that want to be executed or to break a screen.
STRANGE = (
    None, True, False, 0, -1, 1, 2**31, 10**17, 2**63, 10**400, 1.5, -0.0, 1e-320, 1e308, float("nan"), float("inf"),
    "", " ", "x", "NaN", "1e-3", "2026-13-41", "2026-11-24\n", "../../etc/passwd", "__import__('os').abort()",
    "<script>alert(1)</script>", "\x1b[2J", "\u202e", "\ud800", "a" * 10_000, "float32", "int8", "DenseForward",
    "Workload", "cuda", [], {}, [[]], [None], {"": 0}, {"a": {"b": {}}}, [1e-3] * 2000, [[[[[[[[[[1]]]]]]]]]],
)  # fmt: skip


def points(workloads, name, threads):
    return Sweep(
        tuple(
            Measurement(workload, name, threads, (1e-3, 1.1e-3, 1.2e-3), (2e-3, 1.5e-3), 10, PROVENANCE.date, peak)
            for workload, peak in workloads
        )
    )


def a_recording():
    """Return a small recording with every kind of field in it."""
    layers = [(DenseForward(2**i, 64, 32), None) for i in range(4)]
    return Recording(
        SLUG,
        PROVENANCE,
        CPU,
        GPU,
        (
            points(layers, CPU.name, 1),
            points(layers, CPU.name, 28),
            points([(DenseTrainStep(4, 8, 8, "float64"), 4096)], CPU.name, 1),
            points([(Elementwise(1000), None)], GPU.name, None),
            points([(DependentChain(100, 8), None)], GPU.name, None),
            points([(Conv2dForward(2, 3, 4, 8, 9, 3, padding=1), None)], CPU.name, 28),
            points([(TrainEpoch(1797, 64, (64, 128, 10)), None)], CPU.name, 28),
            points([(Copy(1024, "d2h", False), None), (Copy(4096), None)], GPU.name, None),
        ),
    )


def nodes(value, found=None):
    """Return every (container, key) of a JSON value."""
    found = [] if found is None else found
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        found.append((value, key))
        if isinstance(value[key], dict | list):
            nodes(value[key], found)
    return found


def mutated(text, seed):
    """Return the bytes of ``text`` damaged in a way that ``seed`` decides."""
    rng = random.Random(seed)
    return _bytes_mutated(text.encode(), rng) if rng.random() < 0.4 else _structure_mutated(text, rng)


def _bytes_mutated(content, rng):
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(content) or 1)
        match rng.randrange(5):
            case 0:
                content[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del content[at : at + rng.choice((1, 10, 1000))]
            case 2:
                del content[at:]
            case 3:
                content[at:at] = rng.choice((b"[" * 5000, b'{"a":' * 5000, b"NaN", b"1e999", b"9" * 5000, b'"', b"\0"))
            case 4:
                other = rng.randrange(len(content) or 1)
                content[at:at] = content[other : other + rng.choice((1, 30, 300))]
    return bytes(content)


def _structure_mutated(text, rng):
    content = json.loads(text)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        places = nodes(content)
        if not places:
            break
        container, key = rng.choice(places)
        match rng.randrange(5):
            case 0 | 1:
                container[key] = rng.choice(STRANGE)
            case 2:
                del container[key]
            case 3:
                other, other_key = rng.choice(places)
                container[key] = json.loads(json.dumps(other[other_key])) if other_key in _keys(other) else None
            case 4 if isinstance(container, dict):
                container[str(key) + rng.choice(("", "_", "\n", "s"))] = container.pop(key)
            case _:
                container[key] = [container[key]]
    return json.dumps(content).encode("utf-8", "surrogatepass")


def _keys(container):
    return container.keys() if isinstance(container, dict) else range(len(container))


def outcome(path, content):
    """Return ``"loaded"`` or the sentence of the error; anything else that happens is a bug and is raised."""
    path.write_bytes(content)
    try:
        loaded = read_recording(path)
    except RecordingError as error:
        sentence = str(error)
        assert sentence.startswith(f"{path.name}: ")
        assert sentence.isprintable(), sentence
        assert len(sentence) < 600
        return sentence
    # What loads is usable: all that a chart or the model asks of it can be asked.
    assert loaded.machine.name
    assert str(loaded)
    for each in loaded.measurements:
        assert each.source == "recorded"
        assert min(each.samples_s) > 0
        assert each.low_s <= each.median_s <= each.high_s
        assert each.workload.flops >= 0
        assert each.workload.bytes_moved >= 1
        assert str(each)
    return "loaded"


def main(count):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{SLUG}.json"
        write_recording(path, a_recording())
        text = path.read_text(encoding="utf-8")
        seen = Counter(outcome(path, mutated(text, seed)) for seed in range(count))
    print(f"{count} files: {seen.pop('loaded', 0)} loaded, the others refused in {len(seen)} different sentences")


if __name__ == "__main__":
    main(int(sys.argv[1]))
