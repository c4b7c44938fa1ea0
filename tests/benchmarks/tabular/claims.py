"""Judge the paper's claims by the rows of the tables: python -m benchmarks.tabular.claims."""

import argparse
from pathlib import Path

import pandas as pd
from paths import ROOT

from paretopress.config.sizes import NONZERO_RATE
from paretopress.figures.style import BLUE, PALE, VERMILLION, Drawing, new_panels, save, styled
from paretopress.runs.method_names import FACTORS, factors_of
from paretopress.statistics.claims.evidence import Evidence
from paretopress.statistics.claims.judge import CLAIMS, holm
from paretopress.statistics.comparison import comparison_tables
from paretopress.statistics.levels import levels
from paretopress.statistics.pairs import SMALLEST_EFFECT
from paretopress.statistics.ranks import ranks

from .__main__ import methods_of, rows_of
from .runs import BUDGET
from .tables import Table, load

LEVEL = 0.05
OF_METHODS = (
    "selection-metric-without-effect",
    "best-and-worst-setting",
    "surrogate-beats-plain-ctaea",
    "surrogate-beats-random",
)
FIGURE = ROOT / "docs" / "evidence" / "selection-metrics.png"
SHARES = ("difference", "difference_low", "difference_high")
COLORS = dict(zip(FACTORS, (BLUE, VERMILLION), strict=True))


def run_table(table: Table, column: str) -> pd.DataFrame:
    """The runs of a table as a study has them, of the seeds that all compared methods have.

    Args:
        table: The table.
        column: The hypervolume of a run: at_100, or test for that on the test images.
    """
    methods = list(methods_of(["paper", "plain"]))
    rows = rows_of(table.name)
    rows = rows[rows["method"].isin(methods)]
    shared = rows.groupby("seed")["method"].nunique() == len(methods)
    rows = rows[rows["seed"].map(shared)]
    of_factors = pd.DataFrame([factors_of(method) for method in rows["method"]], index=rows.index)
    same = {
        "network": table.name, "imported": False, "complete": True, "size": NONZERO_RATE,
        "threshold": table.threshold_of("validation"), "zero_accuracy_hypervolume": float("nan"),
        "feasible": BUDGET, "negative_rates": 0, "convolutions_both": 0,
    }  # fmt: skip
    found = rows.assign(
        hypervolume=rows[column], nonzero_rate_hypervolume=rows[column],
        initial_hypervolume=rows["at_50"],
        **same,
    ).join(of_factors)  # fmt: skip
    return found.sort_values(["method", "seed"])


def evidence_of(runs: pd.DataFrame, smallest: float) -> Evidence:
    """The evidence of claims about methods. That of all other claims is missing."""
    networks = [{"network": name, "size": NONZERO_RATE} for name in dict.fromkeys(runs["network"])]
    tables = comparison_tables(runs, LEVEL, smallest)
    needed = {name: tables[name] for name in ("friedman", "factors", "pairwise", "level_pairs")}
    return Evidence(
        level=LEVEL, smallest=smallest, runs=runs, every_run=runs,
        networks=pd.DataFrame(networks), **needed, evaluations=pd.DataFrame(),
        worst_run_fronts={}, tests={}, passes={}, loads={}, improving={}, test_images={}, figures=(),
    )  # fmt: skip


def judged(evidence: Evidence) -> pd.DataFrame:
    """The verdict of each claim about methods on each table."""
    rows = []
    for claim in CLAIMS:
        for network in evidence.networks["network"] if claim.name in OF_METHODS else ():
            found = claim.judge(evidence, network)
            rows.append({
                "claim": claim.name, "table": network, "verdict": found.verdict, "p": found.p,
                "evidence": f"{found.evidence}. {found.reason}",
            })  # fmt: skip
    table = pd.DataFrame(rows)
    return table.assign(p_adjusted=holm(table["p"]))


def shown(table: pd.DataFrame, **formats: str) -> str:
    """A table as Markdown, with the numbers of some columns formatted."""
    texts = {
        name: table[name].map(lambda value, form=form: form.format(value))
        for name, form in formats.items()
    }
    return table.assign(**texts).to_markdown(index=False)


def differences(evidence: Evidence) -> pd.DataFrame:
    """The pairs of metrics on each table, their differences in percent of the mean hypervolume."""
    pairs = evidence.level_pairs
    scale = pairs["margin"] / (100 * evidence.smallest)
    return pairs.assign(**{column: pairs[column] / scale for column in SHARES})


@styled
def draw_differences(pairs: pd.DataFrame, smallest: float) -> Drawing:
    """Draw the rows of `differences` with their intervals, a panel for each table.

    Args:
        pairs: The rows.
        smallest: The smallest difference that matters, as a share of the mean hypervolume.
    """
    tables = list(dict.fromkeys(pairs["network"]))
    figure, panels = new_panels(len(tables), len(tables), 2.6, "% of the mean hypervolume")
    for table, panel in zip(tables, panels, strict=True):
        own = pairs[pairs["network"] == table].reset_index(drop=True)
        panel.axvspan(-100 * smallest, 100 * smallest, color=PALE, alpha=0.4, linewidth=0)
        panel.axvline(0, color=PALE)
        for factor, rows in own.groupby("factor", sort=False):
            panel.hlines(
                rows.index, rows["difference_low"], rows["difference_high"], COLORS[factor]
            )
            panel.plot(rows["difference"], rows.index, "o", color=COLORS[factor])
        by = own["factor"].str.removesuffix("_metric")
        panel.set_yticks(own.index, by + ": " + own["level"] + " less " + own["other_level"])
        panel.set_title(table)
    panels[0].invert_yaxis()
    return Drawing(
        figure,
        "By how much the hypervolumes of two metrics differ on average over the other metric: "
        f"Hodges and Lehmann's shift over the seeds, and its interval with a confidence of "
        f"{1 - 2 * LEVEL:.0%}. The band is what is too little to matter.",
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.tabular.claims", description=__doc__)
    parser.add_argument("--tables", nargs="+", default=["separable-paper", "plain-paper"])
    parser.add_argument("--column", choices=["at_100", "test"], default="at_100")
    parser.add_argument("--smallest", type=float, default=SMALLEST_EFFECT)
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where the figure goes")
    given = parser.parse_args()
    runs = pd.concat([run_table(load(name), given.column) for name in given.tables])
    evidence = evidence_of(runs, given.smallest)
    pairs = differences(evidence)
    print(shown(judged(evidence), p="{:.2g}", p_adjusted="{:.2g}"))
    for name in evidence.networks["network"]:
        own = runs[runs["network"] == name]
        print(f"\n## {name}: n = {own['seed'].nunique()} seeds, {given.column}\n")
        placed = ranks(own).query("compared == 'methods'").set_index("method")["mean_rank"]
        means = own.groupby("method")["hypervolume"].agg(["mean", "std"]).join(placed)
        print(means.sort_values("mean_rank").round(4).to_markdown())
        print(
            "\n" + levels(own).drop(columns=["network", "runs"]).round(4).to_markdown(index=False)
        )
        columns = [
            "factor", "level", "other_level", *SHARES, "p_siegel_friedman", "p_equivalence",
        ]  # fmt: skip
        print("\nDifferences in % of the mean hypervolume:\n")
        print(
            shown(
                pairs.loc[pairs["network"] == name, columns], **dict.fromkeys(SHARES, "{:+.1f}"),
                p_siegel_friedman="{:.2g}", p_equivalence="{:.2g}",
            )
        )  # fmt: skip
        tests = evidence.factors[evidence.factors["network"] == name]
        columns = ["factor", "test", "p", "p_permutation", "effect", "effect_low", "effect_high"]
        print("\n" + tests[[*columns, "power"]].round(3).to_markdown(index=False))
    if given.column == "at_100":
        save(draw_differences(pairs, given.smallest), [given.figure])


if __name__ == "__main__":
    main()
