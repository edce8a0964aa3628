//! Sets of fields and their text.

use std::borrow::Cow;

use super::*;

fn fields(text: &str) -> FieldsV1 {
    FieldsV1 {
        raw: text.to_owned().into(),
    }
}

/// The text that a set read from `text` is written as.
fn rewritten(text: &str) -> String {
    let fields = fields(text);
    let set = FieldSet::parse(Some(&fields)).unwrap();
    String::from_utf8(set.to_fields_v1().raw.to_vec()).unwrap()
}

#[test]
fn canonical_texts_are_written_as_they_were_read() {
    for text in [
        "{}",
        r#"{"f:a":{}}"#,
        r#"{"f:metadata":{"f:labels":{".":{},"f:x":{}}},"f:spec":{"f:a":{},"f:b":{}}}"#,
        r#"{"f:l":{".":{},"k:{\"type\":\"Ready\"}":{".":{},"f:status":{}}}}"#,
        r#"{"f:p":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{}}}"#,
        r#"{"f:s":{"v:1":{},"v:1.5":{},"v:\"a\"":{},"v:true":{}}}"#,
        r#"{"f:s":{"i:0":{},"i:10":{}}}"#,
        r#"{"f:a\"b\\c":{}}"#,
        r#"{"f:s":{"v:\"\\u003c\\u0026\\u003e\"":{}}}"#,
    ] {
        assert_eq!(rewritten(text), text);
    }
}

#[test]
fn other_texts_are_brought_into_order() {
    for (text, canonical) in [
        ("", "{}"),
        ("null", "{}"),
        (r#"{"f:b":{},"f:a":{}}"#, r#"{"f:a":{},"f:b":{}}"#),
        (
            r#"{"f:a":{"f:x":{}},"f:a":{"f:y":{}}}"#,
            r#"{"f:a":{"f:x":{},"f:y":{}}}"#,
        ),
        (r#"{"f:a":null}"#, r#"{"f:a":{}}"#),
        (r#"{"f:a":{".":{}}}"#, r#"{"f:a":{}}"#),
        (r#"{"x:later":{"f:b":{}},"f:a":{}}"#, r#"{"f:a":{}}"#),
        (
            r#"{"v:\"a\"":{},"i:1":{},"k:{}":{},"f:z":{}}"#,
            r#"{"f:z":{},"k:{}":{},"v:\"a\"":{},"i:1":{}}"#,
        ),
        (r#"{ "f:a" : { } }"#, r#"{"f:a":{}}"#),
    ] {
        assert_eq!(rewritten(text), canonical, "{text}");
    }
}

#[test]
fn what_is_no_set_is_refused() {
    let deep = r#"{"f:a":"#.repeat(200) + "{}" + &"}".repeat(200);
    for text in [
        "{",
        "[]",
        "1",
        r#"{"a":{}}"#,
        r#"{"fa":{}}"#,
        r#"{"":{}}"#,
        r#"{"i:x":{}}"#,
        r#"{"k:[]":{}}"#,
        r#"{"v:":{}}"#,
        r#"{"f:a":1}"#,
        r#"{"é":{}}"#,
        "{}{}",
        &deep,
    ] {
        let fields = fields(text);
        assert!(FieldSet::parse(Some(&fields)).is_err(), "{text}");
    }
}

#[test]
fn elements_print_as_messages_show_them() {
    for (text, shown) in [
        ("f:spec", ".spec"),
        (r#"k:{"type":"Ready","n":1}"#, r#"[n=1,type="Ready"]"#),
        (r#"v:"x.io/a""#, r#"[="x.io/a"]"#),
        ("i:7", "[7]"),
    ] {
        assert_eq!(PathElement::parse(Cow::Borrowed(text)).unwrap().to_string(), shown);
    }
}

#[test]
fn values_have_one_order_however_large_they_are() {
    let texts = [
        "-9223372036854775808",
        "-1.5",
        "-1",
        "-0.0",
        "0",
        "0.5",
        "1",
        "9007199254740992",
        "9007199254740992.0",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "1e19",
        "1e300",
        "\"a\"",
        "true",
        "[1,2]",
        "[1]",
        "{\"a\":1}",
        "{\"a\":2}",
        "null",
    ];
    let values: Vec<Value> = texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let compare = |a: usize, b: usize| values::compare(&values[a], &values[b]);
    let all = 0..values.len();
    for a in all.clone() {
        for b in all.clone() {
            assert_eq!(compare(a, b), compare(b, a).reverse(), "{} {}", texts[a], texts[b]);
            for c in all.clone().filter(|&c| compare(a, b).is_le() && compare(b, c).is_le()) {
                assert!(compare(a, c).is_le(), "{} {} {}", texts[a], texts[b], texts[c]);
            }
        }
    }
    assert!(values::equal(&json!(1), &json!(1.0)));
    assert!(!values::equal(
        &json!(9_007_199_254_740_993_u64),
        &json!(9_007_199_254_740_992.0)
    ));
}

#[test]
fn json_maps_are_sorted() {
    // Another crate may turn on `preserve_order` for all: then sets and comparisons need care.
    let map: Value = serde_json::from_str(r#"{"b":1,"a":2}"#).unwrap();
    assert_eq!(map.to_string(), r#"{"a":2,"b":1}"#);
}

#[test]
fn a_parent_and_its_child_are_two_paths() {
    let parent = FieldSet::of_fields(&[&["a"]]);
    let child = FieldSet::of_fields(&[&["a", "b"]]);
    assert_eq!(parent.difference(&child), parent);
    assert_eq!(child.difference(&parent), child);
    assert!(child.recursive_difference(&parent).is_empty());
    assert!(parent.is_disjoint(&child));
    let both = parent.union(&child);
    assert!(both.has(&[PathElement::field("a")]));
    assert!(both.has(&[PathElement::field("a"), PathElement::field("b")]));
    assert!(!both.has(&[PathElement::field("b")]));
    assert_eq!(both.paths(), [".a", ".a.b"]);
}
