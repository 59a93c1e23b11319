//! `gage rates`: a vault's curve, and models along a recorded path.

use anyhow::Context as _;
use gage_core::{Bps, InterestModel, Ray, Wad, rates::CurvePoint};
use serde_json::{Value, json};

use super::print_json;
use crate::{
    amounts::percent,
    chart::{braille, svg},
    cli::RatesArgs,
    client::Client,
    rates::{
        Path, Study, csv, curve_chart, models_chart, name_of, parse_model, path_chart, yearly,
    },
    reading::Names,
    table::{Column, facts, table},
    told::{self, Ahead, RatePoint, VaultRates},
};

/// What runs if no model is named.
const MODELS: [&str; 2] = ["kinked:0,5.5,60,90", "adaptive:4"];
/// The path if none is named.
const PATH: &str = "2024-08";
/// The reserve fee if none is named.
const FEE_BPS: u16 = 1_000;

/// Shows a vault's rates, or runs models along a path.
pub(crate) fn rates(args: &RatesArgs) -> anyhow::Result<()> {
    match &args.vault {
        Some(vault) => of_vault(args, vault),
        None => along_path(args),
    }
}

fn of_vault(args: &RatesArgs, vault: &str) -> anyhow::Result<()> {
    let client = Client::new(&args.remote.rpc_url);
    let names = Names::read(&client)?;
    let vault = names.vault(vault)?.token.address;
    let (told, found): (Value, VaultRates) = told::ask(&client, "gage_rates", json!([vault]))?;
    if args.remote.json {
        return print_json(&told);
    }
    let points: Vec<_> = found.curve.iter().map(point).collect();
    let now = point(&found.now);
    let mark = [now.utilisation.get() as f64 / 1e16, yearly(now.borrow_rate)];
    let title = format!("{} lends {}", found.vault.symbol, found.vault.asset.symbol);
    let chart = curve_chart(&title, vec![("Rate by utilisation".to_owned(), points, Some(mark))]);
    println!("{}\n", braille::draw(&chart).join("\n"));
    let row = |name: &str, point: &RatePoint| {
        let rates = [&point.borrow_rate, &point.borrow_apy, &point.supply_rate, &point.supply_apy];
        let mut row = vec![name.to_owned(), percent(point.utilisation.units())];
        row.extend(rates.map(|rate| rate.rounded()));
        row
    };
    let mut rows = vec![row("now", &found.now)];
    rows.extend(found.curve.iter().step_by(2).map(|point| row("", point)));
    let columns = [
        Column::Left(""),
        Column::Right("utilisation"),
        Column::Right("borrow APR"),
        Column::Right("borrow APY"),
        Column::Right("supply APR"),
        Column::Right("supply APY"),
    ];
    println!("{}", table(&columns, rows));
    println!("\nThe curve bends at {}. {}", found.bend.formatted, told_drift(&found));
    Ok(())
}

fn told_drift(found: &VaultRates) -> String {
    let Some(drift) = &found.drift else {
        return "It stays as it is until the curator changes it.".to_owned();
    };
    let ahead = |ahead: &Ahead| {
        format!("{} (target {})", ahead.borrow_rate.rounded(), ahead.rate_at_target.rounded())
    };
    format!(
        "It drifts: at this utilisation the borrow rate is {} in an hour, {} in a day.",
        ahead(&drift.next_hour),
        ahead(&drift.next_day)
    )
}

fn point(told: &RatePoint) -> CurvePoint {
    let narrow = |quantity: &told::Quantity| quantity.units().saturating_to::<u128>();
    CurvePoint {
        utilisation: Wad::new(narrow(&told.utilisation)),
        borrow_rate: Ray::new(narrow(&told.borrow_rate)),
        supply_rate: Ray::new(narrow(&told.supply_rate)),
    }
}

fn along_path(args: &RatesArgs) -> anyhow::Result<()> {
    let path = Path::open(args.path.as_deref().unwrap_or(PATH))?;
    let models = models(args)?;
    let fee = Bps::new(args.reserve_fee.unwrap_or(FEE_BPS));
    let studies: Vec<_> = models.iter().map(|model| Study::of(*model, fee, &path)).collect();
    let write = |file: &std::path::Path, text: String| {
        std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))?;
        eprintln!("wrote {}", file.display());
        anyhow::Ok(())
    };
    if let Some(file) = &args.plot {
        write(file, svg::draw(&path_chart(&path, &studies)))?;
    }
    if let Some(file) = &args.plot_curves {
        write(file, svg::draw(&models_chart(&models, fee)?))?;
    }
    if let Some(file) = &args.csv {
        write(file, csv(&path, &studies))?;
    }
    if args.remote.json {
        return print_json(&studies.iter().map(study_json).collect());
    }
    println!("{}\n", braille::draw(&path_chart(&path, &studies)).join("\n"));
    for study in &studies {
        let [low, high, last] = study.range();
        let rate = |value: f64| format!("{value:.2} %");
        let rows = [
            ("mean borrow rate", rate(study.mean(|stretch| stretch.borrow_rate))),
            ("mean supply rate", rate(study.mean(|stretch| stretch.supply_rate))),
            ("lowest, highest, last", [low, high, last].map(rate).join(", ")),
            ("a debt grew by", format!("{:.4} %", study.growth())),
        ];
        println!("{}\n{}\n", name_of(&study.model), facts(&rows));
    }
    Ok(())
}

fn models(args: &RatesArgs) -> anyhow::Result<Vec<InterestModel>> {
    if !args.models.is_empty() {
        return Ok(args.models.clone());
    }
    MODELS.map(|text| parse_model(text).map_err(anyhow::Error::msg)).into_iter().collect()
}

fn study_json(study: &Study) -> Value {
    let [low, high, last] = study.range();
    json!({
        "model": name_of(&study.model),
        "meanBorrowRate": study.mean(|stretch| stretch.borrow_rate),
        "meanSupplyRate": study.mean(|stretch| stretch.supply_rate),
        "lowestBorrowRate": low,
        "highestBorrowRate": high,
        "lastBorrowRate": last,
        "growth": study.growth(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn studies() -> (Path, Vec<InterestModel>, Vec<Study>) {
        let path = Path::open(PATH).unwrap();
        let models: Vec<_> = MODELS.map(|text| parse_model(text).unwrap()).into();
        let fee = Bps::new(FEE_BPS);
        let studies = models.iter().map(|model| Study::of(*model, fee, &path)).collect();
        (path, models, studies)
    }

    /// `make plots` writes them anew.
    #[test]
    fn the_documentations_plots_are_what_the_code_draws() {
        let (path, models, studies) = studies();
        let along = svg::draw(&path_chart(&path, &studies));
        assert_eq!(along, include_str!("../../../../docs/rates-path.svg"));
        let curves = svg::draw(&models_chart(&models, Bps::new(FEE_BPS)).unwrap());
        assert_eq!(curves, include_str!("../../../../docs/rates-curves.svg"));
    }

    #[test]
    fn the_documentations_numbers_are_what_the_models_do() {
        let page = include_str!("../../../../docs/rates.md");
        let (path, _, studies) = studies();
        for study in &studies {
            let [low, high, last] = study.range();
            let kind = name_of(&study.model);
            let kind = kind.split(':').next().unwrap_or_default();
            let row = format!(
                "| {kind} | {:.2} % | {:.2} % | {low:.2} % | {high:.2} % | {last:.2} % | {:.4} % |",
                study.mean(|stretch| stretch.borrow_rate),
                study.mean(|stretch| stretch.supply_rate),
                study.growth()
            );
            assert!(page.contains(&row), "docs/rates.md has no row\n{row}");
        }
        let table = csv(&path, &studies);
        assert_eq!(table.lines().count(), 193);
        assert!(
            table.starts_with("ts,utilisation,borrow_rate_1,supply_rate_1,index_1,borrow_rate_2")
        );
    }

    #[test]
    fn the_terminal_form_fits_eighty_columns() {
        let (path, _, studies) = studies();
        for line in braille::draw(&path_chart(&path, &studies)) {
            assert!(line.lines().all(|line| line.chars().count() <= 80), "{line}");
        }
    }
}
