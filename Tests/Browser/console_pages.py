"""Goes through the console in Chromium: every page that a role is led to, in both languages, in light and dark, on a small screen, with the keyboard and axe-core.

Usage: console_pages.py CLIENTELE FOLDER [AXE]
CLIENTELE is the program, FOLDER the suite's, AXE axe-core's script (without it that part is left out). SCREENSHOTS names a folder for pictures of the main pages.
Ends with 1 when anything is not as it should be, and says what.
"""

import json
import os
import re
import subprocess
import sys
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Error, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ROLES = ["agent", "lead", "manager", "analyst", "auditor", "admin"]
# Of each kind of page, and of all together, at most so many are looked at for one role.
KIND_MAX, PAGES_MAX = 2, 90
PAGE_BYTES_MAX = 60_000
FOCUS_MAX = 60
faults = []


def check(holds, text):
    if not holds:
        faults.append(text)
        print("FAULT:", text, flush=True)
    return holds


class Suite:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def link(self, role, name):
        """Where somebody signs in, with a code in the address."""
        words = [self.program, "sign-in", "--role", role, "--subject", name, "--json", "--folder", self.folder]
        return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def kind(path):
    """Pages of one kind differ by the numbers and names in their addresses."""
    path = urlsplit(path).path
    path = re.sub(r"/[0-9a-f]{16}(?=/|$)", "/{id}", path)
    return re.sub(r"/[^/]*\d[^/]*(?=/|$)", "/{n}", path)


class Person:
    """Somebody in a browser, signed in."""

    def __init__(self, browser, suite, axe, role, name="Wang Fang", **context):
        # axe is put into the page past its policy, so what the policy forbids is looked for without it.
        self.context = browser.new_context(bypass_csp=axe is not None, **context)
        self.page = self.context.new_page()
        self.axe, self.role, self.label = axe, role, f"{role} {context.get('locale', '')} {context.get('color_scheme', '')}".strip()
        self.origins = set()
        self.page.on("request", lambda request: self.origins.add(urlsplit(request.url).netloc))
        self.page.on("console", lambda m: check(m.type != "error" or "status of 4" in m.text, f"{self.label}: {self.page.url}: {m.text}"))
        self.page.on("pageerror", lambda error: check(False, f"{self.label}: {self.page.url}: {error}"))
        told = suite.link(role, name)
        self.base = told["url"].split("/sign-in")[0]
        self.page.goto(told["url"])
        self.page.locator("form.sheet button").click()
        check(self.page.url == self.base + "/", f"{self.label}: signing in leads to {self.page.url}")

    def look(self, size):
        page, where = self.page, f"{self.label}: {urlsplit(self.page.url).path}"
        check(size <= PAGE_BYTES_MAX, f"{where} has {size} bytes")
        wide = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
        check(wide <= 0, f"{where} is {wide} pixels wider than the screen")
        twice = page.evaluate(
            "(() => { const seen = new Set(); return [...document.querySelectorAll('[id]')].map(e => e.id).filter(i => seen.has(i) || !seen.add(i)); })()")
        check(not twice, f"{where} has ids twice: {twice}")
        check(page.locator("h1").count() == 1, f"{where} has {page.locator('h1').count()} first headings")
        if self.axe:
            page.evaluate(self.axe)
            found = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
            for violation in found["violations"]:
                check(False, f"{where}: axe: {violation['id']}: {[node['html'][:200] for node in violation['nodes']][:4]}")

    def focus_order(self):
        """The keyboard goes where the eye goes: through everything that can be used, in the order of the page, and is always seen."""
        page = self.page
        page.evaluate(
            "(() => { let n = 0; for (const e of document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex=\"0\"]'))"
            " if (e.getClientRects().length && !e.disabled && e.type !== 'hidden' && !e.closest('details:not([open]) > :not(summary)'))"
            " e.dataset.place = n++; document.activeElement.blur(); })()")
        count = page.evaluate("document.querySelectorAll('[data-place]').length")
        places, hidden, radios = [], [], set()
        for _ in range(min(count, FOCUS_MAX)):
            page.keyboard.press("Tab")
            found = page.evaluate(
                "(() => { const e = document.activeElement, s = getComputedStyle(e); return [e.dataset.place ?? null, s.outlineStyle, e.outerHTML.slice(0, 120)]; })()")
            if found[0] is None:
                break
            places.append(int(found[0]))
            if found[1] == "none":
                hidden.append(found[2])
        check(places == sorted(places), f"{self.label}: {page.url}: the focus jumps: {places}")
        check(len(places) > 3, f"{self.label}: {page.url}: the keyboard reaches {places}")
        check(not hidden, f"{self.label}: {page.url}: nobody sees the focus on {hidden[:3]}")

    def crawl(self, looks=True):
        """Every page that links lead to from the first one; each must be there. Returns them by kind."""
        waiting, seen, kinds = ["/"], {"/"}, {}
        while waiting and sum(len(pages) for pages in kinds.values()) < PAGES_MAX:
            path = waiting.pop(0)
            if len(kinds.get(kind(path), [])) >= KIND_MAX:
                continue
            try:
                answer = self.page.goto(self.base + path)
            except Error as error:
                if "Download is starting" not in str(error):
                    raise
                kinds[kind(path)] = [None] * KIND_MAX
                check(self.context.request.get(self.base + path).status == 200, f"{self.label}: {path} is no file")
                continue
            if not check(answer.status == 200, f"{self.label}: {path} answers {answer.status}"):
                continue
            kinds.setdefault(kind(path), []).append(path)
            size = len(answer.body())
            if looks and len(kinds[kind(path)]) == 1:
                self.look(size)
                self.focus_order()
            for link in self.page.eval_on_selector_all("a[href]", "all => all.map(e => e.getAttribute('href'))"):
                target = urljoin(self.page.url, link)
                if not target.startswith(self.base + "/"):
                    check(link.startswith("https://"), f"{self.label}: {path} leads to {link}")
                    continue
                target = target[len(self.base):].split("#")[0]
                if "csv=" in target:
                    if kind(target) + "csv" not in kinds:
                        kinds[kind(target) + "csv"] = []
                        file = self.context.request.get(self.base + target)
                        check(file.status == 200 and file.headers["content-type"].startswith("text/csv"), f"{self.label}: {target}: {file.status}")
                elif target not in seen:
                    seen.add(target)
                    waiting.append(target)
        check(self.origins == {urlsplit(self.base).netloc}, f"{self.label}: something was loaded from {self.origins}")
        return kinds

    def close(self):
        self.context.close()


def signing_in(browser, suite):
    """By the keyboard alone, with a wrong code first; the other language and the dark stay; out again."""
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    told = suite.link("manager", "Li Na")
    base = told["url"].split("/sign-in")[0]
    page.goto(base + "/?x=1")
    check("/sign-in?then=" in page.url, f"who is not signed in is led to {page.url}")
    page.keyboard.press("Tab")
    check(page.evaluate("document.activeElement.className") == "skip", "the first thing that the keyboard reaches is no way past the menu")
    page.locator("#field-code").focus()
    page.keyboard.type("nothing")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    check(page.get_by_role("alert").count() == 1, "a wrong code is not told")
    page.locator("#field-code").fill(told["code"])
    page.keyboard.press("Enter")
    page.wait_for_url(base + "/**")
    page.get_by_role("button", name="中文").click()
    check(page.evaluate("document.documentElement.lang") == "zh-CN", "the language does not change")
    page.get_by_role("button", name="深色").click()
    check(page.evaluate("document.documentElement.dataset.theme") == "dark", "the colours do not change")
    page.goto(base + "/")
    check(page.evaluate("document.documentElement.lang + document.documentElement.dataset.theme") == "zh-CNdark", "language and colours are forgotten")
    page.get_by_role("button", name="退出").click()
    page.goto(base + "/")
    check("/sign-in" in page.url, "who signed out is still in")
    page.goto(told["url"])
    page.locator("form.sheet button").click()
    check(page.get_by_role("alert").count() == 1, "a code opens twice")
    context.close()


def without_scripts(browser, suite):
    context = browser.new_context(locale="en-US", java_script_enabled=False)
    page = context.new_page()
    page.goto(suite.link("manager", "Wang Fang")["url"])
    page.locator("form.sheet button").click()
    for link in page.get_by_role("navigation").first.get_by_role("link").all():
        href = link.get_attribute("href")
        other = context.new_page()
        check(other.goto(urljoin(page.url, href)).status == 200 and other.locator("h1").count() == 1, f"without scripts {href} is not there")
        other.close()
    context.close()


def pictures(browser, suite, folder):
    """Of the main pages, for the README and the documents."""
    for locale, scheme, suffix in [("en-US", "light", "en"), ("zh-CN", "dark", "zh")]:
        person = Person(browser, suite, None, "admin", locale=locale, color_scheme=scheme, viewport={"width": 1280, "height": 860})
        seen = person.crawl(looks=False)
        for name, place in [
            ("home", "/"), ("customer", "/customers/{id}"), ("reviews", "/reviews"), ("tickets", "/tickets"), ("ticket", "/tickets/{id}"),
            ("scorecard", "/scorecards/{n}"), ("scorecards", "/scorecards"), ("surveys", "/surveys"), ("quality", "/quality"), ("reports", "/reports"),
        ]:
            pages = seen.get(place)
            if pages:
                person.page.goto(person.base + pages[0])
                person.page.screenshot(path=f"{folder}/{name}-{suffix}.png")
        person.close()


def main():
    program, folder = sys.argv[1:3]
    axe = open(sys.argv[3], encoding="utf-8").read() if len(sys.argv) > 3 else None
    if axe is None:
        print("axe-core is not at hand: that part is left out")
    suite = Suite(program, folder)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        print("Chromium", browser.version)
        signing_in(browser, suite)
        without_scripts(browser, suite)
        for locale, scheme, width in [("en-US", "light", 1280), ("zh-CN", "dark", 360)]:
            person = Person(browser, suite, axe, "admin", locale=locale, color_scheme=scheme, viewport={"width": width, "height": 800})
            seen = person.crawl()
            person.close()
            print(f"{person.label}: {sum(map(len, seen.values()))} pages of {len(seen)} kinds", flush=True)
        for role in ROLES[:-1]:
            person = Person(browser, suite, None, role, locale="en-US")
            seen = person.crawl(looks=False)
            person.close()
            print(f"{person.label}: {sum(map(len, seen.values()))} pages of {len(seen)} kinds", flush=True)
        if os.environ.get("SCREENSHOTS"):
            pictures(browser, suite, os.environ["SCREENSHOTS"])
        browser.close()
    if faults:
        raise SystemExit(f"{len(faults)} faults")
    print("console: all is well")


if __name__ == "__main__":
    main()
