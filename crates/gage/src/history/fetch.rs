//! Downloading a history from an exchange: paging, rate limits, retries.

use std::{collections::BTreeMap, io::Write as _, path::Path, thread, time::Duration};

use anyhow::{Context as _, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    HEADER, History,
    exchange::{Exchange, FetchedBar},
    write_row,
};
use crate::calendar::{HOUR, minute, unix_now};

/// How often one request is tried.
const ATTEMPTS: u32 = 5;

/// Longest wait that a server may ask for.
const RETRY_SECONDS_MAX: u64 = 120;

/// One request, whole.
const REQUEST_SECONDS_MAX: u64 = 30;

/// What to download.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) exchange: Exchange,
    /// Another server that speaks the exchange's form.
    pub(crate) base_url: Option<String>,
    /// `BTC`, `ETH`, …
    pub(crate) symbols: Vec<String>,
    /// Unix seconds of the first bar.
    pub(crate) from: u64,
    /// Unix seconds that no bar opens at or after.
    pub(crate) to: u64,
}

/// Answers that are worth another try, and those that are not.
enum Trouble {
    Passing { why: String, wait: Option<Duration> },
    Final(anyhow::Error),
}

/// Downloads and writes the file; returns how many rows it has.
pub(crate) fn fetch(order: &Order, out: &Path) -> anyhow::Result<usize> {
    ensure!(order.from < order.to, "--from must be before --to");
    ensure!(!order.symbols.is_empty(), "--symbols names no asset");
    let text = Fetcher::new(order).download()?;
    // What the exchange sent must be what `--replay` reads.
    let history =
        History::parse("download", &text).context("the exchange's bars are inconsistent")?;
    let mut file =
        std::fs::File::create(out).with_context(|| format!("cannot write {}", out.display()))?;
    file.write_all(text.as_bytes())?;
    Ok(history.bars.values().map(Vec::len).sum())
}

struct Fetcher<'a> {
    order: &'a Order,
    agent: ureq::Agent,
    progress: ProgressBar,
}

impl<'a> Fetcher<'a> {
    fn new(order: &'a Order) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(REQUEST_SECONDS_MAX)))
            .http_status_as_error(false)
            .user_agent(concat!("gage/", env!("CARGO_PKG_VERSION")))
            .build();
        let hours = (order.to - order.from).div_ceil(HOUR) * order.symbols.len() as u64;
        let style =
            ProgressStyle::with_template("{msg:12} [{bar:32}] {pos}/{len} hours, {eta} left");
        let progress = ProgressBar::new(hours)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { order, agent: config.into(), progress }
    }

    fn download(&self) -> anyhow::Result<String> {
        let mut rows: BTreeMap<(u64, usize), FetchedBar> = BTreeMap::new();
        for (place, symbol) in self.order.symbols.iter().enumerate() {
            self.progress.set_message(symbol.clone());
            let before = rows.len();
            for fetched in self.series(symbol)? {
                rows.insert((fetched.bar.time, place), fetched);
            }
            if rows.len() == before {
                bail!("{symbol}: the exchange has no bars in this time");
            }
        }
        self.progress.finish_and_clear();
        let mut text = format!("{HEADER}\n").into_bytes();
        for ((_, place), fetched) in &rows {
            let symbol = self.order.symbols.get(*place).map_or("", String::as_str);
            write_row(&mut text, symbol, &fetched.bar, &fetched.volume)?;
        }
        Ok(String::from_utf8(text)?)
    }

    /// All finished bars of one asset.
    fn series(&self, symbol: &str) -> anyhow::Result<Vec<FetchedBar>> {
        let Order { exchange, from, to, .. } = *self.order;
        let pair = exchange.pair(symbol);
        // The bar that is still open is not a bar yet.
        let to = to.min(unix_now() / HOUR * HOUR);
        let mut series: Vec<FetchedBar> = Vec::new();
        let mut start = from;
        while start < to {
            let end = to.min(start + exchange.page_bars() * HOUR);
            let page =
                self.page(&exchange.path(&pair, start, end)).with_context(|| pair.clone())?;
            let fresh: Vec<_> =
                page.into_iter().filter(|f| (start..end).contains(&f.bar.time)).collect();
            if exchange == Exchange::Kraken && fresh.first().is_none_or(|f| f.bar.time > start) {
                eprintln!(
                    "kraken serves the last 720 hours only; {symbol} begins {}",
                    fresh.first().map_or_else(|| "never".to_owned(), |f| minute(f.bar.time)),
                );
            }
            series.extend(fresh);
            self.progress.inc((end - start).div_ceil(HOUR));
            start = end;
            thread::sleep(Duration::from_millis(exchange.pause_milliseconds()));
        }
        Ok(series)
    }

    /// One page, tried again while the trouble may pass.
    fn page(&self, path: &str) -> anyhow::Result<Vec<FetchedBar>> {
        let base = self.order.base_url.as_deref().unwrap_or(self.order.exchange.base_url());
        let url = format!("{}{path}", base.trim_end_matches('/'));
        let mut last = String::new();
        for attempt in 0..ATTEMPTS {
            match self.request(&url) {
                Ok(bars) => return Ok(bars),
                Err(Trouble::Final(error)) => return Err(error.context(url)),
                Err(Trouble::Passing { why, wait }) => {
                    tracing::warn!(%url, attempt, %why, "trying again");
                    last = why;
                    if attempt + 1 < ATTEMPTS {
                        thread::sleep(wait.unwrap_or(Duration::from_millis(500 << attempt)));
                    }
                }
            }
        }
        bail!("{url}: gave up after {ATTEMPTS} attempts: {last}")
    }

    fn request(&self, url: &str) -> Result<Vec<FetchedBar>, Trouble> {
        let passing = |error: ureq::Error| Trouble::Passing { why: error.to_string(), wait: None };
        let mut response = self.agent.get(url).call().map_err(passing)?;
        let status = response.status().as_u16();
        let asked = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let wait = asked
            .and_then(|seconds| seconds.parse::<u64>().ok())
            .map(|seconds| Duration::from_secs(seconds.min(RETRY_SECONDS_MAX)));
        let body = response.body_mut().read_to_string().map_err(passing)?;
        if matches!(status, 418 | 429 | 500..=599) {
            return Err(Trouble::Passing { why: format!("HTTP {status}"), wait });
        }
        let parsed = self.order.exchange.parse(&body);
        parsed.map_err(|error| {
            Trouble::Final(anyhow::Error::from(error).context(format!("HTTP {status}")))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader, Write},
        net::{TcpListener, TcpStream},
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use super::*;

    /// 2024-08-01 00:00 UTC.
    const START: u64 = 1_722_470_400;

    /// A server that speaks Binance's form: hourly bars of the time asked for; every third request
    /// is turned away, as a busy exchange does.
    fn exchange() -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let turned_away = counted.fetch_add(1, Ordering::SeqCst) % 3 == 1;
                answer(stream, turned_away);
            }
        });
        (url, requests)
    }

    fn answer(mut stream: TcpStream, turned_away: bool) {
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        let request = lines.next().unwrap_or_default();
        lines.take_while(|line| !line.is_empty()).for_each(drop);
        let parameter = |name: &str| {
            let at = request.split(name).nth(1)?;
            at.trim_start_matches('=').split(['&', ' ']).next()?.parse::<u64>().ok()
        };
        let (status, body) = match (parameter("startTime"), parameter("endTime")) {
            _ if turned_away => ("429 Too Many Requests\r\nretry-after: 0", String::new()),
            _ if request.contains("NOPEUSDT") => {
                ("400 Bad Request", r#"{"code":-1121,"msg":"Invalid symbol."}"#.to_owned())
            }
            (Some(from), Some(to)) => {
                let bar =
                    |time| format!(r#"[{time},"10.5","12","9","11","3.25",0,"0",0,"0","0","0"]"#);
                let bars: Vec<_> = (from..=to).step_by(3_600_000).take(1000).map(bar).collect();
                ("200 OK", format!("[{}]", bars.join(",")))
            }
            _ => ("404 Not Found", String::new()),
        };
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(format!("{head}{body}").as_bytes());
    }

    fn order(url: &str, symbol: &str, hours: u64) -> Order {
        Order {
            exchange: Exchange::Binance,
            base_url: Some(url.to_owned()),
            symbols: vec!["BTC".to_owned(), symbol.to_owned()],
            from: START,
            to: START + hours * HOUR,
        }
    }

    #[test]
    fn pages_are_joined_and_busy_answers_tried_again() {
        let (url, requests) = exchange();
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.csv");
        // Two pages for each of the two assets.
        assert_eq!(fetch(&order(&url, "ETH", 1_500), &out).unwrap(), 3_000);
        assert!(requests.load(Ordering::SeqCst) > 4);
        let history = History::open(out.to_str().unwrap()).unwrap();
        assert_eq!(history.span(), (START, START + 1_499 * HOUR));
        assert_eq!(history.bars["ETH"].len(), 1_500);
    }

    #[test]
    fn an_unknown_symbol_leaves_no_file() {
        let (url, _) = exchange();
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.csv");
        let refused = format!("{:#}", fetch(&order(&url, "NOPE", 5), &out).unwrap_err());
        assert!(refused.contains("Invalid symbol."), "{refused}");
        assert!(!out.exists());
    }

    #[test]
    fn impossible_times_are_refused() {
        let mut order = order("http://127.0.0.1:9", "ETH", 1);
        order.to = order.from;
        assert!(fetch(&order, Path::new("/dev/null")).is_err());
    }
}
