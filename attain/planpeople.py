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
from attain.plantext import Comments, amount_form, known_odds, name, number, said

MOST_LISTED = 20  # strangers named in the plan's comments, of each kind of table


def waits_of(indent: str, fitted: Fitted, factor: str, own: str) -> list[str]:
    """How long the deals of a product or source wait, against the average."""
    if fitted.paces is None:
        return []
    return known_odds(indent, fitted.paces.of[factor].get(own, {}), fitted.paces.sd[factor].get(own, {}), "wait")


def products_text(fitted: Fitted, say: Comments) -> str:
    """Products with their values and odds; regions; segments, where a table of accounts gives them."""
    lines = [f"products:  # {say('products')}"]
    for product, amount in fitted.products.items():
        mean = say("mean", mean=number(amount.observed), n=f"{amount.count:,}") if fitted.valued else say("no_amounts")
        lines += [f"  {name(product)}:", *_price(fitted, product, say)]
        lines += [f"    deal_value: {amount_form(amount)}  # {mean}"]
        lines += known_odds("    ", fitted.product_odds.get(product, {}), fitted.product_sds.get(product, {}))
        lines += waits_of("    ", fitted, "product", product)
    lines += ["", "regions: {" + ", ".join(f"{name(r)}: {{}}" for r in fitted.regions) + "}", ""]
    if fitted.segments:
        file = fitted.accounts.file if fitted.accounts else "accounts"
        lines += [f"segments:  # {say('segments', file=said(file))}"]
        for segment, n in fitted.segments.items():
            lines += [f"  {name(segment)}:", f"    share: {n}"]
            lines += known_odds("    ", fitted.segment_odds.get(segment, {}), fitted.segment_sds.get(segment, {}))
        lines += [""]
    return "\n".join(lines)


def _price(fitted: Fitted, product: str, say: Comments) -> list[str]:
    """List price and cost: in a comment, since a plan counts bookings."""
    prices = fitted.prices
    if prices is None or (product not in prices.price and product not in prices.cost):
        return []
    known = [say("price", price=number(prices.price[product]))] if product in prices.price else []
    known += [say("cost", cost=number(prices.cost[product]))] if product in prices.cost else []
    if product in prices.price and len(prices.ratios):
        known.append(say("ratio", share=f"{float(prices.ratios.mean()):.0%}"))
    return [f"    # {'; '.join(known)} ({said(prices.file)})"]


def reps_text(fitted: Fitted, say: Comments) -> str:
    """Everybody, and who is not there any more."""
    files = {table.kind: said(table.name) for table in fitted.beside}
    lines = []
    if "people" in files:
        lines.append(f"# {say('people', file=files['people'])}")
    lines.append(f"# {say('quotas', file=files['quotas']) if 'quotas' in files else say('own_quotas')}")
    lines += [f"# {say('gone', who=said(who), day=day)}" for who, day in fitted.gone]
    lines.append("reps:")
    for rep in fitted.reps:
        lines += _rep(rep, fitted, files, say)
    return "\n".join([*lines, ""])


def _rep(rep: RepFit, fitted: Fitted, files: dict[str, str], say: Comments) -> list[str]:
    seen = say("rep", deals=f"{rep.deals:,}", won=f"{rep.won:,}", bookings=number(rep.bookings))
    if rep.fresh:
        seen = say("fresh")
    if rep.manager:
        seen = say("manager", seen=seen, who=said(rep.manager))
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
        lines.append(f"    # {say('since', day=rep.start)}")
    if rep.end is not None:
        lines.append(f"    end: {rep.end}  # {say('until')}")
    lines += known_odds("    ", rep.advance, rep.advance_sd)
    lines += known_odds("    ", rep.wait, rep.wait_sd, "wait")
    if rep.quota is None:
        why = say("none_in", file=files["quotas"]) if "quotas" in files else say("no_base")
        lines.append(f"    # {say('no_quota', why=why)}")
    elif "quotas" in files and not fitted.valued:
        lines.append(f"    # {say('quota_unused')}")
    elif rep.quota_months:
        months = ", ".join(number(m, 12) for m in rep.quota_months)
        lines.append(f"    quota: {{months: [{months}]}}")
    elif fitted.valued:
        lines.append(f"    quota: {number(rep.quota, 12 if 'quotas' in files else 4)}")
    return lines


# --- what came from beside the history --------------------------------------------------------------------------------


def tables_text(fitted: Fitted, say: Comments) -> list[str]:
    """Comments for the head of the plan: the files beside the history, and names that match nothing."""
    lines = []
    for table in fitted.beside:
        lines.append(f"# {_read(table, say)}")
        own = [s for s in fitted.strangers if s.table == table.kind]
        for s in own[:MOST_LISTED]:
            near = say("nearest", name=said(s.nearest)) if s.nearest else ""
            deals = say("deals", n=f"{s.deals:,}") if s.deals else ""
            lines.append(f"#   {say('stranger', name=said(s.name), near=near, deals=deals, what=say.outside(s.what))}")
        if len(own) > MOST_LISTED:
            lines.append(f"#   {say('more', n=len(own) - MOST_LISTED)}")
    return lines


def _read(table: Beside, say: Comments) -> str:
    read = say(f"table.{table.kind}", file=said(table.name), rows=f"{table.rows:,}")
    return say("table_left", table=read, n=f"{len(table.refused):,}") if table.refused else read


def accounts_text(rows: pl.DataFrame) -> str:
    """The known accounts as CSV: account, and what is known of owner, region, segment and scores."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows.columns)
    for row in rows.iter_rows():
        writer.writerow(["" if v is None else f"{v:.4g}" if isinstance(v, float) else v for v in row])
    return out.getvalue()
