"""Who sells what to whom, as a fitted plan's file writes it: products, regions, segments, reps, accounts.

A comment beside each thing says what it rests on, and which file it came from where that is not the history.
"""

from __future__ import annotations

import csv
import io

import polars as pl

from attain.fitted import Fitted
from attain.fitted_people import START_SHOWN, RepFit
from attain.history.beside import Beside
from attain.plantext import against, amount_form, name, number, said

MOST_LISTED = 20  # strangers named in the plan's comments, of each kind of table


def products_text(fitted: Fitted) -> str:
    """Products with their values and odds; regions; segments, where a table of accounts gives them."""
    lines = ["products:  # values of won deals; advance: odds against the average, shrunk toward 1 where deals are few"]
    for product, amount in fitted.products.items():
        mean = (
            f"mean {number(amount.observed)} of {amount.count:,} won deals"
            if fitted.valued
            else "no amounts in the data"
        )
        lines += [f"  {name(product)}:", *_price(fitted, product), f"    deal_value: {amount_form(amount)}  # {mean}"]
        lines += against("    ", "advance", fitted.product_odds.get(product, {}), fitted.product_sds.get(product, {}))
        lines += of_factor("    ", fitted, "product", product)
    lines += ["", "regions: {" + ", ".join(f"{name(r)}: {{}}" for r in fitted.regions) + "}", ""]
    if fitted.segments:
        file = fitted.accounts.file if fitted.accounts else "accounts"
        lines += [f"segments:  # of accounts in {said(file)}; share: leads of the last twelve months"]
        for segment, n in fitted.segments.items():
            lines += [f"  {name(segment)}:", f"    share: {n}"]
            lines += against(
                "    ", "advance", fitted.segment_odds.get(segment, {}), fitted.segment_sds.get(segment, {})
            )
        lines += [""]
    return "\n".join(lines)


def of_factor(indent: str, fitted: Fitted, factor: str, own: str) -> list[str]:
    """How long the deals of a product or source wait, against the average."""
    if fitted.paces is None:
        return []
    return against(indent, "wait", fitted.paces.of[factor].get(own, {}), fitted.paces.sd[factor].get(own, {}))


def _price(fitted: Fitted, product: str) -> list[str]:
    """List price and cost: in a comment, since a plan counts bookings."""
    prices = fitted.prices
    if prices is None or (product not in prices.price and product not in prices.cost):
        return []
    known = [f"list price {number(prices.price[product])}"] if product in prices.price else []
    known += [f"cost {number(prices.cost[product])} (a plan counts no costs)"] if product in prices.cost else []
    if product in prices.price and len(prices.ratios):
        known.append(f"won deals come to {float(prices.ratios.mean()):.0%} of their list prices on average")
    return [f"    # {'; '.join(known)} ({said(prices.file)})"]


def reps_text(fitted: Fitted) -> str:
    """Everybody, and who is not there any more."""
    files = {table.kind: said(table.name) for table in fitted.beside}
    lines = []
    if "people" in files:
        lines.append(
            f"# People, their regions, managers, hours, starts and ends: {files['people']}; odds from their deals."
        )
    if "quotas" in files:
        lines.append(f"# Quotas: {files['quotas']}; odds against the average, shrunk toward 1.")
    else:
        lines.append(
            "# Quotas: the goal in proportion to each rep's bookings of the base year; odds against the average, "
            "shrunk toward 1."
        )
    lines += [f"# Gone before the plan begins: {said(who)} ({day})" for who, day in fitted.gone]
    lines.append("reps:")
    for rep in fitted.reps:
        lines += _rep(rep, fitted, files)
    return "\n".join([*lines, ""])


def _rep(rep: RepFit, fitted: Fitted, files: dict[str, str]) -> list[str]:
    seen = f"{rep.deals:,} deals, {rep.won:,} won, {number(rep.bookings)} in the base year"
    if rep.fresh:
        seen = "no deal in the last twelve months: odds of the average person, leads of the average share"
    if rep.manager:
        seen += f"; manager {said(rep.manager)}"
    lines = [f"  - name: {name(rep.name)}  # {seen}"]
    if set(rep.regions) != set(fitted.regions) or len(fitted.regions) == 1:
        lines.append(f"    region: [{', '.join(name(r) for r in rep.regions)}]")
    if set(rep.products) != set(fitted.products):
        lines.append(f"    products: [{', '.join(name(p) for p in rep.products)}]")
    if rep.hours is not None:
        lines.append(f"    hours_per_week: {number(rep.hours)}")
    if rep.start is not None and rep.start > fitted.start - START_SHOWN:
        lines.append(f"    start: {rep.start}")
        lines += [f"    ramp: {rep.ramp}"] if rep.ramp else []
    elif rep.start is not None:
        lines.append(f"    # there since {rep.start}")
    if rep.end is not None:
        lines.append(f"    end: {rep.end}  # gone from then on")
    lines += against("    ", "advance", rep.advance, rep.advance_sd)
    lines += against("    ", "wait", rep.wait, rep.wait_sd)
    if rep.quota is None:
        why = f"none in {files['quotas']}" if "quotas" in files else "nothing booked in the base year"
        lines.append(f"    # no quota: {why}")
    elif "quotas" in files and not fitted.valued:
        lines.append("    # its quota is not used: the history knows no amounts to hold against it")
    elif rep.quota_months:
        months = ", ".join(number(m, 12) for m in rep.quota_months)
        lines.append(f"    quota: {{months: [{months}]}}")
    elif fitted.valued:
        lines.append(f"    quota: {number(rep.quota, 12 if 'quotas' in files else 4)}")
    return lines


# --- what came from beside the history --------------------------------------------------------------------------------


def tables_text(fitted: Fitted) -> list[str]:
    """Comments for the head of the plan: the files beside the history, and names that match nothing."""
    lines = []
    for table in fitted.beside:
        lines.append(f"# {table.kind.capitalize()}: {_read(table)}")
        own = [s for s in fitted.strangers if s.table == table.kind]
        for s in own[:MOST_LISTED]:
            near = f" (nearest: {said(s.nearest)})" if s.nearest else ""
            deals = f", {s.deals:,} deals" if s.deals else ""
            lines.append(f"#   {said(s.name)}{near}{deals}: {said(s.what)}")
        if len(own) > MOST_LISTED:
            lines.append(f"#   and {len(own) - MOST_LISTED} more names; --json lists all")
    return lines


def _read(table: Beside) -> str:
    left = f", {len(table.refused):,} left out" if table.refused else ""
    return f"{said(table.name)}, {table.rows:,} rows{left}"


def accounts_text(rows: pl.DataFrame) -> str:
    """The known accounts as CSV: account, and what is known of owner, region, segment and scores."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows.columns)
    for row in rows.iter_rows():
        writer.writerow(["" if v is None else f"{v:.4g}" if isinstance(v, float) else v for v in row])
    return out.getvalue()
