//! [`FieldSet`]: a set of paths into an object.
//!
//! A tree: each node says whether its own path is in the set and holds the paths below it. Siblings are sorted and
//! every node leads to at least one path, so that two equal sets are the same tree. Names are borrowed from the text
//! they were read from where possible: reading an entry of `managedFields` copies almost nothing.
//!
//! Trees are as deep as the JSON they come from, which the reader limits to 128 levels; all recursion is bounded by that.

use std::cmp::Ordering;

use super::path::PathElement;

/// A set of paths into an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet<'a> {
    nodes: Vec<Node<'a>>,
}

/// A path element, whether the path ending in it is in the set, and the paths below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node<'a> {
    pub(super) element: PathElement<'a>,
    pub(super) member: bool,
    pub(super) children: FieldSet<'a>,
}

/// What a set says of one path: whether it is in the set, and which paths below it are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Branch<'a> {
    pub(super) member: bool,
    pub(super) children: FieldSet<'a>,
}

impl Branch<'_> {
    fn is_empty(&self) -> bool {
        !self.member && self.children.is_empty()
    }
}

impl<'a> Node<'a> {
    fn new(element: PathElement<'a>, branch: Branch<'a>) -> Self {
        Self {
            element,
            member: branch.member,
            children: branch.children,
        }
    }

    fn into_parts(self) -> (PathElement<'a>, Branch<'a>) {
        let branch = Branch {
            member: self.member,
            children: self.children,
        };
        (self.element, branch)
    }
}

/// The nodes that stand at one path element in two sets.
enum Pair<'s, 'a, 'b> {
    Left(&'s Node<'a>),
    Right(&'s Node<'b>),
    Both(&'s Node<'a>, &'s Node<'b>),
}

/// Walks two sorted lists of nodes side by side.
fn pairs<'s, 'a, 'b>(left: &'s [Node<'a>], right: &'s [Node<'b>]) -> impl Iterator<Item = Pair<'s, 'a, 'b>> {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    std::iter::from_fn(move || {
        let order = match (left.peek(), right.peek()) {
            (Some(l), Some(r)) => l.element.cmp(&r.element),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        match order {
            Ordering::Less => left.next().map(Pair::Left),
            Ordering::Greater => right.next().map(Pair::Right),
            Ordering::Equal => Some(Pair::Both(left.next()?, right.next()?)),
        }
    })
}

impl<'a> FieldSet<'a> {
    /// A set of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { nodes: Vec::new() }
    }

    /// A set of these paths, each given by the names of fields from the object's root.
    #[must_use]
    pub fn of_fields(paths: &[&[&'a str]]) -> Self {
        paths.iter().fold(Self::new(), |set, path| {
            let mut branch = Branch {
                member: !path.is_empty(),
                children: Self::new(),
            };
            for name in path.iter().rev() {
                let mut children = Self::new();
                children.push(PathElement::field(*name), branch);
                branch = Branch {
                    member: false,
                    children,
                };
            }
            set.union(&branch.children)
        })
    }

    /// Adds what stands at one path element; nothing may stand at or after it yet.
    pub(super) fn push(&mut self, element: PathElement<'a>, branch: Branch<'a>) {
        if !branch.is_empty() {
            debug_assert!(self.nodes.last().is_none_or(|last| last.element < element));
            self.nodes.push(Node::new(element, branch));
        }
    }

    /// A set of what stands at these path elements, in any order; what stands at the same one is united.
    pub(super) fn from_branches(mut branches: Vec<(PathElement<'a>, Branch<'a>)>) -> Self {
        branches.sort_by(|a, b| a.0.cmp(&b.0));
        let mut set = Self::new();
        for (element, branch) in branches {
            match set.nodes.last_mut() {
                Some(last) if last.element == element => {
                    last.member |= branch.member;
                    last.children = last.children.union(&branch.children);
                }
                _ => set.push(element, branch),
            }
        }
        set
    }

    pub(super) fn nodes(&self) -> &[Node<'a>] {
        &self.nodes
    }

    /// Whether no path is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    fn node(&self, element: &PathElement<'_>) -> Option<&Node<'a>> {
        let at = self.nodes.binary_search_by(|node| node.element.cmp(element));
        at.ok().map(|at| &self.nodes[at])
    }

    /// What stands at the field of this name.
    pub(super) fn field(&self, name: &str) -> Option<&Node<'a>> {
        let is_it = |node: &&Node<'a>| matches!(&node.element, PathElement::Field(field) if field == name);
        self.nodes.iter().find(is_it)
    }

    /// Whether the path of this one element is in it.
    pub(super) fn has_element(&self, element: &PathElement<'_>) -> bool {
        self.node(element).is_some_and(|node| node.member)
    }

    /// The paths below this element, if there are any.
    pub(super) fn below(&self, element: &PathElement<'_>) -> Option<&Self> {
        self.node(element)
            .map(|node| &node.children)
            .filter(|children| !children.is_empty())
    }

    /// Whether this path is in it. The empty path, the whole object, never is.
    #[must_use]
    pub fn has(&self, path: &[PathElement<'_>]) -> bool {
        match path {
            [] => false,
            [last] => self.has_element(last),
            [first, rest @ ..] => self.below(first).is_some_and(|set| set.has(rest)),
        }
    }

    /// The paths that are in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let nodes = pairs(&self.nodes, &other.nodes).map(|pair| match pair {
            Pair::Left(node) | Pair::Right(node) => node.clone(),
            Pair::Both(left, right) => Node {
                element: left.element.clone(),
                member: left.member || right.member,
                children: left.children.union(&right.children),
            },
        });
        Self { nodes: nodes.collect() }
    }

    /// The paths that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &FieldSet<'_>) -> Self {
        let mut set = Self::new();
        for pair in pairs(&self.nodes, &other.nodes) {
            if let Pair::Both(left, right) = pair {
                let branch = Branch {
                    member: left.member && right.member,
                    children: left.children.intersection(&right.children),
                };
                set.push(left.element.clone(), branch);
            }
        }
        set
    }

    /// The paths of this set that are not in the other.
    #[must_use]
    pub fn difference(&self, other: &FieldSet<'_>) -> Self {
        let mut set = Self::new();
        for pair in pairs(&self.nodes, &other.nodes) {
            match pair {
                Pair::Left(node) => set.nodes.push(node.clone()),
                Pair::Right(_) => {}
                Pair::Both(left, right) => {
                    let branch = Branch {
                        member: left.member && !right.member,
                        children: left.children.difference(&right.children),
                    };
                    set.push(left.element.clone(), branch);
                }
            }
        }
        set
    }

    /// The paths of this set that are neither in the other nor below one that is.
    #[must_use]
    pub fn recursive_difference(&self, other: &FieldSet<'_>) -> Self {
        let mut set = Self::new();
        for pair in pairs(&self.nodes, &other.nodes) {
            match pair {
                Pair::Left(node) => set.nodes.push(node.clone()),
                Pair::Both(left, right) if !right.member => {
                    let branch = Branch {
                        member: left.member,
                        children: left.children.recursive_difference(&right.children),
                    };
                    set.push(left.element.clone(), branch);
                }
                Pair::Both(..) | Pair::Right(_) => {}
            }
        }
        set
    }

    /// Whether no path is in both sets.
    #[must_use]
    pub fn is_disjoint(&self, other: &FieldSet<'_>) -> bool {
        pairs(&self.nodes, &other.nodes).all(|pair| match pair {
            Pair::Both(left, right) => !(left.member && right.member) && left.children.is_disjoint(&right.children),
            Pair::Left(_) | Pair::Right(_) => true,
        })
    }

    /// Whether every path of this set is in the other.
    #[must_use]
    pub fn is_subset(&self, other: &FieldSet<'_>) -> bool {
        pairs(&self.nodes, &other.nodes).all(|pair| match pair {
            Pair::Left(_) => false,
            Pair::Right(_) => true,
            Pair::Both(left, right) => (right.member || !left.member) && left.children.is_subset(&right.children),
        })
    }

    /// Every path, as messages print it; the paths of one length come before those below them.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect_paths("", &mut paths);
        paths
    }

    fn collect_paths(&self, prefix: &str, paths: &mut Vec<String>) {
        let members = self.nodes.iter().filter(|node| node.member);
        paths.extend(members.map(|node| format!("{prefix}{}", node.element)));
        for node in self.nodes.iter().filter(|node| !node.children.is_empty()) {
            let prefix = format!("{prefix}{}", node.element);
            node.children.collect_paths(&prefix, paths);
        }
    }

    /// The same set, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> FieldSet<'static> {
        let nodes = self.nodes.into_iter().map(|node| {
            let (element, branch) = node.into_parts();
            Node {
                element: element.into_owned(),
                member: branch.member,
                children: branch.children.into_owned(),
            }
        });
        FieldSet { nodes: nodes.collect() }
    }
}
