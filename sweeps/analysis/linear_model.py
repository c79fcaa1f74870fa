"""A linear model of one adapter's runs, fitted by least squares.

y = block + sum of effects + error, where a block is a seed. The columns of the settings are centered, so that an effect
is the mean difference between a choice and the baseline over all combinations of the other settings, with or without
interactions.

The normal equations are accurate enough: the columns are indicators, either far from collinear or exactly collinear.
statsmodels decomposes the whole table seven times, which takes a minute for 10,000 runs.
"""

import itertools
from typing import NamedTuple

import numpy as np
import pandas as pd

Column = tuple[str, str]  # (setting, choice other than the baseline)


class Estimate(NamedTuple):
    """An estimated effect.

    error: standard error; NaN without residual degrees of freedom. df: residual degrees of freedom. n: blocks with both
    the choice and the baseline. factor: the variance of the estimate where a run's error has variance one.
    """

    value: float
    error: float
    df: float
    n: int
    factor: float = np.nan


class Model(NamedTuple):
    """The design matrix of a linear model and what follows from it.

    columns: the design matrix less the means of the blocks, shape (runs, effects and interactions). places: {effect:
    its column}, without aliased effects and those whose choice or baseline was not run. covariance: of the estimates,
    where a run's error has variance one. df: residual degrees of freedom.
    """

    columns: np.ndarray
    places: dict[Column, int]
    covariance: np.ndarray
    df: int


def model(runs: pd.DataFrame, baselines: dict[str, str]) -> Model:
    """The model of one adapter's runs. runs: one row per run, with the seed and a column per setting of `baselines`."""
    mains = _mains(runs, baselines)
    columns = _within([*mains.values(), *_interactions(runs, mains)], runs["seed"])
    covariance, projection = _inverse(columns)
    known = np.diag(projection) > 1 - 1e-8  # the others are aliased: only their sums can be estimated
    df = len(runs) - runs["seed"].nunique() - _rank(projection)
    places = {column: place for place, column in enumerate(mains) if known[place]}
    return Model(columns, places, covariance, df)


def _inverse(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pseudo-inverse of the columns' products, and the projection onto their row space."""
    products = columns.T @ columns
    inverse = np.linalg.pinv(products, rcond=1e-10, hermitian=True)
    return inverse, inverse @ products


def _rank(projection: np.ndarray) -> int:
    return round(float(np.trace(projection)))


def _within(columns: list[np.ndarray], blocks: pd.Series) -> np.ndarray:
    """The columns less their means in each block: the same estimates as with one column per block, in less time."""
    table = np.array(columns, float).reshape(len(columns), len(blocks)).T
    codes, found = pd.factorize(blocks)
    member = np.eye(len(found))[codes]
    means: np.ndarray = (member.T @ table) / member.sum(axis=0)[:, None]
    within: np.ndarray = table - means[codes]
    return within


def parts(runs: pd.DataFrame, baselines: dict[str, str], paired: bool) -> list[tuple[pd.DataFrame, dict[str, str]]]:
    """The parts of the runs that get a model each, with their baselines; none where no setting varies.

    Not paired: all runs together; all effects share one error. Paired: each choice with its baseline, all other
    settings being equal; each effect has an error of its own, and its model is the paired t test.
    """
    if not paired:
        return [(runs, baselines)] if baselines else []
    changed = runs[list(baselines)] != pd.Series(baselines, dtype=object)
    changes, found = changed.sum(axis=1), []
    for setting, baseline in baselines.items():
        others = [name for name in baselines if name != setting]
        mine = runs[changes == changed[setting]].drop(columns=others)  # only this setting is changed
        for choice in sorted(set(mine[setting]) - {baseline}):
            found.append((mine[mine[setting].isin([choice, baseline])], {setting: baseline}))
    return found


def estimates(runs: pd.DataFrame, baselines: dict[str, str], paired: bool) -> dict[Column, Estimate]:
    """The effect of every choice that is not aliased. runs: as for `model`, with a column `value`."""
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
    residual = float(np.sum((values - columns @ solution) ** 2))
    blocks = {setting: _blocks(runs, setting) for setting, _ in places}
    found = {}
    for (setting, choice), place in places.items():
        n = len(blocks[setting][choice] & blocks[setting][baselines[setting]])
        value, factor = float(solution[place]), float(covariance[place, place])
        error = float(np.sqrt(residual / df * factor)) if df > 0 else np.nan
        found[setting, choice] = Estimate(value, error, float(max(0, df)), n, factor)
    return found


def _blocks(runs: pd.DataFrame, setting: str) -> dict[str, set[int]]:
    """{choice: the seeds that ran it}."""
    seeds, choices = runs["seed"].to_numpy(), runs[setting].to_numpy(object)
    return {choice: set(seeds[choices == choice]) for choice in set(choices)}


def _mains(runs: pd.DataFrame, baselines: dict[str, str]) -> dict[Column, np.ndarray]:
    """A centered indicator column for each choice that was run and is not the baseline."""
    found = {}
    for setting, baseline in baselines.items():
        column = runs[setting].to_numpy(object)
        choices = set(column)
        for choice in sorted(choices - {baseline}):
            found[setting, choice] = (column == choice).astype(float) - 1.0 / len(choices)
    return found


def _interactions(runs: pd.DataFrame, mains: dict[Column, np.ndarray]) -> list[np.ndarray]:
    """The products of two settings' columns, where none is aliased and as many degrees of freedom remain for the error.

    Otherwise there are none: interactions are then part of the error.
    """
    pairs = itertools.combinations(mains, 2)
    products = [mains[one] * mains[other] for one, other in pairs if one[0] != other[0]]
    columns = len(mains) + len(products)
    df = len(runs) - runs["seed"].nunique() - columns
    if not products or df < len(products):
        return []
    _, projection = _inverse(_within([*mains.values(), *products], runs["seed"]))
    return products if _rank(projection) == columns else []


def mean(estimates: list[Estimate]) -> Estimate:
    """The mean of independent estimates, with degrees of freedom by Satterthwaite's approximation."""
    values, errors, dfs, ns, _ = (np.array(column, float) for column in zip(*estimates, strict=True))
    shares = (errors / len(estimates)) ** 2
    n, variance = int(ns.sum()), shares.sum()
    if not np.isfinite(variance):
        return Estimate(float(values.mean()), np.nan, 0.0, n)
    df = variance**2 / np.sum(shares**2 / dfs) if variance > 0 else dfs.sum()
    return Estimate(float(values.mean()), float(np.sqrt(variance)), float(df), n)


def deviation(estimates: dict[str, Estimate], name: str) -> Estimate:
    """The difference between one estimate and the mean of the others. All runs are assumed to have one error variance.

    Satterthwaite's approximation is not used: it gives too many degrees of freedom where one estimate of few runs is
    compared with the mean of many.
    """
    one, others = estimates[name], [found for other, found in estimates.items() if other != name]
    value = one.value - float(np.mean([found.value for found in others]))
    if not all(found.df > 0 for found in estimates.values()):
        return Estimate(value, np.nan, 0.0, one.n)
    df = sum(found.df for found in estimates.values())
    variance = sum(found.df * found.error**2 / found.factor for found in estimates.values()) / df
    factor = one.factor + sum(found.factor for found in others) / len(others) ** 2
    return Estimate(value, float(np.sqrt(variance * factor)), df, one.n, factor)
