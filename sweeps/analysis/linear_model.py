"""A linear model of one framework's runs: block + what each choice does + error. Least squares, by the normal equations: columns
are indicators, far from collinear or exactly so; statsmodels decomposes the whole table seven times, a minute for 10,000 runs.

y = block + sum of effects + e, where a block is a seed. Columns of settings are centred, so that an effect is the mean
difference between a choice and the baseline over all combinations of the other settings, interactions or not.
"""

import itertools
from typing import NamedTuple

import numpy as np
import pandas as pd

Column = tuple[str, str]  # (setting, choice other than the baseline)


class Estimate(NamedTuple):
    """A value, its standard error and degrees of freedom (NaN and 0 where the runs leave nothing to judge its error by), and
    the number of blocks with both the choice and the baseline.

    factor: the value's variance where a run's error has variance one: what the design makes of it.
    """

    value: float
    error: float
    df: float
    n: int
    factor: float = np.nan


class Model(NamedTuple):
    """columns: what the rows of the design do within their blocks, shape (runs, effects and interactions).

    places: which column is which effect; one that is aliased with another, or whose choice or baseline was not run, has none.
    covariance: of the columns' estimates, where a run's error has variance one. df: degrees of freedom that are left for the error.
    """

    columns: np.ndarray
    places: dict[Column, int]
    covariance: np.ndarray
    df: int


def model(runs: pd.DataFrame, baselines: dict[str, str]) -> Model:
    """The model of one framework's runs: one row a run: seed, and one column per setting of `baselines` ({setting: choice})."""
    mains = _mains(runs, baselines)
    columns = _within([*mains.values(), *_interactions(runs, mains)], runs["seed"])
    covariance, told = _inverse(columns)
    known = np.diag(told) > 1 - 1e-8  # of others it is only known what they add up to
    df = len(runs) - runs["seed"].nunique() - _rank(told)
    places = {column: place for place, column in enumerate(mains) if known[place]}
    return Model(columns, places, covariance, df)


def _inverse(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pseudo-inverse of the columns' products, and the projection on what the columns tell apart."""
    products = columns.T @ columns
    inverse = np.linalg.pinv(products, rcond=1e-10, hermitian=True)
    return inverse, inverse @ products


def _rank(told: np.ndarray) -> int:
    return round(float(np.trace(told)))


def _within(columns: list[np.ndarray], blocks: pd.Series) -> np.ndarray:
    """Columns less their means in each block: the same estimates as with a column for each block, of which there may be hundreds."""
    table = np.array(columns, float).reshape(len(columns), len(blocks)).T
    codes, found = pd.factorize(blocks)
    member = np.eye(len(found))[codes]
    means: np.ndarray = (member.T @ table) / member.sum(axis=0)[:, None]
    within: np.ndarray = table - means[codes]
    return within


def parts(runs: pd.DataFrame, baselines: dict[str, str], paired: bool) -> list[tuple[pd.DataFrame, dict[str, str]]]:
    """What has a model of its own: all runs together; or, paired, each choice with the baseline, all else being equal. Nothing
    where nothing varies.

    Paired, an effect's error is its own (the model is then the paired t test); together, it is one that all rows share.
    """
    if not paired:
        return [(runs, baselines)] if baselines else []
    changed = runs[list(baselines)] != pd.Series(baselines, dtype=object)
    changes, found = changed.sum(axis=1), []
    for setting, baseline in baselines.items():
        others = [name for name in baselines if name != setting]
        mine = runs[changes == changed[setting]].drop(columns=others)  # nothing else is changed
        for choice in sorted(set(mine[setting]) - {baseline}):
            found.append((mine[mine[setting].isin([choice, baseline])], {setting: baseline}))
    return found


def estimates(runs: pd.DataFrame, baselines: dict[str, str], paired: bool) -> dict[Column, Estimate]:
    """The effect of every choice that the runs can tell from all others. runs: as for `model`, with the column value."""
    found: dict[Column, Estimate] = {}
    for part in parts(runs, baselines, paired):
        found |= _fitted(*part)
    return found


def _fitted(runs: pd.DataFrame, baselines: dict[str, str]) -> dict[Column, Estimate]:
    columns, places, covariance, df = model(runs, baselines)
    if not places:
        return {}
    values = _within([runs["value"].to_numpy(float)], runs["seed"])[:, 0]
    solution = covariance @ (columns.T @ values)
    left = float(np.sum((values - columns @ solution) ** 2))
    blocks = {setting: _blocks(runs, setting) for setting, _ in places}
    found = {}
    for (setting, choice), place in places.items():
        n = len(blocks[setting][choice] & blocks[setting][baselines[setting]])
        value, factor = float(solution[place]), float(covariance[place, place])
        error = float(np.sqrt(left / df * factor)) if df > 0 else np.nan
        found[setting, choice] = Estimate(value, error, float(max(0, df)), n, factor)
    return found


def _blocks(runs: pd.DataFrame, setting: str) -> dict[str, set[int]]:
    """The seeds that ran each choice."""
    seeds, choices = runs["seed"].to_numpy(), runs[setting].to_numpy(object)
    return {choice: set(seeds[choices == choice]) for choice in set(choices)}


def _mains(runs: pd.DataFrame, baselines: dict[str, str]) -> dict[Column, np.ndarray]:
    """A centred indicator for each choice that was run and is not the baseline."""
    found = {}
    for setting, baseline in baselines.items():
        column = runs[setting].to_numpy(object)
        choices = set(column)
        for choice in sorted(choices - {baseline}):
            found[setting, choice] = (column == choice).astype(float) - 1.0 / len(choices)
    return found


def _interactions(runs: pd.DataFrame, mains: dict[Column, np.ndarray]) -> list[np.ndarray]:
    """Products of two settings' columns, where the design can tell all of them apart and still leaves as many runs for
    the error; else none: they are part of the error."""
    pairs = itertools.combinations(mains, 2)
    products = [mains[one] * mains[other] for one, other in pairs if one[0] != other[0]]
    columns = len(mains) + len(products)
    left = len(runs) - runs["seed"].nunique() - columns
    if not products or left < len(products):
        return []
    _, told = _inverse(_within([*mains.values(), *products], runs["seed"]))
    return products if _rank(told) == columns else []


def mean(estimates: list[Estimate]) -> Estimate:
    """The mean of independent estimates; degrees of freedom by Satterthwaite."""
    values, errors, dfs, ns, _ = (np.array(column, float) for column in zip(*estimates, strict=True))
    shares = (errors / len(estimates)) ** 2
    n, variance = int(ns.sum()), shares.sum()
    if not np.isfinite(variance):
        return Estimate(float(values.mean()), np.nan, 0.0, n)
    df = variance**2 / np.sum(shares**2 / dfs) if variance > 0 else dfs.sum()
    return Estimate(float(values.mean()), float(np.sqrt(variance)), float(df), n)


def deviation(estimates: dict[str, Estimate], name: str) -> Estimate:
    """What one estimate has more than the mean of the others, the runs of all having errors of one variance.

    Not Satterthwaite's degrees of freedom here: they flatter one estimate of few runs that is held against many.
    """
    one, others = estimates[name], [found for other, found in estimates.items() if other != name]
    value = one.value - float(np.mean([found.value for found in others]))
    if not all(found.df > 0 for found in estimates.values()):
        return Estimate(value, np.nan, 0.0, one.n)
    df = sum(found.df for found in estimates.values())
    variance = sum(found.df * found.error**2 / found.factor for found in estimates.values()) / df
    factor = one.factor + sum(found.factor for found in others) / len(others) ** 2
    return Estimate(value, float(np.sqrt(variance * factor)), df, one.n, factor)
