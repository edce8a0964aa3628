//! Requests with a bound.

use std::time::Duration;

use leasehold_clock::Clock;

use crate::ApiFailure;

/// How long a request may take where nothing else bounds it.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What a request comes to, or that it took too long.
pub(crate) async fn within<T>(
    clock: &dyn Clock,
    timeout: Duration,
    request: impl Future<Output = Result<T, ApiFailure>>,
) -> Result<T, ApiFailure> {
    tokio::select! {
        biased;
        result = request => result,
        () = clock.sleep_until(clock.now() + timeout) => {
            Err(ApiFailure::Unknown(format!("nothing came within {timeout:?}")))
        }
    }
}
