//! What a function may do, what it may answer, and that nothing is left of it.

mod router;

use super::{EdgeFunction, FunctionError};
use payments::UnixMs;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NOW: UnixMs = UnixMs(1_767_603_603_250);

/// A request with all headers that a function may not change.
fn request() -> Value {
    json!({
        "version": "1.0", "context": { "eventType": "viewer-request" }, "viewer": { "ip": "203.0.113.9" },
        "request": {
            "method": "GET", "uri": "/", "querystring": {}, "cookies": {},
            "headers": {
                "host": { "value": "d111111abcdef8.cloudfront.net" }, "via": { "value": "2.0 x.cloudfront.net" },
                "content-length": { "value": "0" }, "transfer-encoding": { "value": "identity" },
                "accept": { "value": "a/b", "multiValue": [{ "value": "a/b" }, { "value": "c/d" }] },
            },
        },
    })
}

fn response() -> Value {
    let mut event = request();
    event["context"]["eventType"] = "viewer-response".into();
    let headers =
        json!({ "via": { "value": "1.1 y" }, "warning": { "value": "110" }, "etag": { "value": "\"1\"" } });
    event["response"] =
        json!({ "statusCode": 200, "statusDescription": "OK", "headers": headers, "cookies": {} });
    event
}

fn run_on(event: &Value, code: &str) -> Result<Value, FunctionError> {
    EdgeFunction::new(code)?.run(event, Some(&BTreeMap::new()), NOW)
}

/// What a handler with this body answers to a request.
fn handled(body: &str) -> Result<Value, FunctionError> {
    run_on(&request(), &format!("async function handler(event) {{ const request = event.request; {body} }}"))
}

/// The body of what it answers.
fn told(body: &str) -> String {
    let answer = handled(body).expect("it answers");
    answer["body"].as_str().expect("it answers a text").to_owned()
}

/// What is wrong with the answer.
fn refused(event: &Value, body: &str) -> String {
    let code = format!("function handler(event) {{ const {{ request, response }} = event; {body} }}");
    match run_on(event, &code) {
        Err(FunctionError::Invalid(why)) => why,
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn a_function_that_cannot_be_run_is_not_taken() {
    let refused = |code: &str| EdgeFunction::new(code).map(|_| ()).expect_err("it is refused");
    let syntax = refused("function handler() {\n  return 1 1;\n}\n");
    assert!(matches!(&syntax, FunctionError::Syntax(text) if text.contains(":2:")), "{syntax}");
    // It would end the scope that it is given.
    assert!(matches!(refused("} , function handler() {"), FunctionError::Syntax(_)));
    assert_eq!(refused("function handel() {}"), FunctionError::NoHandler);
    assert_eq!(refused("const handler = 1;"), FunctionError::NoHandler);
    assert!(matches!(refused("missing(); function handler() {}"), FunctionError::Thrown(_)));
    assert!(matches!(refused("require('fs'); function handler() {}"), FunctionError::Thrown(_)));
    assert_eq!(refused(&" ".repeat(11_264)), FunctionError::TooLarge { bytes: 11_264 });
}

#[test]
fn a_function_that_throws_is_answered_for_with_503() {
    let error = handled("return request.missing.field;").expect_err("it throws");
    assert!(matches!(&error, FunctionError::Thrown(text) if text.starts_with("TypeError: ")), "{error}");
    assert_eq!(error.status(), 503);
    assert_eq!(handled("throw new Error('so');"), Err(FunctionError::Thrown("Error: so".to_owned())));
    let never = handled("await new Promise(function () {});").expect_err("it never answers");
    assert_eq!(never, FunctionError::Thrown("it waits for what never comes".to_owned()));
}

#[test]
fn a_function_that_does_not_end_is_ended() {
    let spin = "for (;;) {}";
    assert_eq!(handled(spin), Err(FunctionError::OutOfTime));
    assert_eq!(handled("try { for (;;) {} } catch (e) { return request; }"), Err(FunctionError::OutOfTime));
    let caught = "async function spin() { for (;;) {} } for (;;) { try { await spin(); } catch (e) {} }";
    assert_eq!(handled(caught), Err(FunctionError::OutOfTime));
    let later = caught.replace("{ for", "{ await 1; for");
    assert_ne!(later, caught);
    assert_eq!(handled(&later), Err(FunctionError::OutOfTime));
    let left = "(async function spin() { for (;;) { await 1; } })(); return request;";
    assert_eq!(handled(left).map(|_| ()), Ok(()), "what it leaves behind is nobody's");
}

/// An exact number, whatever was run before.
#[test]
fn how_long_a_function_may_compute_is_counted_and_not_timed() {
    let code = "function handler(event) { \
                for (let i = 0; i < event.request.turns; i++) {} delete event.request.turns; return event.request; }";
    let passes = |function: &EdgeFunction, turns: u32| {
        let mut event = request();
        event["request"]["turns"] = turns.into();
        match function.run(&event, None, NOW) {
            Ok(_) => true,
            Err(FunctionError::OutOfTime) => false,
            Err(error) => panic!("{error}"),
        }
    };
    let alone = |turns| passes(&EdgeFunction::new(code).expect("it is taken"), turns);
    let (mut few, mut many) = (0, 100_000);
    while few + 1 < many {
        let half = (few + many) / 2;
        if alone(half) { few = half } else { many = half }
    }
    assert!((10_000..15_000).contains(&few), "{few}");
    let function = EdgeFunction::new(code).expect("it is taken");
    for used in 0..40 {
        assert!(passes(&function, used * 313));
        assert!(passes(&function, few) && !passes(&function, many), "after {used}");
    }
}

#[test]
fn a_function_has_two_megabytes() {
    let kept = |bytes: u32| format!("const kept = 'x'.repeat({bytes}); return request;");
    handled(&kept(1_900_000)).expect("it is enough");
    let over = FunctionError::OutOfMemory { bytes_max: 2 * 1024 * 1024 };
    assert_eq!(handled(&kept(3 * 1024 * 1024)), Err(over.clone()));
    let caught = format!("try {{ {} }} catch (e) {{ return request; }}", kept(3 * 1024 * 1024));
    assert_eq!(handled(&caught), Err(over.clone()));
    let small =
        "const all = []; for (let i = 0; i < 20000; i++) all.push({ i: i, j: {}, k: [i] }); return request;";
    assert_eq!(handled(small), Err(over));
    assert!(matches!(handled("(function deep() { deep(); })();"), Err(FunctionError::Thrown(_))));
}

#[test]
fn nothing_is_left_of_an_invocation() {
    let ways = [
        "let times = 0; function handler(event) { times += 1; return answer(times); }",
        "function handler(event) { handler.times = (handler.times || 0) + 1; return answer(handler.times); }",
        "function handler(event) { globalThis.times = (globalThis.times || 0) + 1; return answer(globalThis.times); }",
        "function handler(event) { Array.prototype.times = ([].times || 0) + 1; return answer([].times); }",
        "function handler(event) { const it = [].values().__proto__; it.times = (it.times || 0) + 1; return answer(it.times); }",
        "function handler(event) { require.times = (require.times || 0) + 1; return answer(require.times); }",
        "function handler(event) { JSON.times = (JSON.times || 0) + 1; return answer(JSON.times); }",
        "function handler(event) { Math.max = (function (before) { \
           return function () { return before.apply(Math, arguments) + 1; }; })(Math.max); return answer(Math.max(0)); }",
        "function handler(event) { try { Date.times = (Date.times || 0) + 1; } catch (e) {} return answer(Date.times); }",
        "import cf from 'cloudfront'; async function handler(event) { \
           const get = cf.kvs().get; get.times = (get.times || 0) + 1; return answer(get.times); }",
        "const f = require('crypto').createHash; \
           function handler(event) { f.times = (f.times || 0) + 1; return answer(f.times); }",
    ];
    for way in ways {
        let code = format!(
            "{way} function answer(times) {{ return {{ statusCode: 200, body: 'told ' + times }}; }}"
        );
        let function = EdgeFunction::new(&code.replace("; async", ";\nasync")).expect(way);
        for _ in 0..3 {
            let answer = function.run(&request(), Some(&BTreeMap::new()), NOW).expect(way);
            assert_eq!(answer["body"], "told 1", "{way}");
        }
    }
}

/// It would be done in the middle of the next one.
#[test]
fn work_that_an_invocation_leaves_behind_changes_no_other() {
    for left in ["for (;;) { await 1; }", "for (;;) {}", "throw null;", "[].x.y;", "Math.x = 1;"] {
        let code = format!(
            "function handler(event) {{ (async function () {{ await 1; await 2; {left} }})(); return event.request; }}"
        );
        let function = EdgeFunction::new(&code).expect("it is taken");
        for _ in 0..20 {
            assert_eq!(function.run(&request(), None, NOW).as_ref(), Ok(&request()["request"]), "{left}");
        }
    }
}

#[test]
fn no_code_is_made_of_text() {
    for way in [
        "eval('1')",
        "Function('return 1')()",
        "(function () {}).constructor('return 1')()",
        "(async function () {}).constructor('return 1')()",
        "(function* () {}).constructor('return 1')()",
        "setTimeout(function () {}, 1)",
        "fetch('https://example.com')",
        "Math.random()",
        "new Map()",
        "new Proxy({}, {})",
        "Reflect.ownKeys({})",
        "Buffer.from('x')",
    ] {
        let said = handled(&format!("{way}; return request;"));
        assert!(matches!(said, Err(FunctionError::Thrown(_))), "{way}: {said:?}");
    }
}

#[test]
fn a_function_has_the_clock_of_the_world_in_utc() {
    let date = |expression: &str| told(&format!("return {{ statusCode: 200, body: String({expression}) }};"));
    assert_eq!(date("Date.now()"), "1767603603250");
    assert_eq!(date("new Date().getTime()"), "1767603603250");
    assert_eq!(date("new Date().toISOString()"), "2026-01-05T09:00:03.250Z");
    assert_eq!(date("new Date()"), "Mon, 05 Jan 2026 09:00:03 GMT");
    assert_eq!(date("Date()"), "Mon, 05 Jan 2026 09:00:03 GMT");
    assert_eq!(date("new Date(2026, 0, 5, 9).getTime()"), "1767603600000");
    assert_eq!(date("new Date('2026-01-05T09:00:00').getTime()"), "1767603600000");
    assert_eq!(date("new Date('2026-01-05T10:00:00+01:00').getTime()"), "1767603600000");
    assert_eq!(date("Date.parse('2026-01-05T09:00:00Z')"), "1767603600000");
    assert_eq!(date("Date.parse('Mon, 05 Jan 2026 09:00:00 GMT')"), "1767603600000");
    assert_eq!(date("Date.parse('2026-01-05')"), "1767571200000");
    assert_eq!(date("new Date(0).getHours() + ' ' + new Date().getTimezoneOffset()"), "0 0");
    assert_eq!(date("new (new Date().constructor)().getTime()"), "1767603603250");
    assert_eq!(date("new Date(new Date(5)).getTime() + ' ' + (new Date() instanceof Date)"), "5 true");
}

/// The zone of the machine would be another input.
#[test]
fn the_zone_of_the_machine_does_not_matter() {
    let all = told(
        "const date = new Date(1767603603250); const names = Object.getOwnPropertyNames(Date.prototype); \
         return { statusCode: 200, body: names.filter(function (name) { return /^(get|to)/.test(name) && \
         !/UTC|ISO|JSON|^getTime$/.test(name); }).map(function (name) { return name + ' ' + date[name](); }).join('; ') };",
    );
    let text = "Mon, 05 Jan 2026 09:00:03 GMT";
    let texts = ["", "GMT", "Date", "Time", "Locale", "LocaleDate", "LocaleTime"];
    let texts = texts.map(|kind| format!("to{kind}String {text}")).join("; ");
    let fields = "getTimezoneOffset 0; getFullYear 2026; getMonth 0; getDate 5; getHours 9; getMinutes 0; \
                  getSeconds 3; getMilliseconds 250; getDay 1";
    assert_eq!(all, format!("{texts}; {fields}"));
}

#[test]
fn a_function_reads_its_values_and_no_others() {
    let code = "import cf from 'cloudfront';\nconst kvs = cf.kvs();\n\
        async function handler(event) {\n  const said = [];\n  for (let i = 0; i < 6; i++) {\n    try {\n      \
        const value = await [\n        function () { return kvs.get('a'); }, function () { return kvs.get('b', { format: 'json' }); },\n        \
        function () { return kvs.exists('a'); }, function () { return kvs.exists('c'); },\n        \
        function () { return kvs.count(); }, function () { return kvs.get('c'); },\n      ][i]();\n      \
        said.push(typeof value === 'object' ? value.x : value);\n    } catch (e) { said.push(e.message); }\n  }\n  \
        return { statusCode: 200, body: said.join('; ') };\n}\n";
    let function = EdgeFunction::new(code).expect("it is taken");
    let two = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), r#"{"x":2}"#.to_owned())]);
    let said = |values| function.run(&request(), values, NOW).expect("it answers")["body"].clone();
    assert_eq!(said(Some(&two)), "1; 2; true; false; 2; KeyNotFound");
    let unread = "The key value store cannot be read";
    assert_eq!(said(None), ["KeyNotFound", "KeyNotFound", unread, unread, unread, "KeyNotFound"].join("; "));
    assert_eq!(said(Some(&BTreeMap::new())), "KeyNotFound; KeyNotFound; false; false; 0; KeyNotFound");
}

#[test]
fn a_function_has_digests() {
    let of = |expression: &str| {
        let body =
            format!("const crypto = require('crypto'); return {{ statusCode: 200, body: {expression} }};");
        told(&body)
    };
    assert_eq!(
        of("crypto.createHash('md5').update('a').update('bc').digest('hex')"),
        "900150983cd24fb0d6963f7d28e17f72"
    );
    assert_eq!(
        of("crypto.createHmac('sha1', 'Jefe').update('what do ya want for nothing?').digest('hex')"),
        "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
    );
    assert_eq!(
        of("crypto.createHash('sha1').update('\u{fc}').digest('base64url')"),
        "lKdZ_TdzVDB1PHtrgGhDBtgOoW4"
    );
    for wrong in [
        "crypto.createHash('sha512')",
        "crypto.createHmac('sha256')",
        "crypto.createHash('md5').digest()",
        "crypto.createHash('md5').update(1)",
        "(function () { const hash = crypto.createHash('md5'); hash.digest('hex'); hash.digest('hex'); })()",
    ] {
        let said = handled(&format!("const crypto = require('crypto'); {wrong}; return request;"));
        assert!(matches!(said, Err(FunctionError::Thrown(_))), "{wrong}: {said:?}");
    }
}

#[test]
fn a_request_goes_on_as_the_function_changed_it() {
    let said = handled(
        "request.uri = '/other'; request.headers['x-new'] = { value: '1' }; delete request.headers.accept; \
         request.querystring.q = { value: 'a%20b' }; return request;",
    )
    .expect("it may");
    assert_eq!(said["uri"], "/other");
    assert_eq!(said["headers"]["x-new"]["value"], "1");
    assert!(said["headers"].get("accept").is_none());
    assert_eq!(handled("return request;").expect("it may"), request()["request"]);
}

#[test]
fn a_request_that_cloudfront_refuses_is_answered_for_with_502() {
    let refused = |body: &str| refused(&request(), body);
    assert_eq!(FunctionError::Invalid(String::new()).status(), 502);
    for name in ["host", "via", "content-length", "transfer-encoding"] {
        let expected = format!("no function may add, change or remove the header {name}");
        assert_eq!(refused(&format!("delete request.headers['{name}']; return request;")), expected);
        assert_eq!(refused(&format!("request.headers['{name}'].value = '9'; return request;")), expected);
    }
    let why = refused("request.headers['x-edge-location'] = { value: 'x' }; return request;");
    assert_eq!(why, "no function may add the header x-edge-location");
    assert!(refused("request.headers['X-New'] = { value: 'x' }; return request;").contains("lower case"));
    assert!(refused("request.headers.x = 'x'; return request;").contains("headers.x has no value"));
    assert!(
        refused("request.headers.x = { multiValue: [{ value: 1 }] }; return request;").contains("headers.x")
    );
    assert!(refused("request.method = 'HEAD'; return request;").contains("method"));
    assert!(refused("request.uri = 'other'; return request;").contains("begins with /"));
    assert!(
        refused("request.uri = '/' + 'x'.repeat(8191); return request;").contains("8192 characters of 8191")
    );
    assert!(refused("request.querystring.q = { value: 'a b' }; return request;").contains("' '"));
    assert!(refused("request.querystring.q = { value: 'a#b' }; return request;").contains("'#'"));
    assert!(refused("request.cookies = []; return request;").contains("cookies is a list"));
    assert!(refused("return;").contains("nothing"));
    assert!(refused("return [];").contains("a list"));
}

#[test]
fn an_answer_that_cloudfront_refuses_is_answered_for_with_502() {
    for event in [request(), response()] {
        let refused = |body: &str| {
            refused(&event, &format!("return {{ headers: response ? response.headers : {{}}, {body} }};"))
        };
        assert!(refused("statusCode: '200'").contains("statusCode is \"200\""));
        assert!(refused("statusCode: 199").contains("statusCode is 199"));
        assert!(refused("statusCode: 200, body: 1").contains("body is a number"));
        assert!(refused("statusCode: 200, body: { data: 'x' }").contains("encoding is missing"));
        assert!(refused("statusCode: 200, body: { data: 'x', encoding: 'gzip' }").contains("\"gzip\""));
        assert!(refused("statusCode: 200, body: { data: '?', encoding: 'base64' }").contains("no base64"));
        assert!(refused("statusCode: 200, body: 'x'.repeat(41984)").contains("41984 bytes of 40960"));
    }
    let forty = handled("return { statusCode: 200, body: { encoding: 'text', data: 'x'.repeat(40960) } };");
    assert_eq!(forty.map(|_| ()), Ok(()));
    for name in ["via", "warning"] {
        let why = refused(&response(), &format!("delete response.headers.{name}; return response;"));
        assert_eq!(why, format!("no function may add, change or remove the header {name}"));
    }
    assert!(refused(&response(), "return request;").contains("statusCode is missing"));
    assert!(
        refused(&request(), "return { statusCode: 200, headers: { via: { value: 'x' } } };").contains("via")
    );
    let code = "function handler(event) { event.response.statusCode = 404; return event.response; }";
    assert_eq!(run_on(&response(), code).expect("it may")["statusCode"], 404);
}
