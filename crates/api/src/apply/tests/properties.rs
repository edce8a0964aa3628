//! Laws that hold for all objects and sets.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use super::node::TestNode;
use super::*;
use crate::apply::field_set::Branch;

fn element() -> impl Strategy<Value = PathElement<'static>> {
    prop_oneof![
        4 => "[a-d]|[\"\\\\<é]{1,2}".prop_map(PathElement::field),
        1 => btree_map("[ab]", scalar(), 0..3)
            .prop_map(|key| PathElement::Key(key.into_iter().map(|(k, v)| (k.into(), v)).collect())),
        1 => scalar().prop_map(PathElement::Value),
        1 => (0..3_i64).prop_map(PathElement::Index),
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-2..3_i64).prop_map(Value::from),
        Just(json!(1.5)),
        any::<bool>().prop_map(Value::from),
        "[ab<]{0,2}".prop_map(Value::from),
    ]
}

fn paths() -> impl Strategy<Value = Vec<Vec<PathElement<'static>>>> {
    vec(vec(element(), 1..4), 0..8)
}

/// A set built path by path.
fn set_of(paths: &[Vec<PathElement<'static>>]) -> FieldSet<'static> {
    paths.iter().fold(FieldSet::new(), |set, path| {
        let leaf = Branch {
            member: true,
            children: FieldSet::new(),
        };
        let tree = path.iter().rev().fold(leaf, |branch, element| Branch {
            member: false,
            children: FieldSet::from_branches(vec![(element.clone(), branch)]),
        });
        set.union(&tree.children)
    })
}

fn conditions() -> impl Strategy<Value = Value> {
    btree_map("[A-D]", (option::of("[xy]"), option::of("[xy]")), 0..4)
        .prop_map(|items| {
            let items = items.into_iter().map(|(kind, (status, reason))| {
                let mut item = json!({"type": kind});
                status.into_iter().for_each(|status| item["status"] = json!(status));
                reason.into_iter().for_each(|reason| item["reason"] = json!(reason));
                item
            });
            items.collect::<Vec<_>>()
        })
        .prop_shuffle()
        .prop_map(Value::from)
}

/// Something to apply to a node. Nothing in it is empty: a declared empty map is owned, and is gone from the stored
/// object, so that in Kubernetes too the next apply of it is a change.
fn config() -> impl Strategy<Value = Value> {
    (
        btree_map("[a-c]", "[xy]", 0..3),
        btree_set("[a-d]", 0..4)
            .prop_map(|set| set.into_iter().collect::<Vec<_>>())
            .prop_shuffle(),
        conditions(),
        option::of("[pq]"),
        btree_map("[cm]", "[12]", 0..2),
    )
        .prop_map(|(labels, finalizers, conditions, phase, capacity)| {
            let mut config = json!({
                "metadata": {"labels": labels, "finalizers": finalizers},
                "status": {"conditions": conditions, "capacity": capacity, "phase": phase},
            });
            for part in ["metadata", "status"] {
                let fields = config[part].as_object_mut().unwrap();
                fields.retain(|_, value| !["null", "[]", "{}"].contains(&value.to_string().as_str()));
            }
            config
        })
}

fn nodes() -> Server {
    Server::of(TypeCodec::of::<TestNode>(), "v1")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_set_is_read_as_it_was_written(paths in paths()) {
        let set = set_of(&paths);
        let text = set.to_fields_v1();
        prop_assert_eq!(&FieldSet::parse(Some(&text)).unwrap(), &set);
    }

    #[test]
    fn sets_obey_the_laws_of_sets(a in paths(), b in paths(), probe in paths()) {
        let (left, right) = (set_of(&a), set_of(&b));
        let (union, both, only) = (left.union(&right), left.intersection(&right), left.difference(&right));
        for path in a.iter().chain(&b).chain(&probe) {
            let (l, r) = (left.has(path), right.has(path));
            prop_assert_eq!(l, a.contains(path));
            prop_assert_eq!(union.has(path), l || r);
            prop_assert_eq!(both.has(path), l && r);
            prop_assert_eq!(only.has(path), l && !r);
            let covered = (1..=path.len()).any(|end| right.has(&path[..end]));
            prop_assert_eq!(left.recursive_difference(&right).has(path), l && !covered);
        }
        prop_assert_eq!(&both.union(&only), &left);
        prop_assert_eq!(&union, &right.union(&left));
        prop_assert_eq!(left.is_disjoint(&right), both.is_empty());
        prop_assert_eq!(left.is_subset(&right), only.is_empty());
        prop_assert_eq!(left.paths().len(), a.iter().filter(|p| union.has(p)).collect::<std::collections::BTreeSet<_>>().len());
    }

    #[test]
    fn applying_twice_changes_nothing(first in config(), other in config(), again in config()) {
        let mut server = nodes();
        server.force("one", first);
        server.force("two", other);
        server.force("one", again.clone());
        let (object, managers) = (server.object(), server.managers.clone());
        server.apply("one", again).unwrap();
        prop_assert_eq!(server.object(), object);
        prop_assert_eq!(&server.managers, &managers);
    }

    #[test]
    fn when_all_let_go_nothing_is_left(first in config(), other in config()) {
        let mut server = nodes();
        server.force("one", first);
        server.force("two", other);
        server.apply("one", json!({})).unwrap();
        server.apply("two", json!({})).unwrap();
        prop_assert_eq!(server.object(), json!({"spec": {}, "status": {"nodeInfo": {"machineID": ""}}}));
        prop_assert!(server.managers.is_empty());
    }

    #[test]
    fn what_one_applied_stays_whatever_another_does_without_force(
        mine in config(), theirs in vec(config(), 1..4),
    ) {
        let mut server = nodes();
        server.apply("one", mine.clone()).unwrap();
        for config in theirs {
            let _ = server.apply("two", config);
            let mut before = (server.object(), server.managers.clone());
            // To apply mine again is to ask whether all of it is still there.
            server.apply("one", mine.clone()).unwrap();
            in_any_order(&mut before.0);
            let mut after = server.object();
            in_any_order(&mut after);
            prop_assert_eq!(after, before.0);
        }
    }

    #[test]
    fn the_owners_of_an_object_own_all_of_it_and_nothing_else(writes in vec((0..3_usize, any::<bool>(), config()), 1..6)) {
        let mut server = nodes();
        // Without any owner, updates are not tracked.
        server.force("base", json!({"spec": {"podCIDR": "p"}}));
        for (who, apply, mut config) in writes {
            config["spec"] = json!({"podCIDR": "p"});
            let name = ["one", "two", "three"][who];
            if apply { server.force(name, config) } else { server.update(name, config) }
        }
        let schema = TestNode::SCHEMA;
        let object = server.object.clone().unwrap();
        let set = super::super::members::fields_of(schema, &object).difference(never_owned());
        let managers = server.managers.clone();
        for manager in &managers {
            let owned = FieldSet::parse(manager.fields_v1.as_ref()).unwrap();
            prop_assert!(!owned.is_empty());
        }
        let union = managers.iter().fold(FieldSet::new(), |all, manager| {
            all.union(&FieldSet::parse(manager.fields_v1.as_ref()).unwrap().into_owned())
        });
        for path in set.paths() {
            // What is always written is owned by whoever first changes it.
            let always = path.ends_with("Time") || path.ends_with(".status") || path.contains("nodeInfo")
                || path == ".spec" || path == ".status.conditions";
            prop_assert!(always || union.paths().contains(&path), "{} is nobody's", path);
        }
    }
}

/// Sorts every list: another's turn may have changed the order of what both have.
fn in_any_order(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.iter_mut().for_each(in_any_order);
            items.sort_by_key(Value::to_string);
        }
        Value::Object(fields) => fields.values_mut().for_each(in_any_order),
        _ => {}
    }
}
