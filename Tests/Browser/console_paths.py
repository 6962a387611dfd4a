"""Walks the main paths of the console in Chromium, in English and in Chinese, and looks at what is shown after each step.

Usage: console_paths.py CLIENTELE FOLDER [AXE]
CLIENTELE is the program, FOLDER that of a suite with the sample and the desk of deploy/setup/browser-suite, AXE axe-core's script (without it that part is left out).
Ends with 1 when anything is not as it should be, and says what.
"""

import csv
import datetime
import io
import json
import re
import time

from playwright.sync_api import Error

from console_people import Person, check, run

LOCALES = ["en-US", "zh-CN"]
# How long something that the services do behind a page may take, in milliseconds.
PATIENCE = 20_000


class Walker(Person):
    """Somebody who walks a path, and knows what it is called in both languages."""

    def __init__(self, browser, suite, axe, role, name, locale, **context):
        super().__init__(browser, suite, axe, role, name, locale=locale, **context)
        self.suite, self.locale = suite, locale

    def say(self, english, chinese):
        return english if self.locale == "en-US" else chinese

    def expect(self, holds, text):
        return check(holds, f"{self.label}: {self.page.url}: {text}")

    def open(self, path):
        answer = self.page.goto(self.base + path)
        self.look(len(answer.body()))
        return answer.status

    def text(self):
        return self.page.inner_text("main")

    def shows(self, english, chinese):
        words = self.say(english, chinese)
        return self.expect(words in self.text(), f"“{words}” is not shown")

    def press(self, english, chinese, kind="button"):
        """Presses a button, or follows a link, and looks at what comes."""
        with self.page.expect_navigation():
            self.page.get_by_role(kind, name=self.say(english, chinese), exact=True).first.click()
        self.look(0)

    def unfold(self, english, chinese):
        self.page.locator("summary", has_text=self.say(english, chinese)).first.click()

    def tab_to(self, selector, limit=60):
        """By the keyboard alone, from where the focus is."""
        for _ in range(limit):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return True
        return self.expect(False, f"the keyboard never reaches {selector}")

    def return_key(self):
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        self.look(0)

    def again_until(self, selector, text, is_there=True):
        """Loads the page anew until it says so: figures follow what was done by way of topics."""
        end = time.monotonic() + PATIENCE / 1000
        while time.monotonic() < end:
            if (text in " ".join(self.page.locator(selector).all_inner_texts())) == is_there:
                return True
            self.page.wait_for_timeout(200)
            self.page.reload()
        return self.expect(False, f"{selector} never {'says' if is_there else 'stops to say'} “{text}”")


def publish(suite, topic, *records):
    suite.run("publish", "--topic", topic, "-", text="".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))


def order(number, member, total="88.00"):
    return {"source": "shop", "order_id": number, "occurred_at": "1998-06-30T10:00:00+08:00", "status": "paid", "total": total, "customer": {"member_id": member}}


def customer(suite, member):
    """The number of a customer, as soon as it is known."""
    end = time.monotonic() + PATIENCE / 1000
    while True:
        try:
            return suite.call("customer", "show", "--member", member)["profile"]["customer_id"]
        except RuntimeError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def in_both(path):
    """A path is walked in each language."""

    def walk(browser, suite, axe):
        for locale in LOCALES:
            try:
                path(browser, suite, axe, locale)
            except (Error, RuntimeError) as error:
                # The other paths are walked all the same.
                where = [context.pages[-1].url for context in browser.contexts if context.pages]
                check(False, f"{path.__name__} {locale}: stopped at {where}: {error}")
            for context in browser.contexts:
                context.close()
        print(f"{path.__name__}: done", flush=True)

    return walk


@in_both
def finding(browser, suite, axe, locale):
    """By the keyboard: from the first page to a customer by member id, by phone, and on to the score and the timeline."""
    me = Walker(browser, suite, axe, "manager", "Wang Fang", locale)
    page = me.page
    me.tab_to("header nav a[href='/customers']")
    me.return_key()
    me.tab_to("#field-q")
    page.keyboard.type("M120")
    me.return_key()
    me.expect("/customers/" in page.url and "M120" in me.text(), "M120 is not found")
    me.shows("Why this score", "得分说明")
    points = [float(text.split(" ")[0]) for text in page.locator("svg.chart text.value").all_text_contents() if text[0].isdigit()]
    score = int(re.search(r"\d+", page.locator(".tile .value").first.inner_text())[0])
    me.expect(points and abs(sum(points) - score) < 1, f"the bars come to {sum(points)}, and the score is {score}")
    me.tab_to("summary")
    page.keyboard.press("Enter")
    me.expect(page.locator("table#score, table").first.is_visible(), "the figures behind the score do not open")
    page.get_by_role("link", name=me.say("Tier and score", "等级与得分"), exact=True).click()
    me.look(0)
    me.expect(page.get_by_role("table").count() > 0, "the explanation has no table")
    page.get_by_role("link", name=me.say("Timeline", "时间线"), exact=True).click()
    me.look(0)
    me.expect(page.locator("ul.timeline > li, ol.timeline > li").count() > 10, "the timeline is short")
    me.shows("Payment", "付款")
    me.open("/customers")
    page.locator("#field-q").fill("138 0000 2003")
    me.press("Find", "查找")
    me.expect("M103" in me.text(), "138 0000 2003 does not find M103")
    me.expect("13800002003" not in page.content(), "a phone number is shown in full, and nobody asked for it")
    page.goto(me.base + "/customers")
    page.locator("#field-q").fill("M99999")
    me.press("Find", "查找")
    me.shows("Nobody was found by that", "没有找到")
    me.expect(page.locator("#field-q").input_value() == "M99999", "what was searched for is lost")
    me.close()


@in_both
def tagging(browser, suite, axe, locale):
    me = Walker(browser, suite, axe, "manager", "Wang Fang", locale)
    page = me.page
    tag = me.say("likes green tea", "爱喝绿茶")
    me.open(f"/customers/{customer(suite, 'M121')}/tags")
    me.unfold("Give a tag", "添加标签")
    page.locator("#field-tag").fill(tag)
    page.locator("#field-reason").fill(me.say("said so on the phone", "电话中提到"))
    me.press("Give it", "添加")
    me.shows("Saved.", "已保存。")
    me.expect(tag in page.locator("table").first.inner_text(), "the tag is not among the tags")
    me.press(f"Take away “{tag}”", f"移除“{tag}”", "link")
    page.locator("#field-reason").fill(me.say("has changed", "已改变"))
    me.press("Take it away", "移除")
    me.shows("Saved.", "已保存。")
    me.expect(tag not in page.locator("table").first.inner_text(), "the tag is still among the tags")
    me.expect(tag in page.locator("table").last.inner_text(), "nothing tells that it was given and taken")
    me.close()


@in_both
def merging(browser, suite, axe, locale):
    """Two records of one person become one customer, and two again."""
    word = locale[:2].upper()
    publish(suite, "in.orders.v1", order(f"D{word}1", f"DOUBLE-{word}-1"), order(f"D{word}2", f"DOUBLE-{word}-2", "99.00"))
    one, other = (customer(suite, f"DOUBLE-{word}-{number}") for number in (1, 2))
    me = Walker(browser, suite, axe, "manager", "Wang Fang", locale)
    page = me.page
    me.open(f"/customers/{one}/merge")
    page.locator("#field-with").fill("nonsense")
    me.press("Show both side by side", "并排对比")
    me.expect(page.locator("[aria-invalid=true]").input_value() == "nonsense", "a number that is none is not told at its field")
    page.locator("#field-with").fill(other)
    me.press("Show both side by side", "并排对比")
    me.expect(all(f"DOUBLE-{word}-{number}" in me.text() for number in (1, 2)), "both are not side by side")
    page.locator("#field-reason").fill(me.say("the same address", "同一地址"))
    me.press("They are one: merge them", "确认合并")
    me.shows("Merged.", "已合并")
    left = page.url.split("/customers/")[1].split("?")[0]
    gone = one if left == other else other
    page.goto(f"{me.base}/customers/{gone}")
    me.expect(f"/customers/{left}" in page.url, f"who became part of another is at {page.url}")
    page.goto(f"{me.base}/merges?customer={left}")
    page.locator("table tbody a").first.click()
    me.look(0)
    page.locator("#field-reason").fill(me.say("two neighbours", "是两位邻居"))
    me.press("Undo the merge", "撤销合并")
    me.shows("Undone", "已撤销")
    page.goto(f"{me.base}/customers/{gone}")
    me.expect(f"/customers/{gone}" in page.url and f"DOUBLE-{word}" in me.text(), "there are not two customers again")
    me.close()


@in_both
def reviewing(browser, suite, axe, locale):
    """One change of a tier is confirmed, another rejected; a rejection without a reason is none."""
    me = Walker(browser, suite, axe, "manager", "Wang Fang", locale)
    page = me.page

    def waiting():
        me.open("/reviews/tiers")
        return int(re.search(r"\d+", page.locator("h1").inner_text())[0])

    before = waiting()
    me.expect(before >= 2, f"{before} changes wait")
    page.locator("table tbody a").first.click()
    me.look(0)
    confirmed = page.url.split("/")[-1]
    page.locator("button[name=deed][value=confirm]").click()
    me.shows("Decided.", "已决定。")
    me.expect(waiting() == before - 1, "what was confirmed still waits")
    page.locator("table tbody a").first.click()
    page.locator("button[name=deed][value=reject]").click()
    me.look(0)
    me.expect(page.locator("#field-reason[aria-invalid=true]").count() == 1, "a missing reason is not told at its field")
    page.locator("#field-reason").fill(me.say("returns too much", "退货过多"))
    page.locator("button[name=deed][value=reject]").click()
    me.shows("Decided.", "已决定。")
    me.expect(waiting() == before - 2, "what was rejected still waits")
    me.open(f"/customers/{confirmed}")
    me.again_until(".person", "VIP")
    me.expect(page.locator(".badge", has_text=me.say("waits:", "待确认")).count() == 0, "what was confirmed waits at the customer's page")
    me.close()


@in_both
def at_the_desk(browser, suite, axe, locale):
    """A lead opens a ticket, answers and passes it on; an agent sees and resolves it, one of another team does not."""
    lead = Walker(browser, suite, axe, "lead", "Li Na", locale)
    page = lead.page
    words = lead.say("The lid is missing", "盖子不见了") + f" {locale}"
    lead.open("/tickets")
    lead.press("Open a ticket", "新建工单", "link")
    # By the keyboard alone.
    lead.tab_to("#field-new_customer_id")
    page.keyboard.type("M999999")
    lead.tab_to("#field-new_text")
    page.keyboard.type(words)
    lead.tab_to("form.sheet button.main")
    lead.return_key()
    lead.expect(page.locator("#field-new_customer_id[aria-invalid=true]").count() == 1, "a customer that there is not is not told at the field")
    lead.expect(page.locator("#field-new_text").input_value() == words, "what the customer said is lost")
    page.locator("#field-new_customer_id").fill("M120")
    page.locator("#field-new_kind").select_option("complaint")
    page.locator("#field-new_urgency").select_option("degraded")
    lead.press("Open it", "创建")
    lead.shows("Opened.", "已创建。")
    ticket = page.url.split("/tickets/")[1].split("?")[0]
    lead.expect(page.locator("h1").inner_text() == words, "the ticket has another title")
    lead.expect(page.locator(".until").count() >= 2, "no deadline is told")
    lead.tab_to("#field-reply_text")
    page.keyboard.type(lead.say("A new one comes tomorrow.", "明天寄出新的。"))
    lead.tab_to("form[action$='/reply'] button")
    lead.return_key()
    lead.shows("Noted.", "已记录。")
    lead.shows("A new one comes tomorrow.", "明天寄出新的。")
    lead.unfold("Give it to somebody", "转派")
    page.locator("#field-assign_whom").select_option("owner:Zhao Lei")
    page.locator("#field-assign_reason").fill(lead.say("he knows the potter", "他认识供应商"))
    page.locator("form[action$='/assign'] button").click()
    lead.shows("Assigned.", "已分派。")

    agent = Walker(browser, suite, axe, "agent", "Zhao Lei", locale)
    agent.open("/tickets?queue=mine")
    agent.expect(words in agent.text(), "who has the ticket does not see it among the own ones")
    plain = Walker(browser, suite, None, "agent", "Zhao Lei", locale, java_script_enabled=False)
    plain.page.goto(f"{plain.base}/tickets/{ticket}")
    plain.expect(all(re.search(r"\d", text) for text in plain.page.locator(".until").all_inner_texts()), "without scripts no clock has a text")
    plain.expect(plain.page.locator(".until").count() >= 1, "without scripts there is no clock")
    plain.close()
    stranger = Walker(browser, suite, None, "agent", "Chen Jing", locale)
    stranger.expect(stranger.page.goto(f"{stranger.base}/tickets/{ticket}").status in (403, 404), "an agent of another team opens it")
    stranger.page.goto(stranger.base + "/tickets")
    stranger.expect(words not in stranger.page.content(), "an agent of another team finds it in the list")
    stranger.close()

    agent.open(f"/tickets/{ticket}")
    agent.unfold("Resolve", "解决")
    agent.page.locator("#field-resolve_code").select_option("fixed")
    agent.page.locator("#field-resolve_root_cause").select_option("logistics")
    agent.page.locator("form[action$='/resolve'] button").click()
    agent.shows("Saved.", "已保存。")
    agent.expect(agent.page.locator("form[action$='/resolve']").count() == 0, "it can be resolved once more")
    agent.shows("fixed", "已修复")
    # Two people at once: the second is told, and keeps what was written.
    page.goto(f"{lead.base}/tickets/{ticket}")
    lead.unfold("Open again", "重新打开")
    late = "late word"
    page.locator("#field-reopen_reason").fill(late)
    agent.page.goto(f"{agent.base}/tickets/{ticket}")
    agent.unfold("Open again", "重新打开")
    agent.page.locator("#field-reopen_reason").fill("first")
    agent.page.locator("form[action$='/reopen'] button").click()
    page.locator("form[action$='/reopen'] button").click()
    lead.expect(page.get_by_role("alert").count() == 1 and late in page.content(), "who was slower is not told, or what was written is lost")
    lead.close()
    agent.close()


@in_both
def in_the_workshop(browser, suite, axe, locale):
    """A scorecard is copied, changed wrongly, put right, simulated, registered, put in force, and taken back."""
    me = Walker(browser, suite, axe, "admin", "Wang Fang", locale)
    page = me.page

    def weight(dimension, indicator=None):
        return page.locator(f"[name='d{dimension}{'' if indicator is None else f'.i{indicator}'}.weight']")

    me.open("/scorecards/rfm-plus/1/edit")
    weight(0).fill("80")
    page.locator("#field-reason").fill("kept")
    me.press("Check", "检查")
    me.expect(page.get_by_role("alert").count() >= 1 and page.locator(".fault").count() >= 1, "weights of 110 are not told")
    me.expect(weight(0).input_value() == "80" and page.locator("#field-reason").input_value() == "kept", "what was entered is lost")
    weight(0).fill("7x")
    me.press("Check", "检查")
    me.expect(page.locator("[name='d0.weight'][aria-invalid=true]").input_value() == "7x", "a weight that is no number is not told at its field")
    weight(0).fill("70")
    weight(0, 0).fill("40")
    weight(0, 2).fill("15")
    page.locator("#field-reason").fill("")
    me.press("Simulate: who would move", "试算：谁会变动")
    me.expect(page.locator("#simulated").count() == 1 and page.locator("table tbody a[href^='/customers/']").count() > 0, "nobody sees who moves")
    me.press("Register as a draft", "登记为草稿")
    me.expect(page.locator("#field-reason[aria-invalid=true]").count() == 1, "a missing reason is not told")
    me.expect(weight(0, 0).input_value() == "40", "what was entered is lost")
    page.locator("#field-reason").fill(me.say("recent purchases count more", "近期购买更重要"))
    me.press("Register as a draft", "登记为草稿")
    me.shows("Saved.", "已保存。")
    card = re.search(r"/scorecards/rfm-plus/\d+", page.url)[0]
    me.open(card + "/moves")
    page.locator("#field-reason").fill("as agreed")
    me.press("Put on record", "记录试算")
    me.shows("Saved.", "已保存。")
    me.open(card + "/activate")
    page.locator("#field-without_canary").check()
    page.locator("#field-reason").fill("tried")
    me.press("Put it in force now", "立即启用")
    me.shows("Done.", "已生效")
    me.open(card + "/back")
    page.locator("#field-reason").fill("only a try")
    me.press("Go back now", "立即恢复")
    me.shows("Done.", "已生效")
    me.open("/scorecards/rfm-plus/1")
    me.expect(page.locator(f"a[href='/scorecards/rfm-plus/1/activate']").count() == 0, "the first one is not in force again")
    me.close()


@in_both
def correcting(browser, suite, axe, locale):
    """A refused record is corrected, tried and sent again; then it is no longer open."""
    number = f"WRONG-{locale}"
    me = Walker(browser, suite, axe, "admin", "Wang Fang", locale)
    page = me.page
    me.open("/quarantine?state=open&reason=total.type")
    known = page.locator("table").last.locator("tbody a").all_inner_texts()
    publish(suite, "in.orders.v1", order(number, "M101", "twelve"))
    end = time.monotonic() + PATIENCE / 1000
    new = []
    while not new and time.monotonic() < end:
        page.reload()
        new = [text for text in page.locator("table").last.locator("tbody a").all_inner_texts() if text not in known and text.startswith("#")]
    if not me.expect(len(new) == 1, f"new records in quarantine: {new}"):
        return
    page.get_by_role("link", name=new[0], exact=True).click()
    me.look(0)
    record = page.url
    me.expect(page.locator("textarea[name=value]").count() == 0, "values are shown as they came, and nobody asked for it")
    me.unfold("Show values as they came", "显示原始内容")
    page.locator("#field-unmask_reason").fill(me.say("to put it right", "更正记录"))
    me.press("Show", "显示")
    field = page.locator("textarea[name=value]")
    me.expect(number in field.input_value(), "the record is not there to be corrected")
    me.press("Try it", "试算")
    me.shows("It would be refused again", "仍将被拒收")
    field.fill(field.input_value().replace('"twelve"', '"12.00"'))
    me.press("Try it", "试算")
    me.shows("It would be accepted", "将被接受")
    me.expect('"12.00"' in field.input_value(), "the correction is lost after a try")
    me.press("Send it again", "重放")
    me.shows("Replayed.", "已重放。")
    page.goto(me.base + "/quarantine?state=open&reason=total.type")
    me.expect(new[0] not in page.locator("table").last.inner_text(), "what was sent again is still open")
    page.goto(record)
    me.expect(page.locator("button[value=replay]").count() == 0, "what was sent again can be sent once more")
    me.close()


@in_both
def reading_results(browser, suite, axe, locale):
    """NPS comes with its range, and on fewer than 30 answers alone with it."""
    me = Walker(browser, suite, axe, "analyst", "Chen Jing", locale)
    page = me.page
    me.open("/surveys?metric=nps&from=1998-04-01&to=1998-05-31")
    tile = page.locator(".tile").first.inner_text()
    me.expect("NPS" in tile and re.search(r"\n[−-]?\d+\.\d\n", tile) and "…" in tile, f"NPS without its range: {tile}")
    found = 0
    for cut in ["tier", "channel", "item"]:
        me.open(f"/surveys?metric=nps&from=1998-04-01&to=1998-05-31&by={cut}")
        for row in page.locator("table").filter(has=page.locator("caption", has_text="NPS")).last.locator("tbody tr").all():
            cells = row.locator("td, th").all_inner_texts()
            answers, figure = int(cells[1].replace(",", "")), cells[4]
            found += answers >= 30
            me.expect((figure == "–") == (answers < 30), f"{cut} {cells[0]}: {answers} answers and the figure {figure}")
    me.expect(found >= 3, "no group has enough answers for a figure")
    me.open("/surveys?metric=nps&from=1998-06-01&to=1998-06-30")
    tile = page.locator(".tile").first.inner_text()
    me.expect("…" in tile and me.say("fewer than 30", "不足 30") in tile, f"on few answers: {tile}")
    me.close()


@in_both
def taking_files(browser, suite, axe, locale):
    """Each table of the reports is a file that a program reads."""
    me = Walker(browser, suite, axe, "analyst", "Chen Jing", locale)
    page = me.page
    me.open("/reports")
    reports = sorted({link for link in page.eval_on_selector_all("main a[href^='/reports/']", "all => all.map(e => e.getAttribute('href'))")})
    me.expect(len(reports) >= 7, f"reports: {reports}")
    files = 0
    for report in reports:
        me.open(report)
        for link in page.eval_on_selector_all("a.file, .file a", "all => all.map(e => e.getAttribute('href'))"):
            answer = me.context.request.get(me.base + link if link.startswith("/") else page.url.split("?")[0] + link)
            me.expect(answer.status == 200 and answer.headers["content-type"].startswith("text/csv"), f"{link}: {answer.status} {answer.headers['content-type']}")
            me.expect("attachment" in answer.headers.get("content-disposition", ""), f"{link} is not saved as a file")
            rows = list(csv.reader(io.StringIO(answer.body().decode("utf-8-sig"))))
            me.expect(rows and len({len(row) for row in rows}) == 1, f"{link}: lines of {sorted({len(row) for row in rows})} fields")
            files += 1
    me.expect(files >= len(reports), f"{files} files of {len(reports)} reports")
    me.close()


@in_both
def looking_in_full(browser, suite, axe, locale):
    """Whoever may sees contact data in full, with a reason that is on record."""
    known = customer(suite, "M103")
    me = Walker(browser, suite, axe, "manager", "Wang Fang", locale)
    page = me.page
    me.open(f"/customers/{known}")
    me.expect("13800002003" not in page.content(), "the phone number is shown before anybody asked")
    me.unfold("Show contact data in full", "完整显示联系方式")
    page.locator("#field-unmask_reason").fill("x")
    me.press("Show", "显示")
    me.expect(page.locator("#field-unmask_reason[aria-invalid=true]").count() == 1 and "13800002003" not in page.content(), "a reason of one letter is one")
    reason = f"call back {locale}"
    page.locator("#field-unmask_reason").fill(reason)
    me.press("Show", "显示")
    me.expect("13800002003" in page.content(), "the phone number is not shown")
    me.shows("this look is on record", "本次查看已记录在案")
    page.goto(f"{me.base}/customers/{known}")
    me.expect("13800002003" not in page.content(), "the phone number stays in sight")
    me.close()
    # Days of the trail are those of the machine's clock, in the zone of the business.
    today = datetime.date.today()
    told = suite.run(
        "audit", "exposure", "--from", str(today - datetime.timedelta(days=1)), "--to", str(today + datetime.timedelta(days=1)), "--actor", "Wang Fang", "--json")
    check(known in told and reason in told, f"the trail does not tell who saw {known} in full, and why")
    agent = Walker(browser, suite, axe, "agent", "Zhao Lei", locale)
    agent.page.goto(f"{agent.base}/customers/{known}")
    agent.expect(agent.page.locator("#field-unmask_reason").count() == 0, "an agent is offered to see contact data in full")
    agent.expect("M103" in agent.text() and "13800002003" not in agent.page.content(), "an agent sees another page than is meant")
    agent.close()


@in_both
def watching(browser, suite, axe, locale):
    """Figures of the first page change while somebody looks."""
    me = Walker(browser, suite, None, "admin", "Wang Fang", locale)
    place = "[data-live=quarantine]"
    before = me.page.locator(place).inner_text()
    # Told by the page itself when it changes.
    me.page.evaluate(
        "([place, patience]) => { window.loaded = true; window.changed = new Promise((yes, no) => { const e = document.querySelector(place);"
        " new MutationObserver(() => yes(e.textContent)).observe(e, {childList: true, characterData: true, subtree: true});"
        " setTimeout(() => no(new Error('nothing changed')), patience); }); window.changed.catch(() => {}); }", [place, PATIENCE])
    publish(suite, "in.orders.v1", order(f"LIVE-{locale}", "M102", "many"))
    after = me.page.evaluate("() => window.changed.catch(error => error.message)")
    me.expect(after.isdigit() and int(after) == int(before) + 1, f"in quarantine were {before}, and then {after}")
    me.expect(me.page.evaluate("window.loaded === true"), "the page was loaded anew")
    me.close()


@in_both
def leaving(browser, suite, axe, locale):
    """Who signed out in one tab is led from the other to sign in, and back to what was wanted."""
    me = Walker(browser, suite, None, "manager", "Wang Fang", locale)
    other = me.context.new_page()
    other.goto(me.base + "/tickets")
    me.page.get_by_role("button", name=me.say("Sign out", "退出")).click()
    me.page.wait_for_url("**/sign-in*")
    other.locator("header nav a[href='/surveys']").click()
    other.wait_for_url("**/sign-in?then=*")
    other.locator("#field-code").fill(suite.link("manager", "Wang Fang")["code"])
    other.get_by_role("button", name=me.say("Sign in", "登录")).click()
    other.wait_for_url(me.base + "/surveys")
    me.expect(other.locator("h1").inner_text() == me.say("How satisfied customers are", "客户满意度"), "another page comes than was wanted")
    me.close()


if __name__ == "__main__":
    run(
        [finding, tagging, merging, reviewing, at_the_desk, in_the_workshop, correcting, reading_results, taking_files, looking_in_full, watching, leaving],
        "console, paths")
