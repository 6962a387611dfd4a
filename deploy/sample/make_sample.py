#!/usr/bin/env python3
"""Makes the sample of `make demo`: orders.ndjson, contacts.ndjson and answers.ndjson, of 60 customers of one business that sells tea and tea ware.

Orders are a year's, up to 1998-06-30. Every record is one order event of the public contract. Among them are payments that come late, refunds that come
before their order, repeats, customers known by a phone at first and by a member id later, and five records that must be refused.
Contacts and answers are the half year's before 1998-07-01. Contacts of the last 30 days become tickets, older ones are history.
Names, phone numbers and addresses are made up; nobody has them.
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


def write(name, lines):
    with open(f"{__file__.rsplit('/', 1)[0]}/{name}.ndjson", "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    print(name, len(lines), "records")


def text(record):
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


write("orders", [text(record) for record in records + bad] + ['{"source":"shop","order_id":"B5",'])

# Who writes and calls: the member's number less 100, the name, and where somebody gave it, an address.
NAMES = {
    0: "林晓梅", 1: "陈国栋", 2: "Anna Keller", 3: "周文博", 4: "黄雅琴", 5: "吴建平", 10: "赵明远", 11: "孙丽华", 12: "James Porter", 13: "徐志强", 14: "马秀英",
    20: "朱海燕", 21: "胡子轩", 22: "Maria Rossi", 23: "郭建华", 24: "何静怡", 30: "高俊杰", 31: "罗思远", 32: "Peter Olsen", 33: "梁美玲", 40: "宋佳宁", 41: "唐一鸣",
    42: "Helen Wood", 43: "韩雪梅", 50: "冯少华", 51: "董心怡", 52: "David Brandt", 53: "程立新", 6: "曹雨桐", 17: "袁志远", 28: "邓小红", 39: "许文静",
}
MAILS = {0: "lin.xiaomei@example.cn", 2: "a.keller@example.org", 12: "j.porter@example.org", 22: "m.rossi@example.org", 32: "p.olsen@example.org",
         42: "h.wood@example.org", 52: "d.brandt@example.org", 10: "zhao.my@example.cn", 30: "gao.jj@example.cn", 50: "feng.sh@example.cn"}


def identifier(person):
    """As the orders know the customer: some only by phone."""
    member = f"M{100 + person}"
    if any(record.get("customer", {}).get("member_id") == member for record in records):
        return {"member_id": member}
    return {"phone": f"1380000{2000 + person}", "phone_verified": True}


def customer(person):
    """Whoever gave a name or an address is known by it from then on."""
    known = identifier(person)
    if person in NAMES:
        known["name"] = NAMES[person]
    if person in MAILS:
        known.update(email=MAILS[person], email_verified=True)
    return known


contacts = []


def contact(day, hour, person, kind, urgency, category, channel, words, *answers, **more):
    """A customer's words, and what was said then: (hours later, words), spoken by the business unless a third says "inbound"."""
    number = 1 + sum(1 for one in contacts if "kind" in one)
    began = datetime.datetime.combine(datetime.date.fromisoformat(f"1998-{day}"), datetime.time()) + datetime.timedelta(hours=hour)
    said = [(0, words, "inbound"), *((*answer, "outbound")[:3] for answer in answers)]
    for place, (later, what, direction) in enumerate(said):
        moment = (began + datetime.timedelta(hours=later)).isoformat() + "+08:00"
        record = {"source": "crm", "event_id": f"call-{number:03d}" + (f"-{place}" if place else ""), "occurred_at": moment, "customer": customer(person),
                  "direction": direction, "channel": channel, "category": category, "text": what, "reference": f"conversation-{number:03d}"}
        if place == 0:
            record.update(kind=kind, urgency=urgency, **more)
        contacts.append(record)


# History: longer ago than 30 days.
contact("01-12", 10.5, 11, "question", "question", "发票", "wechat", "年前的订单可以补开发票吗？抬头是公司名称。", (1, "可以的，发票已发送到您的邮箱。"))
contact("01-26", 15.0, 22, "complaint", "degraded", "delivery", "email", "The gift boxes came two days after our event. They are of no use to us now.",
        (3, "We are sorry. You need not send them back, and the money is on its way to you."))
contact("02-13", 9.25, 33, "question", "question", "商品", "app", "大红袍开封以后能放多久？")
contact("03-02", 11.0, 42, "change_request", "question", "address", "web", "We have moved. Please send everything to the new address from April on.",
        (2, "It is changed, also for the two orders that are open."))
contact("03-28", 20.5, 13, "complaint", "degraded", "物流", "hotline", "快递说派送了三次，可是我一直在家，没有人来过。", (14, "已联系快递改为今天下午送达。"))
contact("04-08", 14.0, 32, "complaint", "blocked", "quality", "email", "Three of twelve cups were broken, and the parcel was hardly wrapped.",
        (4, "Three new ones left our house today, better wrapped."))
contact("04-17", 16.5, 24, "complaint", "degraded", "物流", "wechat", "四月份的订单晚了一个星期，客人都等不及了。")
contact("05-06", 10.0, 51, "suggestion", "question", "商品", "app", "希望出一些小包装，出差带着方便。", (5, "谢谢建议，已转给产品部门。"))
contact("05-19", 9.5, 12, "tailored_need", "question", "gifts", "email", "Can you print the name of our firm on 300 tins?", (6, "Yes, from 200 on. A sample is on its way to you."))
# The last 30 days: these are on the desk.
contact("06-09", 10.0, 31, "question", "question", "订单", "app", "上周的订单还没有发货，是缺货了吗？", (3, "杭州仓补货，明天发出。"), (27, "收到了，谢谢。", "inbound"))
contact("06-15", 11.0, 52, "question", "question", "returns", "email", "How do I send a teapot back? Its lid does not fit.", (2, "Print the label in your account; the courier takes it along."))
contact("06-18", 9.0, 43, "complaint", "degraded", "质量", "wechat", "这批龙井味道和上次差很多，不像是明前茶。", (5, "已请质检核对批次，明天给您答复。"))
contact("06-22", 14.0, 4, "change_request", "question", "地址", "hotline", "请把未发的订单改送到新仓库，四号门，按两次门铃。", (0.5, "已修改，预计周四送达。"))
contact("06-24", 16.0, 53, "suggestion", "question", "小程序", "app", "小程序里能不能按上次的订单一键再买？每个月都要重新挑一遍。", (20, "这个建议很好，已排入七月版本。"))
contact("06-25", 10.0, 2, "complaint", "degraded", "invoice", "email", "The price on the invoice is not the one that your shop showed.",
        (5, "You are right: the campaign ended a day too early in our system. A new invoice follows."))
contact("06-26", 15.5, 41, "fault", "degraded", "小程序", "app", "点“我的订单”就闪退，重新安装也一样。手机是去年买的。")
contact("06-29", 9.0, 21, "question", "question", "发票", "wechat", "六月的发票抬头写错了，可以换一张吗？", (1.5, "可以，更正后的发票今天发送。"))
contact("06-29", 16.0, 32, "complaint", "degraded", "delivery", "hotline", "The parcel is a week late and nobody can say where it is.",
        (1.5, "We asked the carrier and expect an answer tomorrow."), (26, "It is tomorrow now. And?", "inbound"))
contact("06-30", 10.0, 12, "tailored_need", "question", "gifts", "email", "We need 2,000 gift boxes with our own print by September. Please make us a sample and a quote.")
contact("06-30", 14.5, 3, "delivery", "degraded", "物流", "app", "两箱只到了一箱，另外一箱物流显示已签收，但我们没有收到。", order_id="S1044")
contact("06-30", 18.0, 50, "complaint", "blocked", "质量", "wechat", "上一批的茶杯有一半带划痕，客户已经退回来了。请尽快更换。", (1, "照片已收到，换货申请已提交。"))
contact("07-01", 8.5, 42, "question", "question", "payment", "email", "Is it possible to pay by bank transfer within 30 days?", (1.5, "Yes, from an order of 5,000 on."),
        (3, "And for smaller orders? We have three offices.", "inbound"))
contact("07-01", 9.5, 30, "fault", "blocked", "登录", "hotline", "密码规则改了以后，我们公司没有人能登录下单。", (0.5, "技术同事正在处理，一小时内给您回电。"))
contact("07-01", 14.0, 40, "question", "question", "合同", "wechat", "八月起我们享受哪一档折扣？合同里写明七月一日前要确认。")
contact("07-01", 16.0, 22, "change_request", "question", "account", "email", "Please add a second buyer to our account: Mr. Bianchi, purchasing.")
contact("07-01", 20.0, 20, "complaint", "degraded", "物流", "wechat", "第三次送错地址了，仓库已经没有人收货。\n请今天之内给一个明确的说法，电话 13800002020。")
contact("07-01", 22.25, 10, "fault", "blocked", "发票", "hotline", "发票导出到第三页就停了，财务明天一早要结账。", order_id="S1059")
contact("07-01", 23.5, 0, "fault", "system_down", "下单", "hotline", "十一点多开始全公司都下不了单，页面一直报错。\n我们有一批货必须在零点前下单。")
write("contacts", [text(record) for record in sorted(contacts, key=lambda record: record["occurred_at"])])

# What customers say, by how they feel about it. The dice are others than those of the orders.
dice = random.Random(19980702)
GOOD = ["物流很快，包装也很用心。", "客服很耐心，问题一次就解决了。", "茶叶新鲜，味道很好，会再来。", "小程序用起来很流畅。", "价格实惠，推荐给朋友了。", "礼盒很漂亮，客户很喜欢。",
        "Fast delivery, as always.", "Friendly people on the phone, and quick.", "Everything arrived on time and in one piece.", "Easy to order, easy to pay.",
        "Beautiful cups, well wrapped.", "They solved my problem within an hour. Thank you!"]
FAIR = ["一般，没有什么特别的。", "质量好，但是物流有点慢。", "味道不错，就是价格偏高。", "Good tea, though a little expensive.", "It is all right.", "The app works, but it is slow."]
POOR = ["物流太慢了，等了很久。", "包装破损，茶杯碎了两个。", "客服一直推诿，很失望。", "商品有瑕疵，退款也很麻烦。", "小程序经常闪退。", "The parcel came a week late and the box was damaged.",
        "Nobody answered my e-mails. Very disappointing.", "Too expensive for what it is.", "The invoice was wrong, and the refund took three weeks."]
answers = []


def answer(day, person, survey, metric, score, mood, **more):
    words = dice.choice({1: GOOD, 0: FAIR, -1: POOR}[mood])
    number = len(answers) + 1
    record = {"source": "surveys", "event_id": f"answer-{number:03d}", "occurred_at": instant(day, 9 + number % 11), "customer": identifier(person),
              "survey": survey, "survey_version": 1, "metric": metric, "score": score, "channel": dice.choice(["wechat", "wechat", "app", "email", "sms"]), **more}
    if dice.random() < 0.6:
        record["comment"] = words
    answers.append(record)


def feels(luck, day):
    """Deliveries were late from the end of March to the end of April; things went better from May on."""
    bad_weeks = datetime.date(1998, 3, 25) < day < datetime.date(1998, 5, 1)
    luck += -0.14 if bad_weeks else 0.08 if day >= datetime.date(1998, 5, 1) else 0
    return 1 if luck > 0.5 else 0 if luck > 0.24 else -1


# Each quarter everybody is asked; most answer within the first weeks, some later.
for quarter, people in [(datetime.date(1998, 1, 5), 56), (datetime.date(1998, 4, 6), 58)]:
    for person in dice.sample(range(60), people):
        day = quarter + datetime.timedelta(days=min(int(dice.expovariate(1 / 16)), 84))
        mood = feels(dice.random() + (0.08 if person % 10 < 3 else 0), day)
        answer(day, person, "nps-quarterly", "nps", {1: dice.choice([9, 9, 10, 10]), 0: dice.choice([7, 8, 8]), -1: dice.choice([2, 4, 5, 6, 6])}[mood], mood)
# After tickets and deliveries.
for _ in range(56):
    day = datetime.date(1998, 1, 5) + datetime.timedelta(days=dice.randint(0, 176))
    mood = feels(dice.random() + 0.1, day)
    answer(day, dice.randint(0, 59), "csat-after-ticket", "csat", {1: dice.choice([4, 5, 5]), 0: 3, -1: dice.choice([1, 2, 2])}[mood], mood)
for _ in range(34):
    day = datetime.date(1998, 1, 5) + datetime.timedelta(days=dice.randint(0, 176))
    mood = feels(dice.random() + 0.1, day)
    answer(day, dice.randint(0, 59), "ces-after-delivery", "ces", {1: dice.choice([5, 6, 7]), 0: 4, -1: dice.choice([1, 2, 3])}[mood], mood,
           item=f"A{dice.randint(1, 12)}")
write("answers", [text(record) for record in sorted(answers, key=lambda record: record["occurred_at"])])
