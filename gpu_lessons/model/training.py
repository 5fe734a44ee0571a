"""How long a whole training takes: what it has to compute, over what its cards keep up."""

from __future__ import annotations

from gpu_lessons.recorded.trainings import FLOP_PER_USE

__all__ = ["training_seconds"]


def training_seconds(parameters: float, tokens: float, cards: float, flops_per_s: float, utilisation: float) -> float:
    """Return the seconds of a training: six FLOP a parameter and token, shared among the cards.

    A multiply-add for each weight forward, one for the gradient of what came in, one for the gradient of the weight
    (Kaplan et al. 2020, Scaling laws for neural language models). It knows no launches: a small network takes longer.

    Parameters
    ----------
    parameters, tokens : float
        Weights of the network, and samples it learns from, all epochs together.
    cards : float
        GPUs that share the work.
    flops_per_s : float
        Peak of one of them.
    utilisation : float
        Share of the peak that the training reaches, above 0 and at most 1.

    Raises
    ------
    ValueError
        If a number is not above 0, or the share above 1.

    Examples
    --------
    >>> round(training_seconds(175e9, 300e9, 1024, 312e12, 0.45) / 86400, 1)  # days
    25.4
    """
    given = {"parameters": parameters, "tokens": tokens, "cards": cards, "flops_per_s": flops_per_s}
    for name, value in {**given, "utilisation": utilisation}.items():
        if not value > 0:
            raise ValueError(f"{name} must be a number above 0, got {value!r}")
    if utilisation > 1:
        raise ValueError(f"utilisation must be a share of the peak, at most 1, got {utilisation!r}")
    return FLOP_PER_USE * parameters * tokens / (cards * flops_per_s * utilisation)
