#!/usr/bin/env python3
"""Makes orders.ndjson: a year of orders of 60 customers of one business, up to 1998-06-30, for `make demo`.

Every record is one order event of the public contract. Among them are payments that come late, refunds that come before
their order, repeats, customers known by a phone at first and by a member id later, and five records that must be refused.
"""
import datetime
import json
import random

random.seed(19980701)
START = datetime.date(1997, 7, 5)
records = []


def instant(day, hour=12):
    return f"{day.isoformat()}T{hour:02d}:00:00+08:00"


def order(number, who, day, yuan, **more):
    record = {"source": "shop", "type": "order", "order_id": f"S{number}", "occurred_at": instant(day), "total": f"{yuan}.00", "currency": "CNY",
              "channel": random.choice(["app", "mini_program", "store"]), "customer": who,
              "lines": [{"sku": f"A{random.randint(1, 40)}", "quantity": "1", "amount": f"{yuan}.00"}]}
    record.update(more)
    return record


number = 1000
for person in range(60):
    group = person % 10
    orders, yuan = {0: (18, 60000), 1: (12, 40000), 2: (8, 30000), 3: (6, 16000), 4: (5, 9000)}.get(group, (random.randint(1, 4), random.randint(50, 3000)))
    member = {"member_id": f"M{100 + person}"}
    phone = {"phone": f"1380000{2000 + person}", "phone_verified": True}
    first = START + datetime.timedelta(days=random.randint(0, 20))
    last = datetime.date(1998, 6, 30) - datetime.timedelta(days=random.randint(0, 20) if group < 5 else random.randint(0, 300))
    for place in range(orders):
        number += 1
        day = first + (last - first) * place // max(1, orders - 1) if orders > 1 else last
        who = dict(member)
        if person % 7 == 3:  # known by phone at first, by both later, then by member id
            who = dict(phone) if place == 0 else {**member, **phone} if place == 1 else dict(member)
        if number % 9 == 0:  # ordered now, paid on its own later
            records.append(order(number, who, day, yuan))
            records.append({"source": "shop", "type": "payment", "order_id": f"S{number}", "payment_id": f"P{number}", "occurred_at": instant(day, 15),
                            "amount": f"{yuan}.00", "currency": "CNY"})
        else:
            records.append(order(number, who, day, yuan, status="paid", paid_at=instant(day)))
        if number % 17 == 0:
            records.append({"source": "shop", "type": "refund", "order_id": f"S{number}", "refund_id": f"R{number}",
                            "occurred_at": instant(min(day + datetime.timedelta(days=3), datetime.date(1998, 6, 30))), "amount": f"{yuan // 2}.00", "currency": "CNY"})
random.shuffle(records)
records += records[:25]  # repeats have no effect
bad = [
    {"source": "shop", "order_id": "B1", "occurred_at": "1998-06-01T10:00:00+08:00", "status": "paid", "total": "12.00", "customer": {}},
    {"source": "shop", "order_id": "B2", "occurred_at": "1999-06-01T10:00:00+08:00", "status": "paid", "total": "12.00", "customer": {"member_id": "M1"}},
    {"source": "shop", "order_id": "B3", "occurred_at": "1998-06-01T10:00:00+08:00", "status": "paid", "total": "twelve", "customer": {"member_id": "M1"}},
    {"source": "shop", "order_id": "B4", "occurred_at": "1998-06-01T10:00:00+08:00", "status": "paid", "total": "12.00", "currency": "XXQ", "customer": {"member_id": "M1"}},
]
lines = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records + bad] + ['{"source":"shop","order_id":"B5",']
with open(__file__.rsplit("/", 1)[0] + "/orders.ndjson", "w", encoding="utf-8") as out:
    out.write("\n".join(lines) + "\n")
print(len(lines), "records")
