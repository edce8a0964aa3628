//! JSON with white space, its fields in the order they had.

/// Lays compact JSON out with two spaces per level and a newline at the end.
pub(crate) fn indent(compact: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(compact.len() * 3 / 2);
    let mut depth = 0;
    let mut bytes = compact.iter().copied().peekable();
    let (mut in_string, mut escaped) = (false, false);
    while let Some(byte) = bytes.next() {
        if in_string {
            out.push(byte);
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'{' | b'[' => {
                out.push(byte);
                if let Some(close @ (b'}' | b']')) = bytes.peek().copied() {
                    out.push(close);
                    bytes.next();
                } else {
                    depth += 1;
                    new_line(depth, &mut out);
                }
            }
            b'}' | b']' => {
                depth -= 1;
                new_line(depth, &mut out);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                new_line(depth, &mut out);
            }
            b':' => out.extend_from_slice(b": "),
            byte => {
                in_string = byte == b'"';
                out.push(byte);
            }
        }
    }
    out.push(b'\n');
    out
}

fn new_line(depth: usize, out: &mut Vec<u8>) {
    out.push(b'\n');
    out.resize(out.len() + 2 * depth, b' ');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_layout_is_that_of_people() {
        let compact = br#"{"b":1,"a":[],"c":{},"d":["x,:{}[]\"\\",null],"e":{"f":true}}"#;
        let want = "{\n  \"b\": 1,\n  \"a\": [],\n  \"c\": {},\n  \"d\": [\n    \"x,:{}[]\\\"\\\\\",\n    null\n  ],\n  \
                    \"e\": {\n    \"f\": true\n  }\n}\n";
        assert_eq!(String::from_utf8(indent(compact)).unwrap(), want);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
            Just(Value::Null)
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_means_the_same_and_looks_as_serde_json_would_do_it(value in values()) {
            let got = indent(&serde_json::to_vec(&value).unwrap());
            prop_assert_eq!(String::from_utf8(got).unwrap(), serde_json::to_string_pretty(&value).unwrap() + "\n");
        }
    }
}
