//! Interest models off the chain: a model as one types it, a path of utilisation as it is recorded,
//! and what the model does along it.

mod model;
mod path;
mod study;

pub(crate) use model::{name_of, parse_model};
pub(crate) use path::Path;
pub(crate) use study::{Study, csv, curve_chart, models_chart, path_chart, yearly};
