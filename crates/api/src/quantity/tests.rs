use prost::Message as _;

use super::*;

/// Pairs of what is written and what is printed.
const PRINTED: &[(&str, &str)] = &[
    ("0", "0"),
    ("00", "0"),
    ("0Ki", "0"),
    ("-0.0m", "0"),
    ("1", "1"),
    ("100m", "100m"),
    ("1000m", "1"),
    ("1500m", "1500m"),
    ("1.5", "1500m"),
    ("1.500", "1.500"),
    (".5", "500m"),
    ("0.5", "500m"),
    ("12e6", "12e6"),
    ("12000e3", "12e6"),
    ("1e2", "100"),
    ("1e5", "100e3"),
    ("1E3", "1E3"),
    ("1000k", "1M"),
    ("5E", "5E"),
    ("2000E", "2000E"),
    ("16Gi", "16Gi"),
    ("1024Ki", "1Mi"),
    ("1023Ki", "1023Ki"),
    ("2048", "2048"),
    ("0.5Ki", "512"),
    ("1.5Gi", "1536Mi"),
    ("0.1Ki", "102400m"),
    ("16Ei", "9223372036854775807"),
    ("100000000000000000000Ki", "9223372036854775807"),
    ("0.0000000001", "1n"),
    ("-0.0000000001", "-1n"),
    ("1.0000000001", "1000000001n"),
    ("0.0000000001Ki", "103n"),
    ("-5Mi", "-5Mi"),
    ("123456789012345678901234567890", "123456789012345678901234567890"),
    ("1e-20", "1e-9"),
    ("1e100", "10e99"),
];

#[test]
fn a_quantity_prints_as_kubernetes_prints_it() {
    for (written, printed) in PRINTED {
        let quantity = written.parse::<Quantity>();
        assert_eq!(quantity.map(|q| q.to_string()), Ok((*printed).to_owned()), "{written}");
    }
}

#[test]
fn texts_at_random_print_as_kubernetes_code_prints_them() {
    for line in include_str!("../../tests/data/quantities.tsv").lines() {
        let (written, printed) = line.split_once('\t').unwrap();
        let quantity: Quantity = written.parse().unwrap();
        assert_eq!(quantity.as_str(), printed, "{written}");
        assert_eq!(quantity.as_str().parse(), Ok(quantity.clone()), "{written}");
    }
}

#[test]
fn what_is_no_quantity_is_refused() {
    for (written, error) in [
        ("", QuantityError::Format),
        ("-", QuantityError::Format),
        (".", QuantityError::Format),
        ("Ki", QuantityError::Format),
        ("1 ", QuantityError::Format),
        ("1.2.3", QuantityError::Format),
        ("--1", QuantityError::Format),
        ("five", QuantityError::Format),
        ("1e", QuantityError::Suffix),
        ("1KiKi", QuantityError::Suffix),
        ("1k5", QuantityError::Suffix),
        ("1e99999999999", QuantityError::Suffix),
    ] {
        assert_eq!(written.parse::<Quantity>(), Err(error), "{written}");
    }
}

#[test]
fn json_takes_texts_and_numbers_and_gives_texts() {
    for (json, printed) in [
        ("\" 1000m \"", "\"1\""),
        ("2", "\"2\""),
        ("-3", "\"-3\""),
        ("0.5", "\"500m\""),
        ("null", "\"0\""),
    ] {
        let quantity: Quantity = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&quantity).unwrap(), printed, "{json}");
    }
    assert!(serde_json::from_str::<Quantity>("\"x\"").is_err());
    assert!(serde_json::from_str::<Quantity>("{}").is_err());
}

#[test]
fn protobuf_takes_quantities_only() {
    let good = Quantity::decode(&b"\x0a\x051000m"[..]).unwrap();
    assert_eq!(good.encode_to_vec(), b"\x0a\x011");
    assert!(Quantity::decode(&b"\x0a\x01x"[..]).is_err());
}

#[test]
fn sign_and_wholeness_are_known() {
    for (written, negative, integer) in [
        ("0", false, true),
        ("-1", true, true),
        ("1500m", false, false),
        ("2000m", false, true),
        ("0.5Ki", false, true),
        ("1e3", false, true),
        ("1n", false, false),
    ] {
        let quantity: Quantity = written.parse().unwrap();
        assert_eq!(
            (quantity.is_negative(), quantity.is_integer()),
            (negative, integer),
            "{written}"
        );
    }
}
