//! Connections: how many there are, how long one may be silent, and how all of them end.
//!
//! An open connection holds a descriptor and some kilobytes whether it asks anything or not, so connections are bounded,
//! and not only requests. There is room for so many; whoever comes then is told so.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use hyper::{StatusCode, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use jsonrpsee::{
    core::BoxError,
    server::{HttpBody, HttpRequest, HttpResponse, StopHandle},
    types::{ErrorObjectOwned, Id, Response, ResponsePayload},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tower::Service;
use tower_http::add_extension::AddExtension;

use crate::{
    Limits,
    error::{LimitError, RpcError},
};

/// Callers that are told at a time that there is no room; those beyond are cut off without a word.
const REFUSED_MAX: usize = 64;

/// How long such a caller has to ask and to take the answer.
const REFUSAL: Duration = Duration::from_secs(1);

/// How long nobody is let in after the system had no descriptor or no memory for it.
const PAUSE: Duration = Duration::from_millis(200);

/// A connection's room, given back when the last holder is gone: the connection, or the WebSocket that it became.
#[derive(Clone)]
struct Place(#[expect(dead_code, reason = "held, not read")] Arc<OwnedSemaphorePermit>);

/// Serves whoever connects, each with a service of its own, until it is stopped.
pub(crate) async fn serve<S>(
    listener: TcpListener,
    limits: Limits,
    service: impl Fn() -> S,
    stop: StopHandle,
) where
    S: Service<HttpRequest<Incoming>, Response = HttpResponse, Error = BoxError>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let permits = usize::try_from(limits.connections_max).unwrap_or(Semaphore::MAX_PERMITS);
    let (room, doorstep) =
        (Arc::new(Semaphore::new(permits)), Arc::new(Semaphore::new(REFUSED_MAX)));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.silence_max);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.clone().shutdown() => return,
        };
        let socket = match accepted {
            Ok((socket, _)) => socket,
            Err(error) if is_callers(&error) => continue,
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken");
                sleep(PAUSE).await;
                continue;
            }
        };
        // It only makes answers faster.
        let _ = socket.set_nodelay(true);
        if let Ok(permit) = Arc::clone(&room).try_acquire_owned() {
            let service = AddExtension::new(service(), Place(Arc::new(permit)));
            tokio::spawn(converse(http.clone(), socket, service, stop.clone()));
        } else if let Ok(permit) = Arc::clone(&doorstep).try_acquire_owned() {
            tokio::spawn(refuse(socket, limits.connections_max, permit));
        }
    }
}

/// Whether accepting failed for a reason of one caller's.
fn is_callers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Answers one connection's requests until either side ends it. When the server stops, a request that runs is answered.
async fn converse<S>(http: http1::Builder, socket: TcpStream, service: S, stop: StopHandle)
where
    S: Service<HttpRequest<Incoming>, Response = HttpResponse, Error = BoxError>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let service = TowerToHyperService::new(service);
    let connection = http.serve_connection(TokioIo::new(socket), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stop.shutdown() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

/// Tells a caller that there is no room: by the status, and in JSON-RPC's form.
async fn refuse(socket: TcpStream, most: u32, _doorstep: OwnedSemaphorePermit) {
    let service = service_fn(async |_: HttpRequest<Incoming>| Ok::<_, Infallible>(no_room(most)));
    let refusal =
        http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(socket), service);
    // Who does not ask is not told.
    let _ = timeout(REFUSAL, refusal).await;
}

fn no_room(most: u32) -> HttpResponse {
    let error = ErrorObjectOwned::from(RpcError::from(LimitError::Connections(most)));
    let payload = ResponsePayload::<()>::error(error);
    let told = serde_json::to_string(&Response::new(payload, Id::Null)).unwrap_or_default();
    let mut response = HttpResponse::new(HttpBody::from(told));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
