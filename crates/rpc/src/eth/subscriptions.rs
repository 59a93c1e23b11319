//! `eth_subscribe`: new heads, logs and waiting transactions, pushed over a WebSocket.
//!
//! A subscriber that reads slower than the chain grows is told so and dropped, rather than served
//! with gaps.

use std::sync::Arc;

use alloy_rpc_types_eth::Filter as LogRequest;
use gage_chain::{FoundLog, LogFilter};
use jsonrpsee::{
    PendingSubscriptionSink, RpcModule, SubscriptionSink,
    core::{RegisterMethodError, SubscriptionError},
    types::{ErrorObjectOwned, Params},
};
use serde::Serialize;
use serde_json::{Value, value::to_raw_value};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::logs;
use crate::{
    Head,
    arguments::{self, ArgumentError},
    context::Context,
    error::RequestError,
    methods::Answer,
    shapes::{self, Listing},
};

pub(super) fn register(module: &mut RpcModule<Context>) -> Result<(), RegisterMethodError> {
    module.register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |params, pending, context, _| subscribe(params, pending, context),
    )?;
    Ok(())
}

/// What a subscriber wants to be told.
enum Topic {
    Heads,
    Logs(LogFilter),
    Pending(Listing),
}

impl Topic {
    fn read(params: &Params<'_>) -> Answer<Self> {
        let (name, details): (String, Option<Value>) = arguments::read(params)?;
        let details = details.unwrap_or_default();
        match name.as_str() {
            "newHeads" if details.is_null() => Ok(Self::Heads),
            "newHeads" => Err(ArgumentError::TooMany { most: 1 }.into()),
            "newPendingTransactions" => {
                let (_, full): (String, Option<bool>) = arguments::read(params)?;
                Ok(Self::Pending(full.unwrap_or_default().into()))
            }
            "logs" if details.is_null() => Ok(Self::Logs(LogFilter::default())),
            "logs" => {
                let (_, request): (String, LogRequest) = arguments::read(params)?;
                Ok(Self::Logs(logs::criteria(&request)))
            }
            _ => Err(RequestError::Subscription(name).into()),
        }
    }
}

async fn subscribe(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    context: Arc<Context>,
) -> Result<(), SubscriptionError> {
    let topic = match Topic::read(&params) {
        Ok(topic) => topic,
        Err(error) => {
            pending.reject(ErrorObjectOwned::from(error)).await;
            return Ok(());
        }
    };
    // Listened to before the answer, so that nothing falls between.
    match topic {
        Topic::Heads => {
            let heads = context.node.subscribe_heads();
            let sink = pending.accept().await?;
            forward(&sink, heads, |head: Arc<Head>| vec![shapes::header(head.block.header.clone())])
                .await
        }
        Topic::Logs(filter) => {
            let heads = context.node.subscribe_heads();
            let sink = pending.accept().await?;
            forward(&sink, heads, |head: Arc<Head>| matching(&head, &filter)).await
        }
        Topic::Pending(Listing::Hashes) => {
            let hashes = context.node.subscribe_pending();
            let sink = pending.accept().await?;
            forward(&sink, hashes, |hash| vec![hash]).await
        }
        Topic::Pending(Listing::Full) => {
            let hashes = context.node.subscribe_pending();
            let sink = pending.accept().await?;
            forward(&sink, hashes, |hash| {
                let waiting = context.node.pool_transaction(hash);
                waiting.map(shapes::pending).into_iter().collect()
            })
            .await
        }
    }
}

/// Sends what `messages` makes of each item until either side ends.
async fn forward<T: Clone, M: Serialize>(
    sink: &SubscriptionSink,
    mut items: Receiver<T>,
    messages: impl Fn(T) -> Vec<M>,
) -> Result<(), SubscriptionError> {
    loop {
        let item = tokio::select! {
            () = sink.closed() => return Ok(()),
            item = items.recv() => item,
        };
        let item = match item {
            Ok(item) => item,
            Err(RecvError::Closed) => return Ok(()),
            Err(RecvError::Lagged(missed)) => {
                return Err(format!("too slow: {missed} notifications were missed").into());
            }
        };
        for message in messages(item) {
            if sink.send(to_raw_value(&message)?).await.is_err() {
                return Ok(());
            }
        }
    }
}

fn matching(head: &Head, filter: &LogFilter) -> Vec<alloy_rpc_types_eth::Log> {
    if !filter.may_match(&head.block.header.logs_bloom) {
        return Vec::new();
    }
    let logs = head.receipts.iter().flat_map(|receipt| {
        let numbered = (receipt.first_log_index..).zip(receipt.receipt.logs());
        numbered.filter(|(_, log)| filter.matches(log)).map(|(log_index, log)| FoundLog {
            log: log.clone(),
            transaction_hash: *receipt.transaction.tx_hash(),
            place: receipt.place,
            log_index,
        })
    });
    logs.map(shapes::log).collect()
}
