//! List: the objects of a collection at one version, whole or page by page.

use std::num::{NonZeroU64, NonZeroUsize};

use leasehold_api::ApiError;
use leasehold_api::meta::ListMeta;
use leasehold_api::options::{ListOptions, ResourceVersion, ResourceVersionMatch};
use leasehold_store::{Entry, Error, Key, Page, Revision, Snapshot};

use crate::errors;
use crate::filter::Filter;
use crate::outcome::{Item, List};
use crate::place::Place;
use crate::registry::Registry;
use crate::token::Token;

/// How many entries are looked through at a time for a page of selected ones.
const SCAN: NonZeroUsize = NonZeroUsize::new(1000).expect("not zero");

/// Where a list starts.
struct Start {
    snapshot: Snapshot,
    after: Option<Key>,
}

impl Registry {
    /// The objects of a collection.
    ///
    /// # Errors
    /// 400 for selectors and tokens that make no sense, 410 for a version no longer known, 504 for one that has not
    /// come.
    pub async fn list(&self, place: &Place, options: &ListOptions) -> Result<List, ApiError> {
        let filter = Filter::new(place, options)?;
        let start = self.start(place, options).await?;
        let limit = page_size(options).and_then(|limit| NonZeroUsize::try_from(limit).ok());
        match self.pages(place, &filter, &start, limit).await {
            Ok(page) => Ok(self.page_to_list(place, &filter, page)),
            Err(Failure::Store(Error::Compacted { .. })) => Err(self.expired(place, start)),
            Err(Failure::Store(Error::Future { current })) => match start.snapshot {
                Snapshot::At(asked) => Err(errors::too_large(asked, current)),
                Snapshot::Latest | Snapshot::Any => Err(errors::too_large(current, current)),
            },
            Err(Failure::Store(other)) => Err(errors::unavailable(&other)),
            Err(Failure::Api(error)) => Err(error),
        }
    }

    async fn start(&self, place: &Place, options: &ListOptions) -> Result<Start, ApiError> {
        if !options.continue_token.is_empty() {
            let token = self.tokens.read(place, &options.continue_token)?;
            let after = Key {
                resource: place.resource.storage,
                namespace: token.namespace,
                name: token.name,
            };
            let snapshot = token.revision.map_or(Snapshot::Latest, Snapshot::At);
            return Ok(Start {
                snapshot,
                after: Some(after),
            });
        }
        let snapshot = match options.resource_version {
            ResourceVersion::Unset => Snapshot::Latest,
            ResourceVersion::Any => Snapshot::Any,
            ResourceVersion::At(version) => {
                let revision = Revision(version);
                self.wait_for(revision).await?;
                let exact = match options.resource_version_match {
                    Some(how) => how == ResourceVersionMatch::Exact,
                    None => options.limit.is_some(),
                };
                if exact { Snapshot::At(revision) } else { Snapshot::Any }
            }
        };
        Ok(Start { snapshot, after: None })
    }

    /// Collects selected entries until the page is full.
    async fn pages(
        &self,
        place: &Place,
        filter: &Filter,
        start: &Start,
        limit: Option<NonZeroUsize>,
    ) -> Result<Collected, Failure> {
        let range = filter.range(place);
        let mut snapshot = start.snapshot;
        let mut page = Page {
            limit,
            after: start.after.clone(),
        };
        if !filter.is_everything() && limit.is_some() {
            page.limit = limit.max(Some(SCAN));
        }
        let mut collected = Collected::default();
        loop {
            let listing = self.store.list(&range, snapshot, &page).await.map_err(Failure::Store)?;
            collected.revision = listing.revision;
            snapshot = Snapshot::At(listing.revision);
            page.after = listing.entries.last().map(|entry| entry.key.clone());
            let full = collected.take(place, filter, listing.entries, limit)?;
            collected.remaining = listing.remaining;
            if full || listing.remaining == 0 {
                return Ok(collected);
            }
        }
    }

    fn page_to_list(&self, place: &Place, filter: &Filter, page: Collected) -> List {
        let more = page.cut || page.remaining > 0;
        let token = more.then_some(page.last).flatten().map_or_else(String::new, |last| {
            let token = Token {
                revision: Some(page.revision),
                namespace: last.namespace,
                name: last.name,
            };
            self.tokens.write(place, &token)
        });
        let remaining = (more && filter.is_everything()).then(|| i64::try_from(page.remaining).unwrap_or(i64::MAX));
        List {
            metadata: ListMeta {
                resource_version: page.revision.to_string(),
                r#continue: token,
                remaining_item_count: remaining,
                ..ListMeta::default()
            },
            items: page.items,
        }
    }

    /// 410, for a later page with a token that goes on with whatever is newest.
    fn expired(&self, place: &Place, start: Start) -> ApiError {
        let Some(after) = start.after else {
            return ApiError::expired("The resourceVersion for the provided list is too old.");
        };
        let mut error = ApiError::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list \
             without the continue parameter, or use the continue token in this response to retrieve the remainder of \
             the results. Continuing with the provided token results in an inconsistent list - objects that were \
             created, modified, or deleted between the time the first chunk was returned and now may show up in the \
             list.",
        );
        let token = Token {
            revision: None,
            namespace: after.namespace,
            name: after.name,
        };
        error.status_mut().metadata.r#continue = self.tokens.write(place, &token);
        error
    }
}

/// The most objects to answer with. A list from `resourceVersion=0` comes whole, as from Kubernetes' watch cache.
fn page_size(options: &ListOptions) -> Option<NonZeroU64> {
    let from_cache = options.continue_token.is_empty()
        && options.resource_version == ResourceVersion::Any
        && options.resource_version_match != Some(ResourceVersionMatch::Exact);
    options.limit.filter(|_| !from_cache)
}

enum Failure {
    Store(Error),
    Api(ApiError),
}

#[derive(Default)]
struct Collected {
    items: Vec<Item>,
    last: Option<Key>,
    revision: Revision,
    /// Entries after the last one looked at.
    remaining: usize,
    /// Whether the page was full before all entries read had been looked at.
    cut: bool,
}

impl Collected {
    /// Takes the selected ones of `entries`; true when the page is full.
    fn take(
        &mut self,
        place: &Place,
        filter: &Filter,
        entries: Vec<Entry>,
        limit: Option<NonZeroUsize>,
    ) -> Result<bool, Failure> {
        let everything = filter.is_everything();
        for entry in entries {
            if limit.is_some_and(|limit| self.items.len() == limit.get()) {
                self.cut = true;
                return Ok(true);
            }
            let item = Item::written(place, entry.value, entry.revision);
            if everything || filter.matches(&*item.stored().map_err(Failure::Api)?) {
                self.items.push(item);
            }
            self.last = Some(entry.key);
        }
        Ok(limit.is_some_and(|limit| self.items.len() == limit.get()))
    }
}
