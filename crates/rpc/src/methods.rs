//! The table of methods: a name, a function over the [`Context`], and the lane it runs in.

use std::sync::Arc;

use jsonrpsee::{RpcModule, core::RegisterMethodError, types::ErrorObjectOwned};
use serde::Serialize;

use crate::{
    arguments::{self, Arguments},
    context::{Context, Lane},
    error::RpcError,
};

/// What a method's function returns.
pub(crate) type Answer<R> = Result<R, RpcError>;

/// Methods by name.
pub(crate) struct Methods(RpcModule<Context>);

impl Methods {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self(RpcModule::from_arc(context))
    }

    /// A method that reads nothing but what is in memory.
    pub(crate) fn quick<A, R>(
        &mut self,
        name: &'static str,
        method: fn(&Context, A) -> Answer<R>,
    ) -> Result<(), RegisterMethodError>
    where
        A: Arguments,
        R: Serialize + 'static,
    {
        self.add(name, Lane::Quick, method)
    }

    /// A method that does a few reads.
    pub(crate) fn read<A, R>(
        &mut self,
        name: &'static str,
        method: fn(&Context, A) -> Answer<R>,
    ) -> Result<(), RegisterMethodError>
    where
        A: Arguments,
        R: Serialize + 'static,
    {
        self.add(name, Lane::Read, method)
    }

    /// A method whose work is as long as the caller chooses.
    pub(crate) fn heavy<A, R>(
        &mut self,
        name: &'static str,
        method: fn(&Context, A) -> Answer<R>,
    ) -> Result<(), RegisterMethodError>
    where
        A: Arguments,
        R: Serialize + 'static,
    {
        self.add(name, Lane::Heavy, method)
    }

    fn add<A, R>(
        &mut self,
        name: &'static str,
        lane: Lane,
        method: fn(&Context, A) -> Answer<R>,
    ) -> Result<(), RegisterMethodError>
    where
        A: Arguments,
        R: Serialize + 'static,
    {
        self.0.register_async_method(name, move |params, context, _| async move {
            let arguments = arguments::read(&params).map_err(RpcError::from)?;
            let answer = context.run(lane, move |context| method(context, arguments)).await;
            answer.map_err(ErrorObjectOwned::from)
        })?;
        Ok(())
    }

    /// For what is not a method, such as subscriptions.
    pub(crate) fn module(&mut self) -> &mut RpcModule<Context> {
        &mut self.0
    }

    pub(crate) fn into_module(self) -> RpcModule<Context> {
        self.0
    }
}
