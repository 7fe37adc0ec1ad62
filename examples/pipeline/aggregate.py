"""Sums over days, stores and products."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from pipeline.cleaning import Sale


def daily_totals(sales: Iterable[Sale]) -> dict[date, float]:
    """Amount of each day, days in order; a day without sales between two others is zero."""
    totals: dict[date, float] = defaultdict(float)
    for sale in sales:
        totals[sale.day] += sale.amount
    if not totals:
        return {}
    day, last = min(totals), max(totals)
    filled = {}
    while day <= last:
        filled[day] = round(totals.get(day, 0.0), 2)
        day += timedelta(days=1)
    return filled


def weekly_totals(totals: dict[date, float], week_start: int = 0) -> dict[date, float]:
    """Sum daily totals by the first day of their week (0 is Monday)."""
    weeks: dict[date, float] = defaultdict(float)
    for day, amount in totals.items():
        back = (day.weekday() - week_start) % 7
        weeks[day - timedelta(days=back)] += amount
    return {week: round(amount, 2) for week, amount in sorted(weeks.items())}


def top_products(sales: Iterable[Sale], count: int = 3) -> list[tuple[str, int]]:
    """The products that sold most, with their units."""
    counter: Counter[str] = Counter()
    for sale in sales:
        counter[sale.product] += sale.units
    return counter.most_common(count)


def grand_total(totals: dict[date, float]) -> float:
    """Amount of all days."""
    total = 0.0
    for day, amount in totals.items():
        total += amount
    return round(total, 2)


def busy_days(totals: dict[date, float], limit: float) -> list[date]:
    """Days with at least `limit` in sales."""
    days = []
    for day, amount in totals.items():
        if amount >= limit:
            days.append(day)
    return days


def store_shares(sales: Iterable[Sale]) -> dict[str, float]:
    """Share of each store in the whole amount, in percent, largest first."""
    amounts: dict[str, float] = defaultdict(float)
    for sale in sales:
        amounts[sale.store] += sale.amount
    whole = sum([amount for amount in amounts.values()])
    if whole == 0:
        return dict((store, 0.0) for store, amount in amounts.items())
    ranked = sorted(amounts.items(), key=lambda item: -item[1])
    return {store: round(100 * amount / whole, 1) for store, amount in ranked}


def moving_average(values: list[float], window: int) -> list[float]:
    """Trailing mean; the first values use what there is."""
    if window < 1:
        raise ValueError("window has to be 1 or more")
    means = []
    for index in range(len(values)):
        part = values[max(0, index - window + 1) : index + 1]
        means.append(sum(part) / len(part))
    return means


def median_amount(amounts: list[float]) -> float:
    """The amount in the middle; 0 for none."""
    if not amounts:
        return 0.0
    ordered = sorted(amounts)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else round((ordered[middle - 1] + ordered[middle]) / 2, 2)


def mean_amount(amounts: list[float]) -> float:
    """The mean amount, rounded to cents."""
    return round(sum(amounts) / len(amounts), 2)


def running_totals(amounts: list[float]) -> list[float]:
    """The sum up to each amount."""
    total = 0.0
    totals: list[float] = []
    for amount in amounts:
        total += amount
        totals = totals + [round(total, 2)]
    return totals


def products_sold(baskets: Iterable[list[str]]) -> list[str]:
    """Every product of all baskets, in the order in which they were sold."""
    return sum((basket for basket in baskets), [])


def ranking(products: list[str]) -> list[str]:
    """Number products, the best first."""
    return [f"{products.index(product) + 1}. {product}" for product in products]
