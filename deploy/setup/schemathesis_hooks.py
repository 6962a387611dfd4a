# What Schemathesis sends is done by the bearer of its token. The document cannot say who that is, so a name that would do is made that one here;
# what is no name stays what it is. Likewise a reason to see contact data: in a header it is text of any kind to the document, and records as they came need one.
import os

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    # A case that leaves a header out would no longer be one.
    scenario = getattr(case.meta.phase.data, "scenario", None) if case.meta else None
    leaves_out = getattr(scenario, "value", None) == "missing_parameter"
    if not leaves_out and ("Unmask-Reason" in case.headers or "raw" in case.query):
        case.headers["Unmask-Reason"] = "%E8%AF%95%E9%AA%8C of the document"
    body = case.body
    if not isinstance(body, dict) or not isinstance(body.get("actor"), str):
        return
    actor = body["actor"]
    if 0 < len(actor) <= 100 and actor.strip() and "\0" not in actor:
        case.body = dict(body, actor=os.environ["SCHEMATHESIS_ACTOR"])
