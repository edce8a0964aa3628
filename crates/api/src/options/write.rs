//! The options of creates, updates and patches.

use super::manager::manager_errors;
use super::{Query, refuse};
use crate::ApiError;
use crate::validation::{FieldError, Path};

/// CreateOptions and UpdateOptions, which are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Do everything but store the result.
    pub dry_run: bool,
    /// Who manages the fields written; empty leaves it to the `User-Agent` (see [`super::manager_name`]). Printable
    /// and not longer than [`super::MANAGER_MAX`].
    pub field_manager: String,
    /// What to do about unknown and duplicate fields in the body.
    pub field_validation: FieldValidation,
}

/// What to do about unknown and duplicate fields in a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldValidation {
    /// Drop them silently.
    Ignore,
    /// Drop them and say so in a `Warning` header.
    #[default]
    Warn,
    /// Refuse the request.
    Strict,
}

/// The options of a patch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatchOptions {
    /// What a patch shares with other writes. The manager of an apply is never empty.
    pub write: WriteOptions,
    /// Apply only: take fields from other managers.
    pub force: bool,
}

impl WriteOptions {
    /// Reads the options of a create; 422 for forbidden values.
    pub fn create(query: Query<'_>) -> Result<Self, ApiError> {
        let (options, errors) = Self::read(query);
        refuse("CreateOptions", &errors).map(|()| options)
    }

    /// Reads the options of an update; 422 for forbidden values.
    pub fn update(query: Query<'_>) -> Result<Self, ApiError> {
        let (options, errors) = Self::read(query);
        refuse("UpdateOptions", &errors).map(|()| options)
    }

    fn read(query: Query<'_>) -> (Self, Vec<FieldError>) {
        let field_manager = query.text("fieldManager");
        let mut errors = manager_errors(field_manager);
        let dry_run: Vec<_> = query.all("dryRun").collect();
        errors.extend(dry_run_error(&dry_run));
        let directive = query.text("fieldValidation");
        let field_validation = FieldValidation::named(directive);
        if field_validation.is_none() {
            let path = Path::new("fieldValidation");
            let supported = ["", "Ignore", "Strict", "Warn"];
            errors.push(FieldError::not_supported(&path, directive, &supported));
        }
        let options = Self {
            dry_run: !dry_run.is_empty(),
            field_manager: field_manager.to_owned(),
            field_validation: field_validation.unwrap_or_default(),
        };
        (options, errors)
    }
}

impl FieldValidation {
    fn named(name: &str) -> Option<Self> {
        match name {
            "" => Some(Self::default()),
            "Ignore" => Some(Self::Ignore),
            "Warn" => Some(Self::Warn),
            "Strict" => Some(Self::Strict),
            _ => None,
        }
    }
}

impl PatchOptions {
    /// Reads the options of a patch, which `is_apply` or is of another kind; 422 for forbidden values.
    pub fn from_query(query: Query<'_>, is_apply: bool) -> Result<Self, ApiError> {
        let (write, broken) = WriteOptions::read(query);
        let force = query.switch("force");
        let mut errors = Vec::new();
        if is_apply && write.field_manager.is_empty() {
            let path = Path::new("fieldManager");
            errors.push(FieldError::required(&path, "is required for apply patch"));
        }
        if !is_apply && force.is_some() {
            let path = Path::new("force");
            errors.push(FieldError::forbidden(&path, "may not be specified for non-apply patch"));
        }
        errors.extend(broken);
        refuse("PatchOptions", &errors)?;
        Ok(Self {
            write,
            force: force.unwrap_or(false),
        })
    }
}

/// The one rule of `dryRun`: each value is `All`.
pub(super) fn dry_run_error<S: AsRef<str>>(values: &[S]) -> Option<FieldError> {
    let values: Vec<_> = values.iter().map(AsRef::as_ref).collect();
    let good = values.iter().all(|v| *v == "All");
    (!good).then(|| FieldError::not_supported(&Path::new("dryRun"), values, &["All"]))
}

#[cfg(test)]
mod tests {
    use super::super::query::tests::pairs;
    use super::*;

    #[test]
    fn every_option_is_read() {
        let query = pairs("dryRun=All&dryRun=All&fieldManager=m&fieldValidation=Strict&force=true");
        let write = WriteOptions {
            dry_run: true,
            field_manager: "m".to_owned(),
            field_validation: FieldValidation::Strict,
        };
        assert_eq!(WriteOptions::create(Query::new(&query)).unwrap(), write);
        assert_eq!(WriteOptions::update(Query::new(&query)).unwrap(), write);
        let patch = PatchOptions { write, force: true };
        assert_eq!(PatchOptions::from_query(Query::new(&query), true).unwrap(), patch);
        assert_eq!(WriteOptions::create(Query::default()).unwrap(), WriteOptions::default());
        assert_eq!(
            PatchOptions::from_query(Query::default(), false).unwrap(),
            PatchOptions::default()
        );
    }

    #[test]
    fn forbidden_values_are_told_with_their_fields() {
        let dry_run = "dryRun: Unsupported value: [\"Some\"]: supported values: \"All\"";
        let directive = "fieldValidation: Unsupported value: \"Nope\": supported values: \"\", \"Ignore\", \
                         \"Strict\", \"Warn\"";
        let cases: &[(&str, &str)] = &[
            ("dryRun=Some", dry_run),
            ("dryRun", "dryRun: Unsupported value: [\"\"]: supported values: \"All\""),
            ("fieldValidation=Nope", directive),
            (
                "fieldManager=\u{1}",
                "fieldManager: Invalid value: \"\\x01\": invalid character U+0001 (at position 0)",
            ),
            ("fieldValidation=Nope&dryRun=Some", &format!("[{dry_run}, {directive}]")),
        ];
        for (text, want) in cases {
            let query = pairs(text);
            let error = WriteOptions::create(Query::new(&query)).unwrap_err();
            let want = format!("CreateOptions.meta.k8s.io \"\" is invalid: {want}");
            assert_eq!((error.code(), error.to_string()), (422, want), "{text}");
            let error = WriteOptions::update(Query::new(&query)).unwrap_err();
            assert!(error.to_string().starts_with("UpdateOptions.meta.k8s.io"), "{error}");
        }
    }

    #[test]
    fn force_is_for_apply_and_apply_needs_a_manager() {
        let forbidden = "force: Forbidden: may not be specified for non-apply patch";
        let required = "fieldManager: Required value: is required for apply patch";
        let cases = [
            ("force=true", false, forbidden),
            ("force=0", false, forbidden),
            ("force=1", true, required),
        ];
        for (text, is_apply, want) in cases {
            let error = PatchOptions::from_query(Query::new(&pairs(text)), is_apply).unwrap_err();
            let want = format!("PatchOptions.meta.k8s.io \"\" is invalid: {want}");
            assert_eq!((error.code(), error.to_string()), (422, want), "{text}");
        }
    }
}
