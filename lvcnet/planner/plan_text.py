"""A plan in words, as a table, and as JSON or CSV: what `lvcnet plan` and the lab both show.

Clicks are per image unless a text says that they are in all; savings are shares of the baseline's clicks.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from lvcnet.comparison.cells import BASELINE
from lvcnet.comparison.tables import NOTHING, Table
from lvcnet.files import rows_to_csv
from lvcnet.methods import method_title
from lvcnet.planner.clicks import CLEAN_TOLERANCE
from lvcnet.planner.curve import Budget, Plan
from lvcnet.planner.equivalence import Equivalence, Point


def plan_table(plan: Plan) -> Table:
    """Clicks and score of every point, and the baseline's clicks for the same score."""
    baseline = method_title(BASELINE)
    found = {(one.point.method, one.point.labels): one for one in plan.equivalences}
    rows = [_row(plan, point, found.get((point.method, point.labels))) for point in plan.points]
    note = (
        f"Clicks: vertices of all outlines of an image, mean over {plan.images} training images; clean outlines within"
        f" {CLEAN_TOLERANCE:g} px, levels within the tolerance that they were made with. IoU: foreground, mean over"
        f" {plan.test_images} test images against clean labels. Fewer: the share of {baseline}'s clicks that is saved."
    )
    header = ["Method", "Outlines", "Clicks", "IoU", f"{baseline} needs", "Fewer", "95 % interval"]
    return Table("Clicks an image and the IoU they buy", note, header, rows)


def by_saving(plan: Plan) -> dict[str, list[Equivalence]]:
    """Method -> its equivalences from few to many clicks; the method that certainly saves most, on average, first."""
    found: dict[str, list[Equivalence]] = {}
    for one in plan.equivalences:
        found.setdefault(one.point.method, []).append(one)
    return dict(sorted(found.items(), key=lambda entry: -_mean_saving(entry[1])))


def _mean_saving(found: Sequence[Equivalence]) -> float:
    """Of those about which something can be said; less than any where there are none."""
    known = [one.saving(one.needed) for one in found if one.unclear is None]
    return float(np.mean(known)) if known else -np.inf


def equivalence_sentence(one: Equivalence, plan: Plan) -> str:
    """Which outlines of the baseline another method's are worth, or why that cannot be said, as Markdown."""
    point, saving, baseline = one.point, one.saving(one.needed), method_title(BASELINE)
    own = f"{_outlines(plan, point.labels)} with {method_title(point.method)}"
    own = own[0].upper() + own[1:]
    if one.unclear:
        return f"What {own[0].lower()}{own[1:]} are worth cannot be said: {_why_unclear(one, plan)}"
    if np.isfinite(one.needed):
        claim = f"{own} equal {_place(one, plan)} with {baseline}: {_saving_words(one)}"
        return f"{claim}, {point.clicks:.1f} instead of {one.needed:.1f} an image, for IoU {point.score:.3f}."
    if one.needed > 0:
        claim, needs = f"beat all that were measured with {baseline}", f"more than {one.most:.1f}"
        bound = f": **more than {100 * saving:.0f} % fewer clicks**" if saving > 0 else ""
    else:
        claim, needs = (
            f"are worth less than any that were measured with {baseline}",
            f"fewer than {one.fewest:.1f}",
        )
        bound = f": **more than {-100 * saving:.0f} % more clicks**" if saving < 0 else ""
    return (
        f"{own} {claim}{bound}. For IoU {point.score:.3f} {baseline} takes {needs} clicks an image,"
        f" {method_title(point.method)} {point.clicks:.1f}."
    )


def _why_unclear(one: Equivalence, plan: Plan) -> str:
    """Why nothing can be said, and what to measure next."""
    point, baseline = one.point, method_title(BASELINE)
    sweep = f"lvcnet sweep {plan.dataset} --methods {BASELINE}"
    if one.unclear == "few":
        return (
            f"{baseline} was measured at {one.most:.1f} clicks an image only. Measure it on more label sets:"
            f" `{sweep} --labels 1,2,3,4`."
        )
    if one.unclear == "mixed":
        measured = ", ".join(f"{base.score:.3f} at {base.clicks:.1f}" for base in plan.of(BASELINE))
        labels = ",".join(base.labels for base in plan.of(BASELINE))
        return (
            f"{baseline} is above and below its IoU {point.score:.3f} with more clicks an image ({measured})."
            f" Train more seeds: `{sweep} --labels {labels} --seeds 0,1,2`."
        )
    more = f"Train more seeds, `lvcnet sweep {plan.dataset} --seeds 0,1,2`, or measure on more test images."
    if np.isinf(one.needed):
        side = "above" if one.needed > 0 else "below"
        return f"its IoU {point.score:.3f} is {side} all of {baseline}'s, but not certainly. {more}"
    return (
        f"for IoU {point.score:.3f} {baseline} takes {one.needed:.1f} clicks an image instead of {point.clicks:.1f},"
        f" **no certain difference** (95 % interval of the saving {_interval(one)}). {more}"
    )


def budget_sentences(plan: Plan, budget: Budget) -> list[str]:
    """What a number of clicks affords, as Markdown."""
    each = budget.expected.clicks
    start = f"{budget.clicks:,.0f} clicks over {plan.images} images are {each:.1f} an image"
    scope = f"All runs learned from {plan.images} outlined images: for another number of images nothing was measured."
    if budget.labels is None:
        least = plan.outlines[0]
        need = f"{_outlines(plan, least.labels)} need {least.clicks:.1f}, {least.clicks * plan.images:,.0f} in all"
        return [f"{start}, fewer than the roughest measured outlines take: {need}.", scope]
    chosen = next(one for one in plan.outlines if one.labels == budget.labels)
    total = f"{chosen.clicks:.1f} an image, {chosen.clicks * plan.images:,.0f} in all"
    sentences = [f"{start}: enough for **{_outlines(plan, budget.labels)}** ({total}).", _best(budget)]
    rougher = [point for point in plan.points if point.clicks < chosen.clicks]
    if rougher and (better := max(rougher, key=lambda point: point.score)).score > budget.points[0].score:
        sentences.append(
            f"Fewer clicks measured better: {_outlines(plan, better.labels)} with {method_title(better.method)}, IoU"
            f" {better.score:.3f}. More careful outlines are not certain to pay."
        )
    known = {method: score for method, score in budget.expected.scores.items() if score is not None}
    if known:
        ranked = sorted(known, key=lambda method: -known[method])
        scores = ", ".join(f"{known[method]:.3f} with {method_title(method)}" for method in ranked)
        sentences.append(
            f"All {each:.1f} clicks an image, interpolated between measured levels: IoU {scores}."
        )
    elif each > plan.outlines[-1].clicks:
        sentences.append(
            f"That is more than the most careful measured outlines take: {budget.clicks - chosen.clicks * plan.images:,.0f}"
            " clicks are left over."
        )
    return [*sentences, scope]


def plan_rows(plan: Plan) -> list[dict[str, Any]]:
    """One flat row a point. `baseline_clicks` is None, and `saving` a bound, where `outside` says so; `unclear` says why
    nothing can be concluded (see `Equivalence`)."""
    tolerances = {one.labels: one.tolerance for one in plan.outlines}
    found = {(one.point.method, one.point.labels): one for one in plan.equivalences}
    return [
        {
            "method": point.method,
            "labels": point.labels,
            "tolerance_px": tolerances[point.labels],
            "clicks": point.clicks,
            "iou": point.score,
            "iou_low": point.low,
            "iou_high": point.high,
            "seeds": point.seeds,
            **_equal(found.get((point.method, point.labels))),
        }
        for point in plan.points
    ]


def plan_csv(plan: Plan) -> str:
    """`plan_rows` as CSV with a header."""
    return rows_to_csv(plan_rows(plan))


def plan_json(plan: Plan, budget: Budget | None = None) -> dict[str, Any]:
    """Everything, JSON-able."""
    return {
        "dataset": plan.dataset,
        "images": plan.images,
        "test_images": plan.test_images,
        "baseline": BASELINE,
        "outlines": [asdict(one) for one in plan.outlines],
        "rows": plan_rows(plan),
        "budget": _budget(plan, budget) if budget else None,
        "caveat": plan.caveat,
        "notes": plan.notes,
    }


def _budget(plan: Plan, budget: Budget) -> dict[str, Any]:
    return {
        "clicks": budget.clicks,
        "images": plan.images,
        "clicks_per_image": budget.expected.clicks,
        "labels": budget.labels,
        "best": budget.points[0].method if budget.points else None,
        "scores": {point.method: point.score for point in budget.points},
        "lead": asdict(budget.lead) if budget.lead else None,
        "expected": budget.expected.scores,
    }


def _equal(one: Equivalence | None) -> dict[str, Any]:
    """JSON knows no infinity: None is outside of what was measured."""
    if one is None:
        names = ("baseline_clicks", "baseline_clicks_low", "baseline_clicks_high", "outside")
        return dict.fromkeys((*names, "saving", "saving_low", "saving_high", "unclear"))
    ends = {"": one.needed, "_low": one.low, "_high": one.high}
    outside = {np.inf: "more than measured", -np.inf: "fewer than measured"}
    return {
        **{f"baseline_clicks{end}": value if np.isfinite(value) else None for end, value in ends.items()},
        "outside": outside.get(one.needed),
        **{f"saving{end}": None if np.isnan(value) else one.saving(value) for end, value in ends.items()},
        "unclear": one.unclear,
    }


def _row(plan: Plan, point: Point, one: Equivalence | None) -> list[str]:
    row = [
        method_title(point.method),
        plan.outlined(point.labels),
        f"{point.clicks:.1f}",
        f"{point.score:.3f}",
    ]
    if one is None:
        return [*row, NOTHING, NOTHING, NOTHING]
    if one.unclear and not np.isfinite(one.needed):
        return [*row, "cannot be said", NOTHING, NOTHING]
    beyond = np.isinf(one.needed)
    return [*row, _needs(one), f"{_percent(one, one.needed)} %", NOTHING if beyond else _interval(one)]


def _needs(one: Equivalence) -> str:
    if one.needed == np.inf:
        return f"> {one.most:.1f}"
    return f"< {one.fewest:.1f}" if one.needed == -np.inf else f"{one.needed:.1f}"


def _percent(one: Equivalence, needed: float, more: bool = False) -> str:
    """A saving, or with `more` what is lost, in percent; with a sign of comparison where it is a bound."""
    bounds = {np.inf: "< ", -np.inf: "> "} if more else {np.inf: "> ", -np.inf: "< "}
    share = -one.saving(needed) if more else one.saving(needed)
    return f"{bounds.get(needed, '')}{round(100 * share)}"


def _interval(one: Equivalence, more: bool = False) -> str:
    ends = [_percent(one, needed, more) for needed in (one.low, one.high)]
    return " to ".join(reversed(ends) if more else ends) + " %"


def _saving_words(one: Equivalence) -> str:
    """What is saved, and its interval."""
    more = one.saving(one.needed) < 0
    amount = f"{_percent(one, one.needed, more)} % {'more' if more else 'fewer'} clicks"
    return f"**{amount}** (95 % interval {_interval(one, more)})"


def _best(budget: Budget) -> str:
    first = budget.points[0]
    best = f"**{method_title(first.method)}**: IoU {first.score:.3f} (95 % interval {first.low:.3f} to {first.high:.3f})"
    if budget.lead is None:
        return f"Only one method was measured there, {best}."
    rival, lead = method_title(budget.rival or ""), budget.lead
    ahead = f"{100 * lead.mean:.1f} points ahead of {rival} ({100 * lead.low:.1f} to {100 * lead.high:.1f})"
    if lead.low > 0:
        return f"Best there is {best}, {ahead}."
    return (
        f"Which method is best there cannot be said: {best}, is {ahead}. Train more seeds to tell them apart."
    )


def _place(one: Equivalence, plan: Plan) -> str:
    """Where the baseline reaches a score among its measured outlines, in words."""
    measured = plan.of(BASELINE)
    for point in measured:
        if abs(point.clicks / one.needed - 1) < 0.02 and abs(point.score - one.point.score) < 0.005:
            return _outlines(plan, point.labels)
    rougher = [point.labels for point in measured if point.score < one.point.score][-1]
    finer = next(point.labels for point in measured if point.score >= one.point.score)
    return f"outlines between {plan.outlined(rougher)} and {plan.outlined(finer)}"


def _outlines(plan: Plan, labels: str) -> str:
    return f"{plan.outlined(labels)} outlines"
