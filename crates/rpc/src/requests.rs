//! What a request must be before a method sees it, alone or in a batch.
//!
//! The JSON-RPC library repeats ids that are strings, `null`, or whole numbers of 64 bits. A request with another id, or
//! with several, it takes for one without: for a notification, which it neither runs nor answers. No method here makes
//! sense without an answer, so both are refused rather than passed over in silence.

use std::future::ready;

use jsonrpsee::{
    MethodResponse,
    core::middleware::{Batch, BatchEntry, BatchEntryErr, Notification, RpcServiceT},
    types::{Id, Request},
};

use crate::{arguments, error::RpcError};

/// Marks requests that come over HTTP, where nothing can be subscribed to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverHttp;

/// A service behind which there are only requests that can be run.
#[derive(Clone, Debug)]
pub(crate) struct Checked<S>(pub(crate) S);

fn refused(id: Id<'_>, error: RpcError) -> BatchEntryErr<'_> {
    BatchEntryErr::new(id, error.into())
}

fn check(request: Request<'_>) -> Result<Request<'_>, BatchEntryErr<'_>> {
    let subscribes = matches!(request.method_name(), "eth_subscribe" | "eth_unsubscribe");
    if subscribes && request.extensions().get::<OverHttp>().is_some() {
        return Err(refused(request.id, RpcError::NoWebSocket));
    }
    // The library logs a warning for each that it cannot read.
    if request.method_name() == "eth_unsubscribe"
        && let Err(error) = arguments::read::<(String,)>(&request.params())
    {
        return Err(refused(request.id, error.into()));
    }
    Ok(request)
}

fn answer(refused: BatchEntryErr<'_>) -> MethodResponse {
    let (error, id) = refused.into_parts();
    MethodResponse::error(id, error)
}

impl<S> RpcServiceT for Checked<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse>,
{
    type MethodResponse = MethodResponse;
    type BatchResponse = S::BatchResponse;
    type NotificationResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let called = check(request).map(|request| self.0.call(request));
        async move {
            match called {
                Ok(called) => called.await,
                Err(refused) => answer(refused),
            }
        }
    }

    fn batch<'a>(&self, requests: Batch<'a>) -> impl Future<Output = S::BatchResponse> + Send + 'a {
        let checked = requests.into_iter().map(|entry| match entry? {
            BatchEntry::Call(request) => check(request).map(BatchEntry::Call),
            BatchEntry::Notification(_) => Err(refused(Id::Null, RpcError::Id)),
        });
        self.0.batch(Batch::from(checked.collect()))
    }

    fn notification<'a>(
        &self,
        _: Notification<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        ready(answer(refused(Id::Null, RpcError::Id)))
    }
}
