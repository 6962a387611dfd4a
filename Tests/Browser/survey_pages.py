"""Drives survey pages in Chromium (F-03): in both languages, with the keyboard alone, without scripts, on a small screen, in light and dark.

Usage: survey_pages.py CLIENTELE FOLDER CUSTOMERS [AXE]
CLIENTELE is the program, FOLDER the suite's, CUSTOMERS a file with customer ids, AXE axe-core's script (without it that part is left out).
SCREENSHOTS names a folder for pictures of every page. Ends with 1 when anything is not as it should be, and says what.
"""

import json
import os
import subprocess
import sys
import time
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
faults = []


def check(holds, text):
    if not holds:
        faults.append(text)
        print("FAULT:", text)


class Suite:
    def __init__(self, program, folder, customers):
        self.program, self.folder = program, folder
        self.customers = [line.strip() for line in open(customers, encoding="utf-8") if line.strip()]
        self.made = 0

    def call(self, *words):
        done = subprocess.run([self.program, *words, "--json", "--folder", self.folder], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"clientele {' '.join(words)}: {done.stderr}")
        return json.loads(done.stdout)

    def link(self, survey="nps-quarterly", *words):
        """A new link; each for another customer. Some of the sample are about to be asked something else, and are passed over."""
        for _ in range(3 * len(self.customers)):
            customer = self.customers[self.made % len(self.customers)]
            self.made += 1
            made = self.call("survey", "invite", "--survey", survey, "--customer", customer, "--actor", "browser", *words)["invitations"][0]
            if made["link"]:
                return self.base() + made["link"]
            time.sleep(0.1)
        raise SystemExit(f"nobody can be invited: {made}")

    def base(self):
        listed = subprocess.run([self.program, "env", "--folder", self.folder], capture_output=True, text=True, check=True).stdout
        line = next(line for line in listed.splitlines() if "CLIENTELE_FEEDBACK_URL" in line)
        return line.split("=", 1)[1].strip("'\"")


class Visitor:
    """A browser of one customer, who has a keyboard and nothing else."""

    def __init__(self, browser, axe, name, **context):
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.axe, self.name, self.pictures = axe, name, 0
        self.origins = set()
        self.page.on("request", lambda request: self.origins.add(urlsplit(request.url).netloc))
        self.page.on("console", lambda message: check(message.type != "error" or "status of 4" in message.text, f"{name}: {message.text}"))

    def open(self, url):
        answer = self.page.goto(url)
        self.look()
        return answer.status

    def look(self):
        """What must hold on every page."""
        picture = os.environ.get("SCREENSHOTS")
        if picture:
            self.pictures += 1
            self.page.screenshot(path=f"{picture}/{self.name}-{self.pictures}.png", full_page=True)
        wide = self.page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
        check(wide <= 0, f"{self.name}: {self.page.url} is {wide} pixels wider than the screen")
        small = self.page.evaluate(
            "[...document.querySelectorAll('button, a, label:has(input), textarea')].filter(e => e.getClientRects().length"
            " && (e.getBoundingClientRect().height < 24 || e.getBoundingClientRect().width < 24)).map(e => e.outerHTML)")
        check(not small, f"{self.name}: smaller than 24 pixels: {small}")
        if self.axe:
            self.page.evaluate(self.axe)
            found = self.page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
            for violation in found["violations"]:
                check(False, f"{self.name}: axe: {violation['id']}: {[node['html'] for node in violation['nodes']]}")

    def focused(self):
        return self.page.evaluate(
            "(() => { const e = document.activeElement; return e === document.body ? 'nothing' :"
            " e.name ? e.name + (e.type === 'radio' ? '' : '') : e.tagName.toLowerCase() + ':' + e.textContent.trim(); })()")

    def tab(self):
        self.page.keyboard.press("Tab")
        where = self.focused()
        outline = self.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        check(where == "nothing" or outline != "none", f"{self.name}: nobody sees that {where} has the focus")
        return where

    def tab_to(self, wanted, limit=20):
        """Goes on until the focus is there; returns what it passed, this one included."""
        passed = []
        for _ in range(limit):
            passed.append(self.tab())
            if passed[-1] == wanted:
                return passed
        check(False, f"{self.name}: {wanted} cannot be reached: {passed}")
        return passed

    def press(self, key, wait=False):
        if wait:
            with self.page.expect_navigation():
                self.page.keyboard.press(key)
            self.look()
        else:
            self.page.keyboard.press(key)

    def text(self):
        return self.page.inner_text("body")

    def close(self):
        self.context.close()


WORDS = {
    "en-US": {
        "lang": "en", "question": "How likely are you to recommend us", "next": "button:Next", "send": "button:Send", "other": "a:中文",
        "change": "a:Change my score", "area": "What should we improve first?", "reached": "Did you contact our service about it?",
        "thanks": "Thank you. Every answer is read.", "used": "This link was used", "suggestion": "Do you have a suggestion for us?",
    },
    "zh-CN": {
        "lang": "zh-CN", "question": "您有多大可能把我们推荐给朋友或同事？", "next": "button:下一步", "send": "button:提交", "other": "a:English",
        "change": "a:修改评分", "area": "您认为我们最应先改进哪一方面？", "reached": "您是否就此联系过我们的客服？",
        "thanks": "感谢您的回答", "used": "链接已使用", "suggestion": "您有什么建议吗？",
    },
}


def with_the_keyboard(browser, suite, axe, locale, scheme):
    """A detractor's whole way, in three steps, without touching anything but keys."""
    words = WORDS[locale]
    link = suite.link()
    visitor = Visitor(browser, axe, f"{locale}-{scheme}", locale=locale, color_scheme=scheme, viewport={"width": 320, "height": 640})
    check(visitor.open(link) == 200, f"{locale}: the page is not there")
    check(visitor.page.evaluate("document.documentElement.lang") == words["lang"], f"{locale}: the page has another language")
    check(words["question"] in visitor.text(), f"{locale}: the question is not asked")
    # Nothing is chosen: the browser itself says so, and the page stays.
    passed = visitor.tab_to(words["next"])
    check(passed == [words["other"], "score", words["next"]], f"{locale}: the focus goes {passed}")
    visitor.press("Enter")
    check(words["question"] in visitor.text(), f"{locale}: the page goes on without a score")
    visitor.page.reload()
    visitor.tab_to("score")
    visitor.press("Space")
    for _ in range(2):
        visitor.press("ArrowRight")
    chosen = visitor.page.evaluate("document.querySelector('input[name=score]:checked').value")
    check(chosen == "2", f"{locale}: the keys chose {chosen}")
    check(visitor.tab() == words["next"], f"{locale}: after the score comes something else than the button")
    visitor.press("Enter", wait=True)
    check(words["area"] in visitor.text() and words["suggestion"] not in visitor.text(), f"{locale}: the second step asks something else")
    passed = visitor.tab_to(words["next"])
    check(passed == [words["other"], words["change"], "q-comment", "q-area", words["next"]], f"{locale}: the focus goes {passed}")
    visitor.page.reload()
    visitor.tab_to("q-comment")
    visitor.page.keyboard.type("送货太慢 & <slow>")
    visitor.tab()
    visitor.press("Space")
    for _ in range(2):
        visitor.press("ArrowDown")
    visitor.tab_to(words["next"])
    visitor.press("Enter", wait=True)
    check(words["reached"] in visitor.text(), f"{locale}: after `delivery` comes no further question")
    visitor.tab_to("q-reached-us")
    visitor.press("Space")
    visitor.tab_to(words["send"])
    visitor.press("Enter", wait=True)
    check(words["thanks"] in visitor.text(), f"{locale}: nobody says thanks")
    check(visitor.open(link) == 410 and words["used"] in visitor.text(), f"{locale}: the link works once more")
    check(visitor.origins == {urlsplit(link).netloc}, f"{locale}: something was loaded from {visitor.origins}")
    visitor.close()


def in_the_other_language(browser, suite, axe):
    visitor = Visitor(browser, axe, "switched", locale="en-US")
    visitor.open(suite.link("csat-after-ticket", "--language", "zh-CN"))
    check("您对本次服务请求的处理满意吗？" in visitor.text(), "the invitation's language does not come before the browser's")
    visitor.tab_to("a:English")
    visitor.press("Enter", wait=True)
    check("How satisfied are you" in visitor.text(), "the language does not change")
    visitor.tab_to("score")
    visitor.press("Space")
    visitor.tab_to("button:Next")
    visitor.press("Enter", wait=True)
    check("What went wrong?" in visitor.text(), "the next step is in another language")
    visitor.close()


def without_scripts(browser, suite):
    context = browser.new_context(locale="en-US", java_script_enabled=False)
    page = context.new_page()
    page.goto(suite.link())
    page.get_by_label("10", exact=True).check()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Do you have a suggestion for us?").fill("Open on Sundays.")
    page.get_by_role("button", name="Send").click()
    check("Thank you." in page.inner_text("body"), "without scripts the survey cannot be ended")
    context.close()


def what_is_wrong(browser, suite, axe):
    """What is entered by hand past the page's own limits comes back with words beside it."""
    visitor = Visitor(browser, axe, "wrong", locale="en-US", color_scheme="dark")
    link = suite.link()
    visitor.open(link)
    visitor.page.evaluate("document.querySelectorAll('input').forEach(e => e.required = false)")
    visitor.page.get_by_role("button", name="Next").click()
    visitor.look()
    check(visitor.page.get_by_role("alert").inner_text() == "Please choose one of the scores.", "a missing score is not told")
    check(visitor.page.title().startswith("Error: "), "the title does not tell of the error")
    visitor.page.get_by_label("9", exact=True).check()
    visitor.page.get_by_role("button", name="Next").click()
    visitor.page.evaluate("document.querySelectorAll('textarea').forEach(e => e.removeAttribute('maxlength'))")
    visitor.page.locator("textarea").first.fill("x" * 2001)
    visitor.page.get_by_role("button", name="Send").click()
    visitor.look()
    check("at most 2000 characters" in visitor.page.get_by_role("alert").inner_text(), "a long comment is not told")
    check(visitor.page.locator("textarea").first.input_value() == "x" * 2001, "what was entered is lost")
    check(visitor.open(link[:-1] + ("A" if link[-1] != "A" else "B")) == 404, "a forged link is not refused")
    visitor.page.goto(link)
    visitor.page.get_by_role("button", name="I do not want to be asked again").click()
    visitor.look()
    check("You will not be asked again" in visitor.text(), "nobody can say that there shall be no more")
    visitor.close()


def main():
    program, folder, customers = sys.argv[1:4]
    axe = open(sys.argv[4], encoding="utf-8").read() if len(sys.argv) > 4 else None
    if axe is None:
        print("axe-core is not at hand: that part is left out")
    suite = Suite(program, folder, customers)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        print("Chromium", browser.version)
        for locale in WORDS:
            for scheme in ["light", "dark"]:
                with_the_keyboard(browser, suite, axe, locale, scheme)
        in_the_other_language(browser, suite, axe)
        without_scripts(browser, suite)
        what_is_wrong(browser, suite, axe)
        browser.close()
    # Five were answered to the end; two more have a score, which counts half an hour later.
    for _ in range(100):
        # Those of the sample came otherwise.
        answers = [one for one in suite.call("survey", "answers", "--limit", "50")["answers"] if one["source"] == "survey-link"]
        if len(answers) >= 5:
            break
        time.sleep(0.1)
    check(len(answers) == 5, f"answers that are kept: {answers}")
    told = [answer for answer in answers if answer["score"] == 2]
    follow_ups = [{"question": "area", "answer": "delivery"}, {"question": "reached-us", "answer": "yes"}]
    check(len(told) == 4 and all(a["comment"] == "送货太慢 & <slow>" and a["follow_ups"] == follow_ups for a in told), f"what was said: {told}")
    if faults:
        raise SystemExit(f"{len(faults)} faults")
    print("survey pages: all is well")


main()
