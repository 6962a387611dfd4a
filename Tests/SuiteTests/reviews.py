"""Reviews of a marketplace as one table, and what a survey's figures of them must be.

reviews.py FOLDER OUT: joins the reviews with the people who gave them, writes them to OUT, and prints how often each score was given and how many reviews
have a comment. Without the data, reviews are made up.
"""

import csv
import gzip
import os
import random
import sys
from collections import Counter

folder, out = sys.argv[1], sys.argv[2]


def rows(name):
    with gzip.open(os.path.join(folder, f"olist_{name}_dataset.csv.gz"), "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def real():
    people = {row["customer_id"]: row["customer_unique_id"] for row in rows("customers")}
    buyers = {row["order_id"]: people.get(row["customer_id"]) for row in rows("orders")}
    for row in rows("order_reviews"):
        buyer = buyers.get(row["order_id"])
        if buyer:
            # A review of several orders bears one number.
            yield [row["review_id"] + "-" + row["order_id"], row["order_id"], buyer, row["review_score"], row["review_comment_message"].strip(),
                   row["review_answer_timestamp"]]


def made_up():
    dice = random.Random(7)
    for number in range(400):
        comment = dice.choice(["", "bom, \"muito\" bom", "não\nchegou"])
        yield [f"r{number}", f"o{number}", f"c{dice.randrange(150)}", str(dice.randint(1, 5)), comment, f"2018-0{dice.randint(1, 9)}-11 10:00:0{number % 10}"]


found = list(real() if os.path.isdir(folder) else made_up())
with open(out, "w", encoding="utf-8", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["id", "order", "customer", "score", "comment", "answered_at"])
    writer.writerows(found)
scores = Counter(row[3] for row in found)
print(",".join(str(scores[str(score)]) for score in range(1, 6)))
print(sum(1 for row in found if row[4]))
