#!/usr/bin/env python3
"""What a list of purchases must give at a day, worked out the plain way: truth.py cdnow|retail FILE DAY

Prints one CSV line per customer: member_id,recency_days,frequency,monetary,repurchase_rate, sorted. Knows nothing of the suite.
cdnow: every line is a paid order. retail: lines grouped by invoice; an invoice whose number begins with C is a credit note.
"""
import csv
import datetime
import sys
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

kind, path, day = sys.argv[1], sys.argv[2], datetime.date.fromisoformat(sys.argv[3])


def year_before(date):
    try:
        return date.replace(year=date.year - 1)
    except ValueError:
        return date.replace(year=date.year - 1, day=28)


orders, credits = defaultdict(list), defaultdict(list)  # customer -> [(date, cents)]
if kind == "cdnow":
    with open(path, encoding="ascii", errors="ignore") as lines:
        for line in list(lines)[1:]:
            fields = line.replace("\x1a", "").split()
            if fields:
                date = datetime.datetime.strptime(fields[1], "%Y%m%d").date()
                orders[fields[0]].append((date, int(Decimal(fields[3]) * 100)))
else:
    invoices = {}
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            invoice = invoices.setdefault(row["InvoiceNo"], [row["CustomerID"].removesuffix(".0"), row["InvoiceDate"][:10], 0])
            amount = (Decimal(row["Quantity"]) * Decimal(row["UnitPrice"])).quantize(Decimal("0.01"), ROUND_HALF_UP)
            invoice[2] += int(amount * 100)
    for number, (customer, date, cents) in invoices.items():
        if customer:
            (credits if number.startswith("C") else orders)[customer].append((datetime.date.fromisoformat(date), abs(cents)))

start = year_before(day)
for customer in sorted(set(orders) | set(credits)):
    dates = sorted(date for date, _ in orders[customer] if date <= day)
    window = [date for date in dates if date > start]
    cents = sum(amount for date, amount in orders[customer] if start < date <= day) - sum(amount for date, amount in credits[customer] if start < date <= day)
    recency = (day - max(dates)).days if dates else ""
    repeats = sum(1 for place, date in enumerate(dates) if date > start and place > 0 and (date - dates[place - 1]).days <= 90)
    rate = ""
    if window:
        exact = Fraction(100 * repeats, len(window))
        scaled = (exact * 10000 + Fraction(1, 2)).__floor__()
        rate = f"{scaled // 10000}.{scaled % 10000:04d}".rstrip("0").rstrip(".")
    sign = "-" if cents < 0 else ""
    print(f"{customer},{recency},{len(window)},{sign}{abs(cents) // 100}.{abs(cents) % 100:02d},{rate}")
