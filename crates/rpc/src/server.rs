//! Starting and stopping the server.

use std::{io, net::SocketAddr, sync::Arc};

use gage_chain::Chain;
use jsonrpsee::{
    RpcModule,
    core::{RegisterMethodError, middleware::RpcServiceBuilder},
    server::{BatchRequestConfig, PingConfig, ServerConfig, ServerHandle, stop_channel},
};
use tokio::net::TcpListener;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use crate::{
    Config, Cors, Limits, NodeHandle, bodies::WholeBodies, connections, context::Context, debug,
    dev, eth, filters::HexIds, gage, methods::Methods, net, requests::Checked,
};

/// Why no server runs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is taken or not ours.
    #[error("cannot listen on {addr}: {source}")]
    Bind {
        /// Where it should listen.
        addr: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// An origin that no browser would send.
    #[error("\"{0}\" is no origin")]
    Origin(String),
    /// Two methods of one name: a mistake in this crate.
    #[error(transparent)]
    Methods(#[from] RegisterMethodError),
}

/// A server that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    handle: ServerHandle,
}

impl Server {
    /// Where it listens; with the port that the system chose, if it was asked to.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// Takes no more connections, lets running requests end, and returns when the last is closed.
    pub async fn stop(self) {
        // An error only says that it has stopped already.
        let _ = self.handle.stop();
        self.handle.stopped().await;
    }
}

/// Serves `chain` and `node` over HTTP and WebSocket on one port, on the current tokio runtime.
///
/// # Errors
/// [`ServeError::Bind`] names the address that is not to be had.
pub async fn serve(
    config: Config,
    chain: Chain,
    node: Arc<dyn NodeHandle>,
) -> Result<Server, ServeError> {
    let Config { addr, dev, cors, limits } = config;
    let dev = dev && node.dev().is_some();
    let server = server_config(&limits);
    let methods = methods(Context::new(chain, node, limits.clone()), dev)?;
    let (stop, handle) = stop_channel();
    let http = tower::ServiceBuilder::new()
        .option_layer(cors_layer(cors)?)
        .layer(WholeBodies::new(&limits, stop.clone()));
    let service = jsonrpsee::server::Server::builder()
        .set_config(server)
        .set_http_middleware(http)
        .set_rpc_middleware(RpcServiceBuilder::new().layer_fn(Checked))
        .to_service_builder();
    let bind = |source| ServeError::Bind { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(bind)?;
    let addr = listener.local_addr().map_err(bind)?;
    let stopping = stop.clone();
    let service = move || service.clone().build(methods.clone(), stopping.clone());
    tokio::spawn(connections::serve(listener, limits, service, stop));
    Ok(Server { addr, handle })
}

fn methods(context: Context, dev: bool) -> Result<RpcModule<Context>, RegisterMethodError> {
    let mut methods = Methods::new(Arc::new(context));
    eth::register(&mut methods)?;
    debug::register(&mut methods)?;
    net::register(&mut methods)?;
    gage::register(&mut methods)?;
    if dev {
        dev::register(&mut methods)?;
    }
    Ok(methods.into_module())
}

fn server_config(limits: &Limits) -> ServerConfig {
    ServerConfig::builder()
        .max_connections(limits.connections_max)
        .max_request_body_size(limits.request_bytes_max)
        .max_response_body_size(limits.response_bytes_max)
        .max_subscriptions_per_connection(limits.subscriptions_max)
        .set_batch_request_config(BatchRequestConfig::Limit(limits.batch_max))
        .set_message_buffer_capacity(limits.message_buffer)
        .set_id_provider(HexIds)
        // A client that vanished gives its place back.
        .enable_ws_ping(PingConfig::new())
        .build()
}

fn cors_layer(cors: Cors) -> Result<Option<CorsLayer>, ServeError> {
    let origins = match cors {
        Cors::None => return Ok(None),
        Cors::Any => AllowOrigin::any(),
        Cors::Origins(origins) => {
            let parsed = origins
                .into_iter()
                .map(|origin| origin.parse().map_err(|_| ServeError::Origin(origin)));
            AllowOrigin::list(parsed.collect::<Result<Vec<_>, _>>()?)
        }
    };
    Ok(Some(CorsLayer::new().allow_origin(origins).allow_methods(Any).allow_headers(Any)))
}
