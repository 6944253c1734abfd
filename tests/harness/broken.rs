//! Answers that break off on the wire.

use axum::body::Body;
use futures::stream::{self, StreamExt};

/// The connection breaks after this much; after nothing at all, not even headers leave.
pub(crate) fn broken_after(start: Vec<u8>) -> Body {
    let pauses = !start.is_empty();
    let pieces = pauses.then_some(Ok(start));
    let broken = stream::once(async move {
        // Pausing lets the server send what it has; it would drop it otherwise.
        if pauses {
            tokio::task::yield_now().await;
        }
        Err(std::io::Error::other("the connection breaks"))
    });
    Body::from_stream(stream::iter(pieces).chain(broken))
}
