"""Goes through the console in Chromium: every page that a role is led to, in both languages, in light and dark, on a small screen, with the keyboard and axe-core.

Usage: console_pages.py CLIENTELE FOLDER [AXE]
CLIENTELE is the program, FOLDER the suite's, AXE axe-core's script (without it that part is left out). Ends with 1 when anything is not as it should be, and says what.
"""

from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Error

from console_people import Person, check, kind, run

ROLES = ["agent", "lead", "manager", "analyst", "auditor"]
# Of each kind of page, and of all together, at most so many are looked at for one role.
KIND_MAX, PAGES_MAX = 2, 200


def crawl(person, looks=True):
    """Every page that links lead to from the first one; each must be there. Returns them by kind."""
    waiting, seen, kinds = ["/"], {"/"}, {}
    while waiting and sum(len(pages) for pages in kinds.values()) < PAGES_MAX:
        path = waiting.pop(0)
        if len(kinds.get(kind(path), [])) >= KIND_MAX:
            continue
        try:
            answer = person.page.goto(person.base + path)
        except Error as error:
            if "Download is starting" not in str(error):
                raise
            kinds[kind(path)] = [None] * KIND_MAX
            check(person.context.request.get(person.base + path).status == 200, f"{person.label}: {path} is no file")
            continue
        if not check(answer.status == 200, f"{person.label}: {path} answers {answer.status}"):
            continue
        kinds.setdefault(kind(path), []).append(path)
        size = len(answer.body())
        if looks and len(kinds[kind(path)]) == 1:
            person.look(size)
            person.focus_order()
        for link in person.page.eval_on_selector_all("a[href]", "all => all.map(e => e.getAttribute('href'))"):
            target = urljoin(person.page.url, link)
            if not target.startswith(person.base + "/"):
                check(link.startswith("https://"), f"{person.label}: {path} leads to {link}")
                continue
            target = target[len(person.base):].split("#")[0]
            if "csv=" in target:
                if kind(target) + "csv" not in kinds:
                    kinds[kind(target) + "csv"] = []
                    file = person.context.request.get(person.base + target)
                    check(file.status == 200 and file.headers["content-type"].startswith("text/csv"), f"{person.label}: {target}: {file.status}")
            elif target not in seen:
                seen.add(target)
                waiting.append(target)
    check(person.origins == {urlsplit(person.base).netloc}, f"{person.label}: something was loaded from {person.origins}")
    return kinds


def signing_in(browser, suite, _):
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


def without_scripts(browser, suite, _):
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


def as_administrator(browser, suite, axe):
    for locale, scheme, width in [("en-US", "light", 1280), ("zh-CN", "dark", 360)]:
        person = Person(browser, suite, axe, "admin", locale=locale, color_scheme=scheme, viewport={"width": width, "height": 800})
        told(person, crawl(person))


def as_others(browser, suite, _):
    for role in ROLES:
        person = Person(browser, suite, None, role, locale="en-US")
        told(person, crawl(person, looks=False))


def told(person, seen):
    person.close()
    print(f"{person.label}: {sum(map(len, seen.values()))} pages of {len(seen)} kinds", flush=True)


if __name__ == "__main__":
    run([signing_in, without_scripts, as_administrator, as_others], "console, pages")
