//! The page is the only thing that others see, so it is what is looked at.

use http::Method;
use leasehold_api::options::Query;

use super::*;
use crate::request_info::RequestInfo;

fn page(metrics: &Metrics) -> String {
    match metrics.reply().into_body() {
        Body::Full(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        _ => panic!("a page is at hand"),
    }
}

fn series(metrics: &Metrics, method: &Method, path: &str) -> Series {
    let info = RequestInfo::new(method, path, Query::default());
    let named = info.resource.unwrap_or_default();
    Series::of(
        &info,
        metrics.row(named.group, named.version, named.resource, named.subresource),
    )
}

#[test]
fn requests_are_counted_by_what_they_are() {
    let metrics = Metrics::new(None);
    let lease = "/apis/coordination.k8s.io/v1/namespaces/a/leases/b";
    let put = series(&metrics, &Method::PUT, lease);
    metrics.answered(put, StatusCode::OK, Duration::from_millis(1));
    metrics.answered(put, StatusCode::OK, Duration::from_millis(3));
    metrics.answered(put, StatusCode::CONFLICT, Duration::ZERO);
    let page = page(&metrics);
    let labels =
        r#"verb="PUT",group="coordination.k8s.io",version="v1",resource="leases",subresource="",scope="resource""#;
    for line in [
        format!("apiserver_request_total{{{labels},code=\"200\"}} 2\n"),
        format!("apiserver_request_total{{{labels},code=\"409\"}} 1\n"),
        format!("apiserver_request_duration_seconds_count{{{labels}}} 3\n"),
        format!("apiserver_request_duration_seconds_bucket{{le=\"0.0025\",{labels}}} 2\n"),
    ] {
        assert!(page.contains(&line), "{line}\nin\n{page}");
    }
    assert!(metrics.sizes(put).is_none(), "only reads have their sizes shown");
}

#[test]
fn no_label_comes_from_outside() {
    let metrics = Metrics::new(None);
    for path in [
        "/apis/made.up/v1/namespaces/a/things/b",
        "/made/up",
        "/api/v1/made-up",
        "/api/v9/nodes",
    ] {
        let series = series(&metrics, &Method::GET, path);
        metrics.answered(series, StatusCode::NOT_FOUND, Duration::ZERO);
        metrics.answered(series, StatusCode::from_u16(599).unwrap(), Duration::ZERO);
    }
    let page = page(&metrics);
    assert!(
        !page.contains("made") && !page.contains("v9") && !page.contains("599"),
        "{page}"
    );
    assert!(
        page.contains(r#"resource="",subresource="",scope="",code="other"} 1"#),
        "{page}"
    );
}

#[test]
fn every_series_has_its_own_place() {
    let mut seen = std::collections::HashSet::new();
    let rows = rows().len();
    for row in 0..rows {
        for verb in [Verb::Get, Verb::Apply, Verb::Other] {
            for scope in [Scope::None, Scope::Cluster, Scope::Namespace, Scope::Resource] {
                let position = Series { row, verb, scope }.position();
                assert!(position < rows * VERBS * SCOPES && seen.insert(position));
            }
        }
    }
}

#[test]
fn watches_are_counted_while_they_last() {
    let metrics = Metrics::new(None);
    let watch = Series {
        verb: Verb::Watch,
        ..series(&metrics, &Method::GET, "/api/v1/nodes")
    };
    let labels = r#"{verb="WATCH",group="",version="v1",resource="nodes",subresource="",scope="cluster"}"#;
    let running = metrics.long_running(watch);
    metrics.watch_events(watch).inc_by(5);
    let text = page(&metrics);
    assert!(
        text.contains(&format!("apiserver_longrunning_requests{labels} 1\n")),
        "{text}"
    );
    let events = "apiserver_watch_events_total{group=\"\",version=\"v1\",resource=\"nodes\"} 5\n";
    assert!(text.contains(events), "{text}");
    drop(running);
    assert!(page(&metrics).contains(&format!("apiserver_longrunning_requests{labels} 0\n")));
}

#[test]
fn the_stores_figures_are_read_when_shown() {
    let store = || {
        vec![
            Figure {
                name: "commits",
                help: "Writes made durable",
                value: 7.0,
                counter: true,
            },
            Figure {
                name: "live_objects",
                help: "Objects there are",
                value: 3.0,
                counter: false,
            },
        ]
    };
    let page = page(&Metrics::new(Some(Box::new(store))));
    assert!(
        page.contains("# TYPE leasehold_store_commits_total counter\n"),
        "{page}"
    );
    assert!(page.contains("leasehold_store_commits_total 7.0\n"), "{page}");
    assert!(page.contains("leasehold_store_live_objects 3.0\n"), "{page}");
}

#[test]
fn figures_of_others_are_shown_with_their_labels() {
    let family = |name, counter, series| FigureFamily {
        name,
        help: "Things",
        counter,
        series,
    };
    let sample = |labels: &[(&'static str, &'static str)], value| Sample {
        labels: labels.to_vec(),
        value,
    };
    let figures = move || {
        vec![
            family(
                "things",
                true,
                vec![
                    sample(&[("kind", "a"), ("size", "b")], 2.0),
                    sample(&[("kind", "c")], 0.0),
                ],
            ),
            family("level", false, vec![sample(&[], 1.5)]),
        ]
    };
    let page = page(&Metrics::new(None).with(Box::new(figures)));
    for line in [
        "# TYPE things_total counter\nthings_total{kind=\"a\",size=\"b\"} 2.0\nthings_total{kind=\"c\"} 0.0\n",
        "# HELP level Things\n# TYPE level gauge\nlevel 1.5\n",
    ] {
        assert!(page.contains(line), "{line}\nin\n{page}");
    }
}
