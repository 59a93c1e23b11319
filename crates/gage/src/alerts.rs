//! Alerts: a line on the standard output, and a webhook, whenever a feed's status changes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{calendar::unix_now, commands::feeds::FeedTold};

/// How long a webhook may take to answer.
const WEBHOOK: Duration = Duration::from_secs(5);

/// Whom to tell, and what they know.
pub(crate) struct Alerts {
    webhook: Option<String>,
    agent: ureq::Agent,
    /// The status of each feed when last looked at.
    known: BTreeMap<u32, String>,
    reachable: bool,
}

impl Alerts {
    pub(crate) fn new(webhook: Option<String>) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(WEBHOOK)).build();
        Self { webhook, agent: config.into(), known: BTreeMap::new(), reachable: true }
    }

    /// Tells of every feed whose status is another than before; at first, of those that are not live.
    pub(crate) fn look(&mut self, feeds: &[FeedTold]) {
        if !self.reachable {
            self.reachable = true;
            self.tell(
                &json!({ "event": "node", "status": "answers", "time": unix_now() }),
                "the node answers again",
            );
        }
        for feed in feeds {
            let before = self.known.insert(feed.id, feed.status.clone());
            let before = before.unwrap_or_else(|| "live".to_owned());
            if before == feed.status {
                continue;
            }
            let because =
                feed.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            let line = format!("{} is {}, was {before}{because}", feed.description, feed.status);
            let alert = json!({
                "event": "feed",
                "feed": feed.id,
                "description": feed.description,
                "status": feed.status,
                "before": before,
                "price": feed.price.formatted,
                "blocks": feed.blocks,
                "reason": feed.reason,
                "time": unix_now(),
            });
            self.tell(&alert, &line);
        }
    }

    /// Tells once that the node does not answer.
    pub(crate) fn unreachable(&mut self, url: &str, why: &anyhow::Error) {
        if self.reachable {
            self.reachable = false;
            let alert = json!({ "event": "node", "status": "silent", "reason": format!("{why:#}"), "time": unix_now() });
            self.tell(&alert, &format!("{url}: {why:#}"));
        }
    }

    fn tell(&self, alert: &Value, line: &str) {
        announce!("{line}");
        tracing::warn!(%alert, "alert");
        let Some(url) = &self.webhook else { return };
        // Whoever watches must not fall silent because somebody else does not listen.
        if let Err(why) = self.agent.post(url).send_json(alert) {
            eprintln!("the webhook {url} did not take the alert: {why}");
        }
    }
}
