# What Schemathesis sends is done by the bearer of its token. The document cannot say who that is, so a name that would do is made that one here;
# what is no name stays what it is.
import os

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    body = case.body
    if not isinstance(body, dict) or not isinstance(body.get("actor"), str):
        return
    actor = body["actor"]
    if 0 < len(actor) <= 100 and actor.strip() and "\0" not in actor:
        case.body = dict(body, actor=os.environ["SCHEMATHESIS_ACTOR"])
