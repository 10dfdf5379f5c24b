"""McNemar's test: compare two classifiers on the same images."""

from __future__ import annotations

from scipy import stats


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value of the difference between two classifiers.

    Args:
        only_first: Number of images that only the first classifier reads right.
        only_second: Number of images that only the second classifier reads right.

    Source: Q. McNemar, Note on the Sampling Error of the Difference between Correlated Proportions
    or Percentages, Psychometrika 12 (1947), with the binomial in place of the chi-square.
    """
    total = only_first + only_second
    return float(stats.binomtest(only_first, total).pvalue) if total else 1.0
