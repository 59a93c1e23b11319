//! Talking to a node over JSON-RPC, for the user's commands.

mod wallet;

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolError as _;
use anyhow::{Context as _, anyhow, bail};
use gage_abi::IGageErrors;
use serde_json::{Value, json};

pub(crate) use wallet::{Receipt, Wallet};

use crate::{
    amounts::{bps, health, usd},
    calendar::minute,
    reading::Answers,
};

/// One request, whole.
const REQUEST_SECONDS_MAX: u64 = 30;

/// One request that has a node read its whole state.
const LONG_REQUEST_SECONDS_MAX: u64 = 600;

/// A node, by its address.
pub(crate) struct Client {
    url: String,
    agent: ureq::Agent,
}

/// An error that a node answered with.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: i64,
    pub(crate) message: String,
    pub(crate) data: Option<Bytes>,
}

impl std::error::Error for Refused {}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.data.as_ref().and_then(|data| gage_abi::decode_error(data)) {
            Some(named) => {
                let name = named.split(['(', ' ']).next().unwrap_or_default();
                let values = self.data.as_ref().and_then(in_words);
                write!(f, "refused: {}", values.unwrap_or_else(|| named.clone()))?;
                explanation(name).map_or(Ok(()), |why| write!(f, "\n{why}"))
            }
            None => write!(f, "the node answered {}: {}", self.code, self.message),
        }
    }
}

impl Client {
    /// A client of the node at `url`; nothing is sent yet.
    pub(crate) fn new(url: &str) -> Self {
        Self::waiting(url, REQUEST_SECONDS_MAX)
    }

    /// As [`new`](Self::new), for requests that take a node long.
    pub(crate) fn patient(url: &str) -> Self {
        Self::waiting(url, LONG_REQUEST_SECONDS_MAX)
    }

    fn waiting(url: &str, seconds: u64) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(seconds)))
            .http_status_as_error(false)
            .build();
        Self { url: url.to_owned(), agent: config.into() }
    }

    /// Sends one request and waits for its result.
    pub(crate) fn request(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut response = self.agent.post(&self.url).send_json(&body).with_context(|| {
            format!("no node answers at {}; start one with `gage dev`, or give --rpc-url", self.url)
        })?;
        let status = response.status();
        let mut answer: Value = response.body_mut().read_json().with_context(|| {
            format!("{} answered HTTP {status}, which is no JSON-RPC", self.url)
        })?;
        match answer.get_mut("error").map(Value::take) {
            Some(error) if !error.is_null() => {
                Err(anyhow!(read_error(&error)).context(method.to_owned()))
            }
            _ => answer.get_mut("result").map(Value::take).context("the answer has no result"),
        }
    }

    /// A result that is a hex number.
    pub(crate) fn quantity(&self, method: &str, params: Value) -> anyhow::Result<u128> {
        let value = self.request(method, params)?;
        let hex = value.as_str().and_then(|text| text.strip_prefix("0x"));
        hex.and_then(|digits| u128::from_str_radix(digits, 16).ok())
            .with_context(|| format!("{method} answered {value}, which is no number"))
    }

    /// Whose transactions the node takes.
    pub(crate) fn chain_id(&self) -> anyhow::Result<u64> {
        Ok(u64::try_from(self.quantity("eth_chainId", json!([]))?)?)
    }

    /// The newest block's number and time.
    pub(crate) fn head(&self) -> anyhow::Result<(u64, u64)> {
        let block = self.request("eth_getBlockByNumber", json!(["latest", false]))?;
        let field = |name: &str| {
            let hex = block[name].as_str().and_then(|text| text.strip_prefix("0x"));
            hex.and_then(|digits| u64::from_str_radix(digits, 16).ok())
                .with_context(|| format!("the newest block has no {name}"))
        };
        Ok((field("number")?, field("timestamp")?))
    }

    /// Wei of an account.
    pub(crate) fn balance(&self, of: Address) -> anyhow::Result<u128> {
        self.quantity("eth_getBalance", json!([of, "latest"]))
    }

    /// A transaction's receipt, if it is in a block.
    pub(crate) fn receipt(&self, hash: B256) -> anyhow::Result<Option<Value>> {
        let receipt = self.request("eth_getTransactionReceipt", json!([hash]))?;
        Ok((!receipt.is_null()).then_some(receipt))
    }
}

impl Answers for Client {
    fn answer(&self, to: Address, input: Bytes) -> anyhow::Result<Bytes> {
        let answer = self.request("eth_call", json!([{ "to": to, "input": input }, "latest"]))?;
        let Some(text) = answer.as_str() else { bail!("eth_call answered {answer}") };
        text.parse().with_context(|| format!("eth_call answered {text}"))
    }
}

fn read_error(error: &Value) -> Refused {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let data = text(&error["data"]).or_else(|| text(&error["data"]["data"]));
    Refused {
        code: error["code"].as_i64().unwrap_or_default(),
        message: text(&error["message"]).unwrap_or_else(|| error.to_string()),
        data: data.and_then(|hex| hex.parse().ok()),
    }
}

/// The error with its values as people read them: dollars, percentages, times.
fn in_words(data: &Bytes) -> Option<String> {
    if let Ok(error) = IGageErrors::AboveLimit::abi_decode(data) {
        let IGageErrors::AboveLimit { debtValue: debt, limit } = error;
        return Some(format!("AboveLimit: debt {}, limit {}", usd(debt), usd(limit)));
    }
    if let Ok(error) = IGageErrors::NoticeRunning::abi_decode(data) {
        let opens_at = minute(error.opensAt.saturating_to());
        return Some(format!("NoticeRunning: the window opens at {opens_at} UTC"));
    }
    if let Ok(error) = IGageErrors::NoticeExpired::abi_decode(data) {
        let closed_at = minute(error.closedAt.saturating_to());
        return Some(format!("NoticeExpired: the window closed at {closed_at} UTC"));
    }
    if let Ok(error) = IGageErrors::TierAboveMaximum::abi_decode(data) {
        let [discount, most] = [error.discountBps, error.mostBps].map(|p| bps(p.saturating_to()));
        return Some(format!("TierAboveMaximum: {discount}, of at most {most}"));
    }
    let IGageErrors::Healthy { healthFactor: factor } =
        IGageErrors::Healthy::abi_decode(data).ok()?;
    Some(format!("Healthy: health factor {}", health(factor)))
}

/// What a refusal of the protocol means and what helps, for those that users meet.
#[allow(clippy::too_many_lines, reason = "one arm for each error, and nothing else")]
pub(crate) fn explanation(error: &str) -> Option<&'static str> {
    Some(match error {
        "AboveLimit" => {
            "The account's debt would be above what its collateral allows (value × LTV). Borrow \
             less, pledge more, or repay first; `gage account` shows the limit."
        }
        "Healthy" => "The account's health factor is 1 or more, so nobody may liquidate it.",
        "Illiquid" => {
            "The vault has lent its cash out. Ask for at most its cash (`gage vaults`), or take a \
             place in its exit queue (`gage exit request`)."
        }
        "StalePrice" => {
            "The price is older than its feed allows: borrowing, releasing collateral and \
             liquidation wait for a fresh report; repaying and supplying work (`gage feeds`)."
        }
        "DebtBelowMinimum" => "A debt is either nothing or at least the minimum of its line.",
        "NoDebt" => "The account owes nothing to this vault.",
        "ERC20InsufficientBalance" => "The sender has less of the token than this needs.",
        "ERC20InsufficientAllowance" => "The owner has allowed the spender less than this needs.",
        "InsufficientCollateral" => "The account has pledged less of this asset.",
        "CollateralNotListed" => {
            "The market does not take this asset as collateral (`gage markets`)."
        }
        "VaultNotListed" => "The market does not borrow from this vault (`gage markets`).",
        "CapExceeded" => "A cap that the curator or the market's owner set would be exceeded.",
        "FactorCapExceeded" | "CeilingExceeded" => {
            "The vault's curator allows no more debt against this collateral, or against what it has in \
             common with others (`gage exposure`). Borrow less, or pledge another; repaying works."
        }
        "UnknownFactor" => "There is no factor with this number (`gage factor list`).",
        "NotAuthorised" => "Another account has this role.",
        "NotPermitted" => {
            "The account's owner has not let this key do that (`gage operator list`, `gage operator \
             --help`)."
        }
        "AuthorisationExpired" => "The owner let this key do that until a moment that has passed.",
        "InsufficientCredit" => {
            "The owner lets this key draw less, or nothing (`gage credit list`); repaying does not \
             raise what may be drawn."
        }
        "ERC2612InvalidSigner" => {
            "The signature is not the owner's over exactly these words and the owner's present nonce: \
             used, voided, out of order, or changed."
        }
        "ERC2612ExpiredSignature" => "The signature's deadline has passed; ask for a new one.",
        "NothingToRehome" => "The account is empty, or everything would stay where it is.",
        "MarketPaused" => {
            "It stands still until then, or until that is changed (`gage market guards`); repaying, \
             adding collateral and debt-free withdrawals go on."
        }
        "FeedFrozen" => {
            "Somebody stopped the use of this price for a while; repaying and adding collateral go on."
        }
        "GuardianRests" => "What the guardian stopped it may stop again after as long a rest.",
        "DrawLimitReached" => {
            "So much was borrowed lately that the line waits (`gage market guards`); try less, or later."
        }
        "VaultPaused" => "It is paused; repaying and debt-free withdrawals go on.",
        "LiquidationPaused" => {
            "Liquidation resumes some time after a pause or a stale price, so that owners can act."
        }
        "LiquidationWouldWorsen" => {
            "Seizing this collateral would leave the account worse off; choose another of its \
             assets."
        }
        "CloseOutNeeds" => {
            "The account is insolvent and can only be closed as a whole: offer at least what the \
             error says, and hold every token that it owes."
        }
        "NoBid" => "Nothing of this bid waits any more, or it was never placed (`gage bid list`).",
        "BidTooSmall" => {
            "A bid is worth at least its line's smallest debt, and what stays of one as well \
             (`gage queue`)."
        }
        "TierAboveMaximum" => {
            "No liquidation of this collateral gives that much away; bid a smaller discount \
             (`gage queue` shows the largest)."
        }
        "InsufficientBid" => "Less waits in the bid; `max` takes all of it.",
        "NoticeNotGiven" => {
            "A withdrawal is announced first: `gage bid announce`, then ten minutes' notice; \
             `gage stake announce`, then a week's."
        }
        "NoticeRunning" => {
            "Ten minutes must pass after a bid's announcement, a week after a stake's; it stays until \
             then."
        }
        "NoticeExpired" => "The window for the withdrawal has passed; announce it anew.",
        "NoStake" => "Nothing of this stake is left, or it was never made (`gage stake list`).",
        "StakeTooSmall" => {
            "A stake is worth at least its line's smallest debt, and what stays of one as well."
        }
        "InsufficientStake" => "Less is staked; `max` takes all of it.",
        "LossPending" => {
            "An account that draws on the line is insolvent; its loss may be the stake's."
        }
        "NothingToClaim" => {
            "The queue has not reached this place since it was last claimed (`gage exit list`)."
        }
        "ERC721NonexistentToken" => {
            "There is no such place, or it was claimed to its end (`gage exit list`)."
        }
        "ERC721InsufficientApproval" => "The place is another's (`gage exit list`).",
        "Solvent" => "Its collateral covers its debt: no loss is pending.",
        "ERC4626ExceededMaxWithdraw" | "ERC4626ExceededMaxRedeem" => {
            "More than the owner has in the vault, or than its cash; `max` takes what there is."
        }
        "ERC4626ExceededMaxDeposit" | "ERC4626ExceededMaxMint" => {
            "More than the vault's cap leaves room for."
        }
        "UnknownGroup" => "The market has no such group (`gage group list`).",
        "SameGroup" => "The account is in that group already, or in none that it could leave.",
        "OutsideGroup" => {
            "Accounts of a group owe to its vaults only (`gage group list`): repay that debt first, \
             or leave the group."
        }
        "NothingToMove" => "Every account is on the newest of these terms already.",
        "MoveNotOver" => "One move is announced or under way; the next one waits until its end.",
        "TooManyKept" => {
            "Accounts keep as many earlier terms as there can be: announce a move (`gage terms \
             move`) and let it end."
        }
        "UnknownPublisher" | "UnknownSource" => "This key may not publish this feed.",
        "ReportNotNewer" => "The feed has a report of this round or a later one.",
        "PriceOutOfBounds" => "The price is outside the bounds that the feed's owner set.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_nodes_are_read_in_both_forms() {
        let plain = read_error(&json!({ "code": 3, "message": "reverted", "data": "0x1234" }));
        assert_eq!((plain.code, plain.data), (3, Some(Bytes::from(vec![0x12, 0x34]))));
        let nested =
            read_error(&json!({ "code": -32000, "message": "m", "data": { "data": "0x12" } }));
        assert_eq!(nested.data, Some(Bytes::from(vec![0x12])));
        let bare = read_error(&json!({ "code": -32601, "message": "method not found" }));
        assert_eq!(bare.to_string(), "the node answered -32601: method not found");
    }

    #[test]
    fn a_node_that_is_not_there_is_named() {
        let error = Client::new("http://127.0.0.1:9").chain_id().unwrap_err();
        assert!(error.to_string().contains("http://127.0.0.1:9"), "{error:#}");
    }
}
