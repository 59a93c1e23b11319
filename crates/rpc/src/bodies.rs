//! Bodies of HTTP requests: read whole before anything else is done with them.
//!
//! Whatever form a body comes in, one that is too long is refused with status 413, and a caller who stops in the middle of
//! one is cut off: after a while, or when the server stops. The JSON-RPC library would answer with errors of its own.

use std::{pin::Pin, task::Poll, time::Duration};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use jsonrpsee::{
    core::BoxError,
    server::{
        HttpBody, HttpRequest, HttpResponse, StopHandle, http::response, ws::is_upgrade_request,
    },
};
use tower::{Layer, Service};
use tower_http::timeout::TimeoutBody;

use crate::{Limits, requests::OverHttp};

/// Makes a service that takes whole bodies one that takes them as they come.
#[derive(Clone, Debug)]
pub(crate) struct WholeBodies {
    bytes_max: u32,
    silence_max: Duration,
    stop: StopHandle,
}

impl WholeBodies {
    pub(crate) fn new(limits: &Limits, stop: StopHandle) -> Self {
        Self { bytes_max: limits.request_bytes_max, silence_max: limits.silence_max, stop }
    }

    /// The request with its whole body, unless that is too long.
    async fn read(self, request: HttpRequest<Incoming>) -> Result<Option<HttpRequest>, BoxError> {
        let is_call = !is_upgrade_request(&request);
        let (mut parts, body) = request.into_parts();
        if body.size_hint().lower() > u64::from(self.bytes_max) {
            return Ok(None);
        }
        let most = usize::try_from(self.bytes_max)?;
        let coming = Limited::new(TimeoutBody::new(self.silence_max, body), most);
        let came = tokio::select! {
            came = coming.collect() => came,
            () = self.stop.shutdown() => return Err("the server is stopping".into()),
        };
        match came {
            Ok(whole) => {
                if is_call {
                    parts.extensions.insert(OverHttp);
                }
                let whole = HttpBody::new(Full::new(whole.to_bytes()));
                Ok(Some(HttpRequest::from_parts(parts, whole)))
            }
            Err(error) if error.is::<LengthLimitError>() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl<S> Layer<S> for WholeBodies {
    type Service = Reader<S>;

    fn layer(&self, inner: S) -> Reader<S> {
        Reader { inner, bodies: self.clone() }
    }
}

/// See [`WholeBodies`].
#[derive(Clone, Debug)]
pub(crate) struct Reader<S> {
    inner: S,
    bodies: WholeBodies,
}

impl<S> Service<HttpRequest<Incoming>> for Reader<S>
where
    S: Service<HttpRequest, Response = HttpResponse, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = HttpResponse;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut std::task::Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest<Incoming>) -> Self::Future {
        let Self { mut inner, bodies } = self.clone();
        Box::pin(async move {
            let bytes_max = bodies.bytes_max;
            match bodies.read(request).await? {
                Some(request) => inner.call(request).await,
                None => Ok(response::too_large(bytes_max)),
            }
        })
    }
}
